"""The command `kuchi`: one file per command, and one place that turns errors into exit codes."""

import importlib
import pkgutil
import sys

import click

from engine.errors import KuchiError


class _Commands(click.Group):
    """Finds each command in the file of its name, and only when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(module.name for module in pkgutil.iter_modules(__path__))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(context):
            return None
        command = importlib.import_module(f"{__name__}.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, context: click.Context, words: list[str]
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, words)
        except click.UsageError as error:
            known = ", ".join(self.list_commands(context))
            raise click.UsageError(f"{error.message} Commands: {known}.", context) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kuchi")
def kuchi() -> None:
    """Kuchi (口): beatbox into a microphone, play drums.

    Exit codes: 0 ok, 2 usage, 3 no device, 4 bad patch or rig, 5 a gate failed, 6 input can't
    be read or output can't be written.
    """


def main() -> None:
    """Run the command line; a mistake of the performer's is explained, never traced."""
    try:
        kuchi(standalone_mode=False)
    except click.exceptions.Exit as left:
        sys.exit(left.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KuchiError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()                   # the reader of our output has left, as `head` does
        sys.exit(0)

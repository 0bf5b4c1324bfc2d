"""`kuchi bench`: the latency and speed suite, the same as `python -m bench`."""

import click


@click.command(add_help_option=False, short_help="Measure speed, memory and latency.",
               context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(words: tuple[str, ...]) -> None:
    """Everything after `kuchi bench` goes to the suite; see `kuchi bench --help`."""
    from bench.__main__ import main
    main(list(words))

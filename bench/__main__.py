"""`python -m bench`, which is also `kuchi bench`."""

import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

import bench
from bench.page import write_page
from bench.table import Gate, Report, machine
from engine.errors import FileError, GateError, UsageError

_NO_BENCH = ("__main__", "company", "concert", "dummy_card", "lateness", "measure", "page", "peers",
             "players", "readme", "self_check", "table")


def names() -> list[str]:
    """The benches there are: one file of this folder each."""
    found = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return [name for name in found if name not in _NO_BENCH]


@click.command(epilog=f"Benches: {', '.join(names())}. All of them unless named.")
@click.argument("wanted", nargs=-1, metavar="[NAME]...")
@click.option("--json", "target", type=click.Path(path_type=Path), metavar="FILE",
              help="Write the figures there, one object a bench; those of other benches stay.")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE",
              help="Write a page with plots there, and the plots beside it.")
@click.option("--quick", is_flag=True,
              help="A few rounds; only ratios and counts are gates: to see that it runs.")
@click.option("--self-check", "check", is_flag=True,
              help="Put faults in, and see that their figures turn red.")
def suite(wanted: tuple[str, ...], target: Path | None, page: Path | None, quick: bool,
          check: bool) -> None:
    """Measure speed, memory and latency; leaves with 5 where a gate failed."""
    if check:
        _check_itself()
        return
    known = names()
    for name in wanted:
        if name not in known:
            raise UsageError(f'there is no bench "{name}"; there are: {", ".join(known)}')
    if target is not None:
        _write(target, {})                  # better to fail now than after an hour
    reports: dict[str, Report] = {}
    on = machine()
    click.echo(f"{on['cpu']}, {on['cores']} cores, Python {on['python']}, "
               f"commit {on['commit']}, {on['date']}")
    for name in dict.fromkeys(wanted or known):
        reports[name] = importlib.import_module(f"bench.{name}").run(quick)
        click.echo(f"\n{name}: {reports[name]}")
        if target is not None:
            _write(target, reports)
        if page is not None:
            write_page({each: report.as_json() for each, report in reports.items()}, page)
    failed: list[tuple[str, Gate]] = [(name, gate) for name, report in reports.items()
                                      for gate in report.failed()]
    if failed:
        raise GateError("\n".join(f"{name}: {gate}" for name, gate in failed))


def _check_itself() -> None:
    from bench.self_check import faults_noticed
    passed = []
    for fault, noticed in faults_noticed():
        click.echo(f"{'red' if noticed else 'NOT NOTICED':>11}  {fault}")
        passed += [] if noticed else [fault]
    if passed:
        raise GateError(f"the suite didn't notice: {'; '.join(passed)}")


def _write(target: Path, reports: dict[str, Report]) -> None:
    """Put them beside what other benches have left there."""
    try:
        content = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
        content |= {name: report.as_json() for name, report in reports.items()}
        target.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n",
                          encoding="utf-8")
    except OSError as error:
        raise FileError(f"{target} can't be written: {error.strerror}") from error
    except (ValueError, TypeError):
        raise FileError(f"{target}: holds something else than figures; it is left as it is, "
                        "give another name") from None


def main(words: Sequence[str]) -> None:
    """Run the suite with the words after `kuchi bench`; errors are left to the command line."""
    suite.main(list(words), prog_name="kuchi bench", standalone_mode=False)


if __name__ == "__main__":
    from engine.commands import main as kuchi

    sys.argv.insert(1, "bench")             # the same command, with the same exit codes
    kuchi()

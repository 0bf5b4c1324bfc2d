"""The command that every `evaluate` is: score, print as JSON, and write where asked."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Scores = dict[str, Any]


def score_by_command(scores: Callable[[Path, tuple[str, ...]], Scores], folder: Path,
                     write_card: Callable[[], None], *, data: str, what: str,
                     keep: Callable[[Scores, Scores], Scores] = lambda before, now: now) -> None:
    """Run `scores(data, sets)` as the command line asks and print what it returns on one line.

    With `--card` they are `folder`'s scores.json from now on and the card is written anew; `keep`
    says what of the earlier ones remains. `data` says what `--data` must hold, `what` the command.
    """
    parser = argparse.ArgumentParser(description=what.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help=f"a folder with {data}")
    parser.add_argument("--sets", default="", help="only these sets, by commas")
    parser.add_argument("--json", type=Path, help="write the scores to this file")
    parser.add_argument("--card", action="store_true", help="and to scores.json and the card")
    asked = parser.parse_args()
    found = scores(asked.data, tuple(filter(None, asked.sets.split(","))))
    text = json.dumps(found)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")
    if asked.card:
        listed = folder / "scores.json"
        before = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else {}
        listed.write_text(json.dumps(keep(before, found), indent=1) + "\n", encoding="utf-8")
        write_card()
    print(text)

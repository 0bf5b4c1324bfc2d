"""Put the latency that was measured into the README: `python -m bench.readme`.

The figures come from the newest result in `bench/results`, where `python -m bench --json` has put
it, and stand between two marks with the machine, the date and the commit. A test holds the page.
"""

import json
from pathlib import Path
from typing import Any

from bench.table import number

HOUSE = Path(__file__).parents[1]
RESULTS = HOUSE / "bench" / "results"
BEGIN, END = "<!-- latency -->\n", "<!-- /latency -->\n"


def newest() -> dict[str, Any] | None:
    """The newest result that says how late a hit is, and isn't void; None where there is none."""
    found = []
    for path in RESULTS.glob("*.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        if "strike" in result and not result["strike"]["void"]:
            found.append(result)
    return max(found, key=lambda result: str(result["strike"]["machine"]["date"]), default=None)


def figures() -> str:
    """The table, and what it was measured on."""
    result = newest()
    if result is None:
        return "No result has been kept yet: `make bench` measures on your machine.\n"
    strike = result["strike"]
    lines = ["| ms later than `wait_ms` | p50 | p95 | p99 | SD |", "|---|---|---|---|---|"]
    soon = result.get("block_to_socket", {"rows": []})
    rows = {row["frames"]: row for row in (*strike["rows"], *soon["rows"])}
    for row in rows.values():
        block, what = str(row["frames"])[:3].strip(), str(row["frames"])[5:]
        cells = " | ".join(number(float(row[key])) for key in ("p50", "p95", "p99", "SD"))
        lines.append(f"| {what}, blocks of {block} | {cells} |")
    on = strike["machine"]
    lines += ["", f"{on['cpu']}, {on['cores']} cores, {on['system']}; {on['date'][:10]}, commit "
              f"{on['commit']}. {strike['notes'][0][:1].upper()}{strike['notes'][0][1:]}."]
    if (dsp := result.get("dsp")) and not dsp["void"]:
        lines += ["", _hop(dsp["rows"])]
    return "\n".join(lines) + "\n"


def _hop(rows: list[dict[str, Any]]) -> str:
    """One line: what a hop of analysis costs beside the peers that were there."""
    figure = "1024/128, µs"
    of = {row["what"]: row[figure] for row in rows if row.get(figure) is not None}
    peers = ", ".join(f"{name} {number(us)}" for name, us in of.items()
                      if "kuchi" not in name and "FFTW" not in name)
    return f"A hop of analysis (1024/128) takes {number(of['kuchi'])} µs; {peers}."


def page(text: str) -> str:
    """The README with the figures in their place."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + figures() + END + rest.split(END)[1]


def main() -> None:
    """Rewrite the README."""
    readme = HOUSE / "README.md"
    readme.write_text(page(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

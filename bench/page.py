"""The figures as one page that needs nothing else: a plot and a table for each bench.

Plots are SVG, beside the page and inside it. A void run is shown and says so; its gates are grey.
"""

import html
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from bench.table import cell
from engine.errors import FileError

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; color: #222 }
table { border-collapse: collapse; font-size: 13px }
td, th { padding: .2em .8em; text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f4f4f4 }
.ok { color: #26734d } .failed { color: #b3261e; font-weight: bold } .void { color: #888 }
svg { max-width: 100%; height: auto }
"""
_OURS = ("kuchi", "strike", "beatbox")
_NOT_PLOTTED = ("95 %", "hop", "hours", "events")


def write_page(results: Mapping[str, Mapping[str, Any]], target: Path) -> None:
    """`target` becomes the page; plots stand beside it, one SVG a bench. FileError says why not."""
    try:
        parts = [_section(name, result, target.parent) for name, result in results.items()]
        target.write_text(_page(results, parts), encoding="utf-8")
    except OSError as error:
        raise FileError(f"{target} can't be written: {error.strerror}") from error


def _page(results: Mapping[str, Mapping[str, Any]], parts: Sequence[str]) -> str:
    machine = next(iter(results.values()))["machine"] if results else {}
    where = ", ".join(f"{key} {html.escape(str(machine[key]))}" for key in (
        "cpu", "cores", "system", "python", "numpy", "numba", "onnxruntime", "commit", "date")
        if machine.get(key))
    return (f"<!doctype html><html lang=en><meta charset=utf-8><title>Kuchi: bench</title>"
            f"<style>{_STYLE}</style><h1>How fast, how small, how late</h1><p>{where}</p>"
            + "".join(parts) + "</html>\n")


def _section(name: str, result: Mapping[str, Any], folder: Path) -> str:
    text = [f"<h2 id={name}>{html.escape(name)}</h2><p>{html.escape(result['question'])}</p>"]
    if result["void"]:
        text.append(f"<p class=void>Void: {html.escape(result['rule'])}</p>")
    if drawing := plot(result):
        (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")
        text.append(drawing[drawing.index("<svg"):])
    text.append(_table(result["rows"]))
    for gate in result["gates"]:
        state = "void" if result["void"] else "ok" if gate["passed"] else "failed"
        sign = "≥" if gate["at_least"] else "≤"
        text.append(f"<div class={state}>{state}: {html.escape(gate['what'])} "
                    f"{cell(gate['value'])}, must be {sign} {cell(gate['limit'])}</div>")
    text += [f"<p>{html.escape(note)}</p>" for note in result["notes"]]
    return "\n".join(text)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["<tr>" + "".join(f"<th>{html.escape(head)}</th>" for head in heads) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(cell(row.get(head)))}</td>" for head in heads)
              + "</tr>" for row in rows]
    return "<table>" + "".join(lines) + "</table>"


def plot(result: Mapping[str, Any]) -> str:
    """Bars for the first figure of each row, with its interval where there is one; "" for none."""
    rows = result["rows"]
    heads = list(dict.fromkeys(key for row in rows for key in row))
    figure = next((head for head in heads[1:] if _plottable(head, rows)), None)
    if figure is None:
        return ""
    from matplotlib.figure import Figure
    labels = [str(row[heads[0]]) for row in rows if _is_number(row.get(figure))]
    values = [float(row[figure]) for row in rows if _is_number(row.get(figure))]
    drawing = Figure(figsize=(8, 0.35 * len(labels) + 1.0), layout="constrained")
    axes = drawing.subplots()
    colours = ["#c8553d" if any(word in label for word in _OURS) else "#8d99ae"
               for label in labels]
    axes.barh(labels, values, color=colours)
    axes.invert_yaxis()
    axes.set_xlabel(figure)
    if min(values) > 0 and max(values) > 50 * min(values):
        axes.set_xscale("log")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    text = StringIO()
    drawing.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _plottable(head: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    return not any(word in head for word in _NOT_PLOTTED) and any(
        _is_number(row.get(head)) for row in rows)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value

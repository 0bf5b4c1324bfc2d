"""The report as one picture: what each wait buys, and which sounds are taken for which."""

from pathlib import Path

import numpy as np

from engine.rehearsal.report import Report
from engine.voice.learning import MOMENTS_MS

_INK = "#1d1d1f"
_COLOURS = ("#d1495b", "#edae49", "#00798c", "#8f6fb8", "#66a182", "#30a0c0", "#b86f52", "#5b5f97")


def draw_report(path: Path, report: Report, *, title: str) -> None:
    """Write a PNG: accuracy against the wait, in all and by sound; and the confusion."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (waits, mixed) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained",
                                          width_ratios=[1.35, 1.0])
    figure.suptitle(title, color=_INK, fontsize=14, x=0.01, ha="left", weight="bold")
    deciding = report.deciding
    for place, name in enumerate(report.names):
        waits.plot(MOMENTS_MS, 100 * deciding.by_sound[:, place], lw=1.2, alpha=0.8, label=name,
                   color=_COLOURS[place % len(_COLOURS)], ls="-" if place < 8 else ":")
    waits.plot(MOMENTS_MS, 100 * report.takes.accuracy, color=_INK, lw=1.5, ls="--",
               label="all takes")
    if report.pattern:
        waits.plot(MOMENTS_MS, 100 * report.pattern.accuracy, color=_INK, lw=2.5,
                   label="all of the pattern")
    waits.axvline(report.wait_ms, color=_INK, lw=0.8)
    waits.annotate(f" {report.wait_ms} ms", (report.wait_ms, 2), color=_INK)
    waits.set(xscale="log", ylim=(0, 103), xlabel="ms you wait", ylabel="% named right",
              xticks=(8, 16, 24, 32, 64, 100, 200))
    waits.set_xticklabels(["8", "16", "24", "32", "64", "100", "200"])
    waits.minorticks_off()
    waits.legend(fontsize=8, frameon=False, loc="lower right")
    waits.grid(alpha=0.25)
    waits.spines[["top", "right"]].set_visible(False)

    counts = deciding.confusion[MOMENTS_MS.index(report.wait_ms)]
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    named = [*report.names, "nothing"]
    mixed.imshow(shares, cmap="Greys", vmin=0.0, vmax=1.0, aspect="auto")
    for row, column in zip(*np.nonzero(counts), strict=True):
        mixed.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=9,
                   color="white" if shares[row, column] > 0.5 else _INK)
    mixed.set_xticks(range(len(named)), named, rotation=45, ha="right", fontsize=9)
    mixed.set_yticks(range(len(report.names)), report.names, fontsize=9)
    what = "the pattern" if deciding is report.pattern else "takes"
    mixed.set_title(f"what was played, and what Kuchi called it ({what}, {report.wait_ms} ms)",
                    loc="left", fontsize=10)
    figure.savefig(path, dpi=110, metadata={"Software": "Kuchi"})
    plt.close(figure)

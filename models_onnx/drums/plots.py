"""The card's picture: accuracy against delay, which sound is taken for which, how sure is sure."""

from pathlib import Path
from typing import Any

from models_onnx.drums.hearing import HERE

PICTURE = HERE / "scores.png"
SOUNDS = ("kick", "snare", "hat")
INK, OWN, EVERYBODY = "#1d1d1f", "#d1495b", "#00798c"


def draw_scores(found: dict[str, Any], path: Path = PICTURE) -> None:
    """Write a PNG from the scores."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (delay, mixed, sure) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    _against_delay(delay, found)
    _confusion(mixed, found)
    _reliability(sure, found)
    for axes in (delay, mixed, sure):
        axes.title.set(fontsize=10, color=INK)
    figure.savefig(path, dpi=80, metadata={"Software": None})
    plt.close(figure)


def _against_delay(axes: Any, found: dict[str, Any]) -> None:
    for name, words, colour in (("takes_5", "five takes of one's own", OWN),
                                ("zero_shot", "never heard", EVERYBODY)):
        ms = [int(each) for each in found[name]]
        f1 = [each["f1"] for each in found[name].values()]
        low, high = zip(*found[f"{name}_ci"].values(), strict=True)
        axes.plot(ms, f1, color=colour, marker="o", ms=3, label=words)
        axes.fill_between(ms, low, high, color=colour, alpha=0.15, lw=0)
    axes.set(xscale="log", xticks=ms, ylim=(0.4, 1.0), xlabel="ms heard after the attack",
             ylabel="macro-F1, mean and 95 %", title="kick, snare, hat")
    axes.set_xticks(ms, [str(each) for each in ms])
    axes.minorticks_off()
    axes.legend(loc="lower right", frameon=False, fontsize=8)


def _confusion(axes: Any, found: dict[str, Any]) -> None:
    (ms, shares), = found["confusion"].items()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for row, each in enumerate(shares):
        for column, share in enumerate(each):
            axes.text(column, row, f"{share:.2f}", ha="center", va="center",
                      color="white" if share > 0.5 else INK)
    axes.set(xlabel="named", ylabel="meant", title=f"never heard, {ms} ms")
    axes.set_xticks(range(3), SOUNDS)
    axes.set_yticks(range(3), SOUNDS)


def _reliability(axes: Any, found: dict[str, Any]) -> None:
    (ms, bins), = found["reliability"].items()
    said, right, count = zip(*bins, strict=True)
    axes.plot([0.3, 1.0], [0.3, 1.0], color=INK, lw=0.6, ls=":")
    axes.scatter(said, right, s=[20 + 300 * each / max(count) for each in count], color=EVERYBODY,
                 alpha=0.7, lw=0)
    axes.set(xlim=(0.3, 1.02), ylim=(0.2, 1.02), xlabel="probability said", ylabel="share right",
             title=f"never heard, {ms} ms")

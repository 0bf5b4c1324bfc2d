"""One picture of a take: what was sung, what was heard in it, and how late each answer came."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.drums import DRUMS
from engine.events import Hit, Onset, Sent
from engine.units import SAMPLE_RATE, Samples

INK = "#1d1d1f"
_COLOURS = {"kick": "#d1495b", "snare": "#edae49", "hihat_closed": "#00798c",
            "hihat_open": "#30a0c0", "clap": "#8f6fb8", "rim": "#66a182"}
_OTHER = "#7a7a7a"


def draw_take(path: Path, voice: Samples, events: Sequence[Sent], *, title: str) -> None:
    """Write a PNG: spectrogram with onsets, hits by drum, and the delay of each.

    voice : float32 (frames,) at 48 kHz
    """
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    hits = [(sent, sent.event) for sent in events if isinstance(sent.event, Hit)]
    onsets = [(sent, sent.event) for sent in events if isinstance(sent.event, Onset)]
    drums = [drum for drum in DRUMS if any(hit.drum == drum for _, hit in hits)]
    figure, (heard, played, late) = plt.subplots(
        3, 1, figsize=(13, 8), sharex=True, height_ratios=[3, 1.2 + 0.25 * len(drums), 1.5],
        layout="constrained")
    figure.suptitle(title, color=INK, fontsize=14, x=0.01, ha="left", weight="bold")

    quiet = np.random.default_rng(0).standard_normal(len(voice)).astype(np.float32) * 1e-6
    heard.specgram(voice + quiet, NFFT=1024, Fs=SAMPLE_RATE, noverlap=768, cmap="magma",
                   vmin=-120, vmax=-30)
    heard.set_yscale("symlog", linthresh=400, linscale=0.5)
    heard.set(ylim=(40, 18000), ylabel="Hz", yticks=[100, 400, 1000, 4000, 16000],
              yticklabels=["100", "400", "1k", "4k", "16k"])
    heard.vlines([onset.time for _, onset in onsets], 40, 18000, color="white", lw=0.8, alpha=0.75)
    heard.set_title("what the microphone heard, a line at each onset", loc="left", fontsize=10)

    for row, drum in enumerate(drums):
        own = [hit for _, hit in hits if hit.drum == drum]
        played.scatter([hit.time for hit in own], [row] * len(own), color=colour_of(drum),
                       s=[20 + 160 * hit.velocity for hit in own], alpha=0.85, linewidths=0)
    played.set(yticks=range(len(drums)), yticklabels=drums, ylim=(len(drums) - 0.4, -0.6))
    played.set_title("what Kuchi played, larger is louder", loc="left", fontsize=10)

    for drum in drums:
        own_sent = [(sent, hit) for sent, hit in hits if hit.drum == drum]
        late.scatter([hit.time for _, hit in own_sent],
                     [(sent.sent - hit.time) * 1000 for sent, hit in own_sent], s=16,
                     color=colour_of(drum), linewidths=0)
    late.scatter([onset.time for _, onset in onsets],
                 [(sent.sent - onset.time) * 1000 for sent, onset in onsets], s=10, color=INK,
                 marker="|", label="onset noticed")
    late.set(xlabel="seconds", ylabel="ms after the strike", xlim=(0, len(voice) / SAMPLE_RATE))
    late.set_ylim(0, 1.15 * late.get_ylim()[1])
    late.legend(loc="lower right", bbox_to_anchor=(1.0, 0.97), fontsize=8, frameon=False)
    late.set_title("how late each hit left", loc="left", fontsize=10)
    for axes in (played, late):
        axes.grid(axis="x", alpha=0.25)
    for axes in (heard, played, late):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": "Kuchi"})
    plt.close(figure)


def colour_of(drum: str) -> str:
    """What a drum is drawn in."""
    return _COLOURS.get(drum, _OTHER)

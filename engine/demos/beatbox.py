"""The beatbox demo: a mouth's own sounds become a kit, and a friend plays sixteen bars on it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engine.capture import Captured, capture, keep
from engine.events import Control, Hit, Sent
from engine.mouth.song import BAR_S, BARS, BPM, song_performance, sounds_shown
from engine.patch import load_patch
from engine.rendering import render
from engine.units import Samples

FRIEND, PERFORMER = "friend", "drums"

_JOINS: Final = 2                   # the bar in which the friend begins
_WHO: Final = "aki"


@dataclass(frozen=True, slots=True)
class Song:
    """What was played: the kit that was made of the mouth, its voice, and every event."""

    kit: Captured
    voice: Samples
    events: list[Sent]

    def hits(self, node: str) -> list[Hit]:
        """The hits of the performer, or of the friend."""
        return [sent.event for sent in self.events
                if sent.node == node and isinstance(sent.event, Hit)]


def capture_kit(folder: Path, seed: int = 0) -> Captured:
    """A mouth shows a dozen sounds, and they become a kit in a folder."""
    shown, _ = sounds_shown(_WHO, seed)
    kit = capture(shown)
    keep(kit, folder, "The demo's mouth")
    return kit


def play_song(kit: Captured, folder: Path, seed: int = 0,
              write: Callable[[Samples], object] | None = None) -> Song:
    """Two bars alone, sixteen with the friend on the kit in `folder`, and the end on a one."""
    voice, _ = song_performance(_WHO, seed)
    patch = (load_patch("beatbox-and-friend")
             .with_setting("kit", str(folder.resolve()), node="kit")
             .with_setting("bpm", BPM, node="clock")
             .with_setting("when_silent", "carry-on", node=FRIEND))
    hands = [Control((_JOINS - 0.5) * BAR_S, f"{FRIEND}.start", True),
             Control((BARS - 0.55) * BAR_S, f"{FRIEND}.stop", True)]
    return Song(kit, voice, list(render(patch, voice, hands, seed=seed, write=write)))


def draw_song(path: Path, song: Song) -> None:
    """Write a PNG: what the mouth sang, what was understood of it, and what the friend played."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from engine.picture import INK, colour_of
    seconds = (BARS + 1) * BAR_S
    figure, (heard, mine, friend) = plt.subplots(3, 1, figsize=(14, 8), sharex=True,
                                                 height_ratios=[1, 1.3, 1.6],
                                                 layout="constrained")
    figure.suptitle("A mouth, its own sounds as a kit, and a friend", color=INK, fontsize=14,
                    x=0.01, ha="left", weight="bold")
    count = len(song.voice) // 480
    loudest = np.abs(song.voice[:count * 480]).reshape(count, 480).max(axis=1)
    heard.fill_between(np.arange(count) / 100.0, -loudest, loudest, color=INK, lw=0)
    heard.set(yticks=[], ylim=(-1, 1))
    heard.set_title("the performer's voice", loc="left", fontsize=10)
    for axes, node, title in ((mine, PERFORMER, "performer: what was understood"),
                              (friend, FRIEND, "machine: what the friend played")):
        hits = song.hits(node)
        drums = sorted({hit.drum for hit in hits}, key=lambda d: [h.drum for h in hits].index(d))
        for row, drum in enumerate(drums):
            own = [hit for hit in hits if hit.drum == drum]
            axes.scatter([hit.time for hit in own], [row] * len(own), color=colour_of(drum),
                         s=[15 + 120 * hit.velocity for hit in own], linewidths=0, alpha=0.85)
        axes.set(yticks=range(len(drums)), yticklabels=drums, ylim=(len(drums) - 0.4, -0.6))
        axes.set_title(title, loc="left", fontsize=10)
    friend.set(xlim=(0, seconds), xlabel="bar", xticks=[bar * BAR_S for bar in range(BARS + 1)],
               xticklabels=[str(bar + 1) for bar in range(BARS + 1)])
    for axes in (heard, mine, friend):
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": "Kuchi"})
    plt.close(figure)

"""A piano roll: the call below, the answer beside it, the chords above."""

from collections.abc import Sequence
from pathlib import Path

from engine.events import Chord, NoteOff, NoteOn
from engine.music.keys import key_name

_INK, _CALL, _ANSWER = "#1d1d1f", "#00798c", "#d1495b"


def draw_roll(path: Path, calls: Sequence[NoteOn | NoteOff], answers: Sequence[NoteOn | NoteOff],
              chords: Sequence[Chord], *, beat_s: float, title: str) -> None:
    """Write a PNG of what was played and what was answered; a line at each bar of four beats."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, roll = plt.subplots(figsize=(13, 5), layout="constrained")
    figure.suptitle(title, color=_INK, fontsize=14, x=0.01, ha="left", weight="bold")
    spans = {"the call": (_spans(calls), _CALL), "Kuchi's answer": (_spans(answers), _ANSWER)}
    notes = [note for rows, _ in spans.values() for _, _, note, _ in rows] or [60]
    end = max((start + length for rows, _ in spans.values() for start, length, _, _ in rows),
              default=1.0)
    for name, (rows, colour) in spans.items():
        for start, length, note, velocity in rows:
            roll.barh(note, length, left=start, height=0.8, color=colour, linewidth=0,
                      alpha=0.35 + 0.65 * velocity / 127)
        roll.barh(0, 0, color=colour, label=name)
    bar = 0
    while bar * 4 * beat_s <= end:
        roll.axvline(bar * 4 * beat_s, color=_INK, lw=0.8 if bar % 4 == 0 else 0.4, alpha=0.4)
        bar += 1
    top = max(notes) + 3
    for chord in chords:
        if chord.time <= end:
            roll.text(chord.time + 0.05, top - 0.9, chord.name, fontsize=8, color=_INK)
    low = min(notes) - 2
    roll.set(xlim=(0, end), ylim=(low, top), xlabel="seconds",
             yticks=[note for note in range(low, top) if note % 12 in (0, 4, 7)])
    roll.set_yticklabels([key_name(int(note)) for note in roll.get_yticks()], fontsize=8)
    roll.legend(loc="lower right", fontsize=8, frameon=False)
    roll.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": "Kuchi"})
    plt.close(figure)


def _spans(notes: Sequence[NoteOn | NoteOff]) -> list[tuple[float, float, int, int]]:
    """Start, length, note and velocity of each note."""
    began: dict[tuple[int, int], NoteOn] = {}
    found = []
    for note in notes:
        key = (note.channel, note.note)
        if isinstance(note, NoteOn):
            began[key] = note
        elif key in began:
            on = began.pop(key)
            start = on.due or on.time
            found.append((start, (note.due or note.time) - start, on.note, on.velocity))
    return found

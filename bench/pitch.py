"""Are the notes of a hummed line the notes that were meant?

Nine synthetic mouths hum tunes with vibrato, breath, slurs and loose tuning. A note is right when
it begins within 50 ms of the one that was meant and lies within 50 cents of it: F1 of mir_eval's
note onsets and pitches. Made from seeds, so the figures are the same on every machine; the null
control is silence, in which no note may be heard.
"""

from time import perf_counter

import mir_eval
import numpy as np

from bench.table import Gate, Report, Row
from engine.events import NoteOff, NoteOn
from engine.mouth.humming import Sung, hum_tune, tune
from engine.mouth.performers import PERFORMERS
from engine.nodes.pitch_tracker import PitchTracker
from engine.rendering import play
from engine.units import SAMPLE_RATE, Samples

_VOWELS = ("m", "u", "a", "o")
_MUST = 0.80


def run(quick: bool) -> Report:
    """Hum and listen; one row a mouth, and all of them together."""
    rows: list[Row] = []
    scores: list[tuple[float, float, float]] = []
    seconds = spent = 0.0
    for number, who in enumerate(PERFORMERS[:2] if quick else PERFORMERS):
        own = []
        for turn in range(1 if quick else 4):
            notes, audio = hummed(number, turn)
            begin = perf_counter()
            heard = notes_of(audio)
            spent += perf_counter() - begin
            seconds += len(audio) / SAMPLE_RATE
            own.append(score(notes, heard))
        scores += own
        rows.append(_row(who.name, own))
    rows.append(_row("all", scores))
    silence = len(notes_of(np.zeros(SAMPLE_RATE * 2, np.float32)))
    return Report("Are the notes of a hummed line right?  Onset ±50 ms, pitch ±50 cents.", rows,
                  rule="notes were heard in silence", void=silence > 0,
                  gates=[Gate("F1 of all notes", float(np.mean([f for *_, f in scores])), _MUST,
                              at_least=True)],
                  notes=[f"{seconds / spent:.0f} times real time, one thread"])


def hummed(mouth: int, turn: int) -> tuple[list[Sung], Samples]:
    """A tune in a mouth's own register, and how it sounds."""
    centre = round(69 + 12 * np.log2(PERFORMERS[mouth].voice_hz / 440.0)) + 5
    notes = tune(100 * mouth + turn, low=centre - 9, high=centre + 12, key=(5 * turn) % 12)
    return notes, hum_tune(notes, mouth, vowel=_VOWELS[turn], vibrato_cents=(20, 35, 50, 40)[turn],
                           breath_db=(-30.0, -24.0, -20.0, -18.0)[turn], seed=turn)


def notes_of(audio: Samples) -> list[Sung]:
    """What the tracker hears."""
    began: dict[int, NoteOn] = {}
    found = []
    for event in play(PitchTracker(), np.pad(audio, (0, SAMPLE_RATE // 2))):
        if isinstance(event, NoteOn):
            began[event.note] = event
        elif isinstance(event, NoteOff) and event.note in began:
            on = began.pop(event.note)
            found.append(Sung(on.time, max(event.time - on.time, 1e-3), on.note))
    return found


def score(meant: list[Sung], heard: list[Sung]) -> tuple[float, float, float]:
    """Precision, recall and F1 of notes; offsets are not judged."""
    if not heard:
        return 0.0, 0.0, 0.0
    precision, recall, f1, _ = mir_eval.transcription.precision_recall_f1_overlap(
        *_intervals(meant), *_intervals(heard), onset_tolerance=0.05, pitch_tolerance=50.0,
        offset_ratio=None)
    return float(precision), float(recall), float(f1)


def _intervals(notes: list[Sung]) -> tuple[np.ndarray, np.ndarray]:
    spans = np.array([[each.time, each.time + each.length] for each in notes])
    return spans, np.array([440.0 * 2.0 ** ((each.note - 69) / 12) for each in notes])


def _row(name: str, own: list[tuple[float, float, float]]) -> Row:
    precision, recall, f1 = (float(np.mean(column)) for column in zip(*own, strict=True))
    return {"mouth": name, "F1": f1, "precision": precision, "recall": recall}

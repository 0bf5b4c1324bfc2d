"""Does an answer that is interrupted leave a note on?

A performer plays a bar, is answered, and plays into the answer at a random moment; again and
again, hop by hop, faster than real time. What sounded must have ended by the next beat (or at
once), and nothing that was due later may sound. The null control never interrupts: there the
same count must find notes that go on.
"""

import random
from pathlib import Path

from bench.table import Gate, Report, Row
from engine.clock import Clock
from engine.events import Beat, Note, NoteOff, NoteOn
from engine.node import Context
from engine.nodes.melody_continuation import MelodyContinuation
from engine.units import HOP

_BEAT_S = 0.3
_BAR_S = 4 * _BEAT_S
_SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


def run(quick: bool) -> Report:
    """Count what is left on; one row a way to give way."""
    count = 20 if quick else 1000
    rows = [_interrupted(how, count if how != "never" else max(count // 10, 10))
            for how in ("now", "beat", "never")]
    left = float(sum(row["left on"] for row in rows[:2] if isinstance(row["left on"], int)))
    return Report("Does an answer that is interrupted leave a note on?", rows,
                  rule="where nobody interrupts no note went on either: the count sees nothing",
                  void=not rows[2]["left on"],
                  gates=[Gate("notes left on by interrupted answers", left, 0)])


class _Stage:
    """A duet with a clock at 200, hop by hop; which notes sound."""

    def __init__(self, how: str) -> None:
        self.node, self.clock = MelodyContinuation(interrupt=how), Clock()
        self.node.prepare(Context(self.clock, Path()))
        self.sounding: set[int] = set()
        self.began = 0
        self._beat = 0

    def until(self, time: float, notes: list[Note]) -> None:
        """Let time pass; the notes are played at their times."""
        while self.clock.now < time:
            self.clock.move_to(self.clock.frame + HOP)
            beats, now = [], self.clock.now
            if self._beat * _BEAT_S < now + 0.1:
                at = self._beat * _BEAT_S
                beats.append(Beat(at, 60.0 / _BEAT_S, self._beat % 4 / 4, at, 4))
                self._beat += 1
            arrived = [note for note in notes if note.time < now]
            del notes[:len(arrived)]
            for said in self.node.process(arrived, (), beats):
                if isinstance(said, NoteOn):
                    self.sounding.add(said.note)
                    self.began += 1
                elif isinstance(said, NoteOff):
                    self.sounding.discard(said.note)


def _interrupted(how: str, count: int) -> Row:
    rng, stage, cut, left = random.Random(3), _Stage(how), 0, 0
    for _ in range(count):
        start = (int(stage.clock.now / _BAR_S) + 1) * _BAR_S
        notes: list[Note] = []
        for beat in range(3):
            note = rng.choice(_SCALE)
            notes += [NoteOn(start + beat * _BEAT_S, note, 80, 1),
                      NoteOff(start + (beat + 0.8) * _BEAT_S, note, 64, 1)]
        stage.until(start + _BAR_S + rng.uniform(0.0, 0.8 * _BAR_S), notes)
        sounded, now = set(stage.sounding), stage.clock.now
        stage.until(now + (0.01 if how == "now" else _BEAT_S + 0.01),
                    [NoteOn(now, 90, 80, 1), NoteOff(now + 0.005, 90, 64, 1)])
        cut += bool(sounded)
        left += len(sounded & stage.sounding) if how != "never" else bool(stage.sounding)
        stage.node.act("stop")
        stage.until(stage.clock.now + 0.01, [])
        left += len(stage.sounding) if how != "never" else 0
        stage.node.act("start")
    return {"gives way": how, "interrupted": count, "while it sounded": cut,
            "notes": stage.began, "left on": left}

"""A small synth: every note at its very sample, none for ever, nothing that clicks."""

import numpy as np
import pytest

from engine.audio import AudioList
from engine.clock import Clock
from engine.events import NoteOff, NoteOn
from engine.node import Context
from engine.nodes.tone_player import TonePlayer
from engine.units import frames


class Stage:
    """A synth on an audio list, played slice by slice."""

    def __init__(self, tmp_path, **settings: object) -> None:
        self.audio, self.heard = AudioList(), []
        self.node = TonePlayer(**settings)
        self.node.prepare(Context(Clock(), tmp_path))
        self.buffer = self.node.build(self.audio, {})
        self.audio.compile()

    def play(self, *notes: object, seconds: float = 0.1, block: int = 64) -> np.ndarray:
        self.node.process(notes)
        heard = []
        for _ in range(frames(seconds) // block):
            self.audio.process(np.zeros((block, 1), np.float32), np.zeros((block, 2), np.float32))
            heard.append(self.buffer[:, :block].copy())
        self.heard += heard
        return np.concatenate(heard, axis=1)


def on(note, velocity=100, due=0.0, channel=1):
    return NoteOn(due, note, velocity, channel, due)


def off(note, due=0.0, channel=1):
    return NoteOff(due, note, 64, channel, due)


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


def loudest(sound):
    return float(np.abs(sound).max())


def test_a_note_begins_at_its_very_sample(stage):
    sound = stage.play(on(69, due=0.0301))
    assert not sound[:, :frames(0.0301)].any()
    assert sound[0, frames(0.0301):frames(0.0311)].any()


def test_a_note_has_the_pitch_it_says(stage):
    sound = stage.play(on(69), seconds=0.5)[0, 4800:]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert spectrum.argmax() * 48_000 / len(sound) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("sound", ["keys", "pad", "bass"])
def test_a_note_that_ends_is_silent_soon(tmp_path, sound):
    stage = Stage(tmp_path, sound=sound)
    assert loudest(stage.play(on(60), seconds=0.5)) > 0.05
    stage.play(off(60), seconds=2.0)
    assert not stage.play(seconds=0.1).any()


@pytest.mark.parametrize("sound", ["keys", "pad", "bass"])
def test_nothing_clicks_where_notes_begin_end_and_are_stolen(tmp_path, sound):
    stage = Stage(tmp_path, sound=sound)
    for number in range(40):
        stage.play(on(40 + number), seconds=0.01)
    stage.play(*(off(40 + number) for number in range(40)), seconds=0.5)
    whole = np.concatenate(stage.heard, axis=1)[0].astype(float)
    quiet = np.abs(np.diff(whole, n=3))
    assert quiet.max() < 0.12 * np.abs(whole).max()         # a click is as high as its step


def test_sixteen_notes_sound_and_the_seventeenth_fades_the_first(stage):
    stage.play(on(48, 40))
    stage.play(*(on(49 + number, 40) for number in range(15)))
    assert loudest(stage.play(on(70, 40))) > 0.05
    stage.play(*(off(note) for note in range(49, 71)), seconds=2.0)
    assert not stage.play().any()                           # the first had gone without its end


def test_the_same_note_on_two_channels_is_two_notes(stage):
    stage.play(on(60, channel=1), on(60, channel=2))
    stage.play(off(60, channel=1), seconds=1.0)
    assert loudest(stage.play()) > 0.01
    stage.play(off(60, channel=2), seconds=2.0)
    assert not stage.play().any()


def test_a_panic_is_silent_within_six_milliseconds(stage):
    stage.play(on(60), on(64), on(67, due=0.15))
    stage.node.release()
    stage.play(seconds=0.006)
    assert not stage.play(seconds=0.2).any()


def test_the_driver_s_blocks_do_not_change_a_sample(tmp_path):
    notes = [on(60, due=0.01), on(64, due=0.0203), off(60, due=0.05)]
    one, other = (Stage(tmp_path).play(*notes, seconds=0.096, block=block)
                  for block in (64, 192))
    assert np.array_equal(one[:, :frames(0.096)], other[:, :frames(0.096)])


def test_louder_is_louder_and_brighter(tmp_path):
    soft, loud = (Stage(tmp_path).play(on(48, velocity), seconds=0.2)[0] for velocity in (30, 120))
    assert loudest(loud) > 2.5 * loudest(soft)

    def brightness(sound):
        return np.abs(np.diff(sound)).sum() / np.abs(sound).sum()
    assert brightness(loud) > 1.1 * brightness(soft)


def test_the_gain_and_the_sound_move_while_it_plays(stage):
    before = loudest(stage.play(on(60)))
    stage.node.set("gain_db", -40.0)
    stage.play(seconds=0.1)
    assert loudest(stage.play()) < 0.1 * before
    stage.node.set("sound", "pad")
    stage.node.set("gain_db", 0.0)
    assert loudest(stage.play(on(72), seconds=0.5)) > 0.01


def test_where_another_patch_takes_over_held_keys_are_lifted(stage):
    stage.play(on(60), on(64), seconds=0.2)
    stage.node.let_go()
    assert loudest(stage.play(seconds=0.02)) > 0.01         # no cut: they ring out
    stage.play(seconds=1.0)
    assert not stage.play().any()

"""The kit, as a performer plays it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio import AudioList
from engine.audio.commands import ROWS
from engine.audio.kit import synthesise
from engine.clock import Clock
from engine.drums import DRUMS, GM_NOTE
from engine.errors import FileError
from engine.events import Hit, NoteOff, NoteOn, Release
from engine.node import Context
from engine.nodes.drum_sampler import DrumSampler, loudness
from engine.units import Samples, frames, level_db, seconds

FADE = frames(0.005)
LENGTH = 6000


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A kit in which every drum has a level of its own: 0.01, 0.02, ..."""
    place = tmp_path_factory.mktemp("patch")
    (place / "mine").mkdir()
    for number, drum in enumerate(DRUMS, 1):
        soundfile.write(place / "mine" / f"{drum}.wav", np.full(LENGTH, number / 100), 48_000,
                        subtype="FLOAT")
    return place


class Stage:
    """A kit on an audio list, played hop by hop."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.audio, self.heard = AudioList(), []
        self.node = DrumSampler(kit="mine", **settings)
        self.node.prepare(Context(Clock(), folder))
        self.buffer = self.node.build(self.audio, {})
        self.audio.compile()

    def play(self, *events: object, hops: int = 1) -> "Stage":
        """Give events to the node, then let the hops sound."""
        self.node.process([e for e in events if isinstance(e, Hit | Release)],
                          [e for e in events if isinstance(e, NoteOn | NoteOff)])
        for _ in range(hops):
            self.audio.process(np.zeros((64, 1), np.float32), np.zeros((64, 2), np.float32))
            self.heard.append(self.buffer[0, :64].copy())
        return self

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.heard)


def hit(drum: str, time: float = 0.0, **more: float) -> Hit:
    return Hit(time, drum, drum, **{"velocity": 1.0, "confidence": 1.0, **more})


def level_of(drum: str) -> float:
    return (DRUMS.index(drum) + 1) / 100


@pytest.mark.parametrize("drum", DRUMS)
def test_each_drum_has_its_own_sound_by_hit_and_by_note(folder, drum):
    by_hit = Stage(folder).play(hit(drum)).sound
    by_note = Stage(folder).play(NoteOn(0.0, GM_NOTE[drum], 127, 10)).sound
    assert by_hit[0] == pytest.approx(level_of(drum))
    np.testing.assert_array_equal(by_note, by_hit)


@pytest.mark.parametrize("frame", [0, 1, 63, 64, 1000, 1023])
def test_a_due_hit_starts_at_its_very_sample(folder, frame):
    due = seconds(frame)
    for event in (hit("kick", due=due), NoteOn(0.0, 36, 127, 10, due=due)):
        sound = Stage(folder).play(event, hops=20).sound
        assert np.flatnonzero(sound)[0] == frame


def test_every_tenth_of_velocity_is_3_db_and_the_softest_is_still_heard(folder):
    levels = [level_db(loudness(v / 10)) for v in range(11)]
    assert levels == pytest.approx([-30.0 + 3.0 * v for v in range(11)])
    soft = Stage(folder).play(hit("kick", velocity=0.0)).sound[0]
    assert level_db(soft / level_of("kick")) == pytest.approx(-30.0, abs=0.01)


def test_a_pedal_ends_an_open_hat_but_no_cymbal(folder):
    stage = Stage(folder).play(hit("hihat_open"), hit("crash"), hops=10)
    stage.play(hit("hihat_pedal"), hops=10)
    expected = level_of("crash") + level_of("hihat_pedal")
    assert stage.sound[640 + FADE] == pytest.approx(expected)


def test_an_open_hat_is_choked_when_its_hiss_stops_and_no_other_drum_is(folder):
    stage = Stage(folder).play(hit("hihat_open"), hit("crash"), hops=10)
    stage.play(Release(0.0, "ts", "hihat_open", due=seconds(1000)), Release(0.0, "c", "crash"),
               hops=20)
    assert stage.sound[999] == pytest.approx(level_of("hihat_open") + level_of("crash"))
    assert stage.sound[1000] < stage.sound[999]
    assert stage.sound[1000 + FADE] == pytest.approx(level_of("crash"))


def test_choking_can_be_switched_off_while_it_plays(folder):
    stage = Stage(folder).play(hit("hihat_open"), hops=10)
    stage.node.set("choke", False)
    stage.play(hit("hihat_closed"), Release(0.0, "ts", "hihat_open"), hops=10)
    both = level_of("hihat_open") + level_of("hihat_closed")
    assert stage.sound[-1] == pytest.approx(both)


def test_the_end_of_a_note_lets_the_drum_ring(folder):
    stage = Stage(folder).play(NoteOn(0.0, 46, 127, 10), hops=5)
    stage.play(NoteOff(0.0, 46, 64, 10), hops=20)
    assert stage.sound[-1] == pytest.approx(level_of("hihat_open"))


def test_a_corrected_hit_becomes_the_right_drum_in_place(folder):
    stage = Stage(folder).play(hit("hihat_closed", time=0.001), hops=10)
    stage.play(hit("kick", time=0.001, corrects=0.0), hops=90)
    assert stage.sound[639] == pytest.approx(level_of("hihat_closed"))
    np.testing.assert_allclose(stage.sound[640 + FADE:LENGTH - 64], level_of("kick"), rtol=1e-5)
    assert not stage.sound[LENGTH:].any()              # as if it had been a kick from the start


def test_a_reset_is_silence_within_5_ms_and_nothing_comes_after(folder):
    stage = Stage(folder).play(hit("crash"), hit("kick", due=0.05), hops=10)
    stage.node.reset()
    stage.play(hops=60)
    assert not stage.sound[640 + FADE:].any()


def test_the_kits_gain_is_in_decibels_and_moves_while_it_plays(folder):
    stage = Stage(folder, gain_db=-20.0).play(hit("crash"), hops=10)
    assert stage.sound[-1] == pytest.approx(0.1 * level_of("crash"))
    stage.node.set("gain_db", 0.0)
    stage.play(hops=40)
    assert stage.sound[-1] == pytest.approx(level_of("crash"), rel=1e-3)


def test_strikes_that_find_no_room_are_counted(folder):
    stage = Stage(folder)
    stage.node.process([hit("kick", due=9.0) for _ in range(ROWS + 3)], [])
    assert stage.node.refused == 3


def levels(events: Sequence[object], folder: Path) -> list[float]:
    return [float(Stage(folder).play(event).sound[0]) for event in events]


def test_a_drum_nobody_knows_is_other(folder):
    unknown = Hit(0.0, "boing", "boing", 1.0, 1.0)
    assert levels([unknown, NoteOn(0.0, 100, 127, 10)], folder) == pytest.approx(
        [level_of("other")] * 2)


def test_what_a_folder_lacks_comes_from_the_full_kit(tmp_path):
    (tmp_path / "mine").mkdir()
    soundfile.write(tmp_path / "mine" / "kick.wav", np.full(500, 0.5), 48_000, subtype="FLOAT")
    own = Stage(tmp_path).play(hit("kick")).sound
    assert (own == 0.5).all()
    snare = Stage(tmp_path).play(hit("snare"), hops=20).sound
    np.testing.assert_array_equal(snare, synthesise("full")["snare"][0, :len(snare)])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match="mine"):
        Stage(tmp_path)


def test_what_is_generated_starts_sooner_by_the_card_s_latency():
    """A hit that was sung is as late as ever: an even delay is not felt, another one would be."""
    def first_sound(hit: Hit) -> int:
        clock, audio, out = Clock(), AudioList(input_channels=1, output_channels=2), []
        clock.latency = 0.010
        node = DrumSampler()
        node.prepare(Context(clock, Path()))
        buffer = node.build(audio, {})
        audio.compile()
        node.process([hit], ())
        for _ in range(40):
            audio.process(np.zeros((64, 1), np.float32), np.zeros((64, 2), np.float32))
            out.append(buffer[0, :64].copy())
        return int(np.flatnonzero(np.abs(np.concatenate(out)) > 0)[0])

    sung = first_sound(Hit(0.001, "kick", "kick", 1.0, 1.0, due=0.030))
    generated = first_sound(Hit(0.030, "kick", "kick", 1.0, 1.0, due=0.030))
    assert sung - generated == 480

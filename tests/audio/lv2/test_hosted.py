"""A plugin in the audio list: notes at their frame, faults left out, nothing clicks."""

import time
from collections.abc import Callable

import numpy as np
import pytest

from engine.audio import AudioList
from engine.audio.commands import SET
from engine.audio.lv2.hosted import NOT_A_NUMBER, NOTE, STATE, TOO_SLOW, WET, Hosted
from engine.audio.lv2.instance import Instance
from engine.audio.lv2.plugins import find
from engine.errors import KuchiError
from engine.units import SLICE, Samples

pytestmark = pytest.mark.usefixtures("flawed")


class Rack:
    """A plugin in a list of its own, hearing a constant."""

    def __init__(self, name: str, *, level: float = 0.5, guarded: bool = False) -> None:
        self.instance = Instance(find(name if ":" in name else f"urn:kuchi-test:{name}"))
        self.audio = AudioList()
        self.feed: Samples = np.full((2, SLICE), level, np.float32)
        self.inside = np.zeros(1, np.int64)
        self.hosted = Hosted(self.audio, self.feed, self.instance, number=7,
                             inside=self.inside if guarded else None)
        self.audio.compile()
        self.send: Callable[..., bool] = self.hosted.commands.send

    def play(self, frames: int, block: int = 64) -> Samples:
        """What it makes of the next frames, float32 (2, frames)."""
        made = []
        for _ in range(frames // block):
            self.audio.process(np.zeros((block, 1), np.float32), np.zeros((block, 2), np.float32))
            made.append(self.hosted.buffer[:, :block].copy())
        return np.concatenate(made, axis=1)


def test_a_note_at_any_frame_of_a_block_sounds_at_that_very_frame():
    rack = Rack("pulse")
    for frame in range(64):
        rack.send(frame * 65, NOTE, 0x90, 60, 127)
    made = rack.play(64 * 66)
    assert np.flatnonzero(made[0] == 1.0).tolist() == [frame * 65 for frame in range(64)]


@pytest.mark.parametrize("block", [32, 64, 100, 256])
def test_the_frame_is_kept_whatever_the_block(block):
    rack = Rack("pulse")
    rack.send(333, NOTE, 0x90, 60, 127)
    assert np.flatnonzero(rack.play(block * 16, block)[0]).tolist() == [333]


def test_notes_of_one_frame_come_together_and_a_late_one_at_once():
    rack = Rack("pulse")
    rack.play(128)
    rack.send(10, NOTE, 0x90, 60, 127)
    rack.send(130, NOTE, 0x90, 62, 127)
    rack.send(130, NOTE, 0x90, 64, 127)
    made = rack.play(64)[0]
    assert (made[0], made[2]) == (1.0, 2.0)


def test_more_notes_than_a_slice_holds_are_lost_by_nobody():
    rack = Rack("pulse")
    for _ in range(250):
        rack.send(0, NOTE, 0x90, 60, 127)
    assert rack.play(64 * 4)[0].sum() == pytest.approx(250.0)


def test_a_stop_ends_the_notes_that_sound_and_forgets_those_to_come():
    rack = Rack("pulse")
    rack.send(0, NOTE, 0x90, 60, 127)
    rack.send(0, NOTE, 0x90, 61, 127)
    rack.send(0, NOTE, 0x80, 61, 64)
    rack.play(64)
    rack.send(96, NOTE, 0x90, 62, 127)
    rack.hosted.commands.stop()
    made = rack.play(128)[0]
    assert np.flatnonzero(made).tolist() == [0]
    assert made[0] == -0.25                             # one note-off


def test_what_is_not_a_number_never_gets_out_and_leaves_the_plugin_out():
    rack = Rack("nan", level=0.25)
    rack.send(64, NOTE, 0x90, 60, 1)
    made = rack.play(192)
    assert np.isfinite(made).all()
    assert rack.hosted.words[STATE] == NOT_A_NUMBER
    assert (made[:, 64:] == 0.25).all()                 # what came in passes by
    rack.instance.restart()
    rack.hosted.let_in()
    made = rack.play(640)
    assert rack.hosted.words[STATE] == 0
    assert made[0, -1] == 0.0                           # it is heard again, and it is silent


def test_three_slow_runs_in_a_second_leave_it_out():
    rack = Rack("slow", guarded=True)
    rack.send(0, NOTE, 0x90, 60, 1)
    rack.play(128)
    assert rack.hosted.words[STATE] == 0
    rack.play(64)
    assert rack.hosted.words[STATE] == TOO_SLOW


def test_offline_nothing_is_too_slow():
    rack = Rack("slow")
    rack.send(0, NOTE, 0x90, 60, 1)
    rack.play(64 * 5)
    assert rack.hosted.words[STATE] == 0


def test_bypass_is_a_fade():
    rack = Rack("mono", level=0.5)
    rack.instance.inputs[:] = 0.0
    rack.play(64)
    rack.feed[1] = -0.5                                 # the mean is 0, so the plugin gives 0
    rack.play(64)
    rack.send(0, SET, WET, 0.0)
    made = rack.play(512)[0]
    assert made[-1] == pytest.approx(0.5)
    assert np.abs(np.diff(made)).max() < 0.5 / 200
    rack.send(0, SET, WET, 1.0)
    back = rack.play(512)[0]
    assert back[-1] == 0.0
    assert np.abs(np.diff(back)).max() < 0.5 / 200


def test_one_channel_hears_the_mean_and_is_heard_on_both_sides():
    rack = Rack("mono")
    rack.feed[0], rack.feed[1] = 0.2, 0.6
    assert rack.play(64)[:, -1] == pytest.approx([0.4, 0.4])


def test_of_sixteen_channels_the_first_two_are_used():
    rack = Rack("wide")
    rack.feed[0], rack.feed[1] = 0.2, 0.6
    assert rack.play(64)[:, -1] == pytest.approx([0.2, 0.6])


def test_its_own_delay_is_told():
    rack = Rack("latent")
    rack.play(64)
    assert rack.instance.latency == 64


def test_what_runs_is_noted_while_it_runs_and_no_longer():
    rack = Rack("pulse", guarded=True)
    rack.play(64)
    assert rack.inside[0] == 0
    assert rack.hosted.spent[1] == 1


def test_a_plugin_that_will_not_start_is_explained():
    with pytest.raises(KuchiError, match="Kuchi test stillborn can't be loaded from"):
        Rack("stillborn")


def test_a_plugin_that_reads_samples_offline_has_them_at_once(installed_plugin):
    rack = Rack(installed_plugin("http://gareus.org/oss/lv2/avldrums#BlackPearl"))
    rack.send(64, NOTE, 0x99, 38, 100)
    assert np.abs(rack.play(64 * 40)).max() > 0.05


def test_a_worker_of_its_own_does_the_slow_work_live(installed_plugin):
    rack = Rack(installed_plugin("http://gareus.org/oss/lv2/avldrums#BlackPearl"))
    rack.instance.go_live()
    deadline, loudest = time.monotonic() + 15.0, 0.0
    while loudest < 0.05 and time.monotonic() < deadline:
        rack.send(0, NOTE, 0x99, 38, 100)
        loudest = float(np.abs(rack.play(64)).max())
    rack.instance.close()
    assert loudest > 0.05

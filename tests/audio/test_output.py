"""The way out: nothing above the ceiling, nothing that clicks."""

import numpy as np
import pytest

from engine.audio import AudioList
from engine.audio.commands import SET
from engine.audio.output import CEILING, GAIN, OPEN, Output
from engine.audio.source import Source
from engine.units import SAMPLE_RATE, frames

FADE = frames(0.005)


def speakers(*, level: float = 1.0, first: int = 0) -> tuple[AudioList, Output]:
    audio = AudioList()
    output = Output(audio, Source(audio, 0).buffer, first, level)
    audio.compile()
    return audio, output


def steady(frame_count: int, level: float = 0.5) -> np.ndarray:
    return np.full((frame_count, 1), level, np.float32)


def hot_signals() -> dict[str, np.ndarray]:
    rng, clicks = np.random.default_rng(0), np.zeros(9600)
    clicks[::97] = 50.0
    return {"noise": rng.normal(0.0, 3.0, 9600), "clicks": clicks,
            "square": np.sign(np.sin(np.arange(9600) / 20)) * 4.0,
            "growing": np.exp(np.linspace(-10.0, 20.0, 9600)) * rng.choice([-1, 1], 9600),
            "absurd": np.full(9600, 1e30) * rng.choice([-1, 1], 9600)}


@pytest.mark.parametrize("name", hot_signals())
@pytest.mark.parametrize("level", [1.0, 4.0])
def test_nothing_passes_the_limiter(drive, name, level):
    audio, output = speakers(level=level)
    heard = drive(audio, hot_signals()[name].astype(np.float32)[:, None])
    assert np.isfinite(heard).all()
    assert 0.5 < np.abs(heard).max() <= CEILING
    assert np.abs(output.buffer).max() <= CEILING


def test_beneath_the_ceiling_the_limiter_changes_nothing(drive):
    audio, _ = speakers()
    song = np.random.default_rng(0).uniform(-0.96, 0.96, (4000, 1)).astype(np.float32)
    heard = drive(audio, song)
    np.testing.assert_array_equal(heard[FADE:, 0], song[FADE:, 0])
    np.testing.assert_array_equal(heard[:, 1], heard[:, 0])


def test_after_a_loud_moment_the_limiter_lets_go_again(drive):
    audio, _ = speakers()
    song = steady(SAMPLE_RATE)
    song[1000] = 10.0
    heard = drive(audio, song)[:, 0]
    assert heard[1001] < 0.1
    assert (heard[-100:] == 0.5).all()


def test_a_bass_that_is_too_loud_is_turned_down_and_not_bent(drive):
    audio, _ = speakers()
    wave = np.sin(2 * np.pi * 60 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    heard = drive(audio, 2.0 * wave[:, None])[SAMPLE_RATE // 2:, 0]
    np.testing.assert_allclose(heard, CEILING * wave[SAMPLE_RATE // 2:], atol=0.003)


def test_it_starts_and_stops_without_a_click_at_the_very_frame(drive):
    audio, output = speakers()
    output.commands.send(1000, SET, OPEN, 0.0)
    output.commands.send(3000, SET, OPEN, 1.0)
    heard = drive(audio, steady(5000))[:, 0]
    assert np.abs(np.diff(heard, prepend=0.0)).max() <= 0.5 / FADE * 1.01
    assert (heard[FADE:1000] == 0.5).all()
    assert heard[1000] < 0.5
    assert not heard[1000 + FADE:3000].any()
    assert heard[3000] > 0.0
    assert (heard[3000 + FADE:] == 0.5).all()


def test_the_fader_moves_without_a_step(drive):
    audio, output = speakers()
    output.commands.send(1000, SET, GAIN, 0.0)
    heard = drive(audio, steady(4000))[:, 0]
    assert np.abs(np.diff(heard[FADE:])).max() < 0.01
    assert heard[999] == 0.5
    assert heard[-1] == 0.0


def test_outputs_on_one_pair_add_beneath_the_ceiling(drive):
    audio = AudioList()
    source = Source(audio, 0)
    outputs = [Output(audio, source.buffer, 0, 1.0) for _ in range(2)]
    audio.compile()
    song = np.concatenate([steady(1000, 0.2), steady(1000, 0.9)])
    heard = drive(audio, song)
    np.testing.assert_allclose(heard[FADE:1000], 0.4, rtol=1e-6)
    assert (heard[1000:] == CEILING).all()
    assert all(output.buffer[0, 0] == np.float32(0.9) for output in outputs)


def test_a_pair_the_driver_does_not_have_is_made_but_not_sent(drive):
    audio, output = speakers(first=2)
    assert not drive(audio, steady(1000)).any()
    assert output.buffer[0, 0] == 0.5


def test_the_second_pair_leaves_the_first_alone():
    audio = AudioList(output_channels=4)
    Output(audio, Source(audio, 0).buffer, 2, 1.0)
    audio.compile()
    target = np.zeros((1000, 4), np.float32)
    audio.process(steady(1000), target)
    assert not target[:, :2].any()
    assert (target[FADE:, 2:] == 0.5).all()


def test_a_broken_unit_before_it_is_silence(drive):
    audio = AudioList()
    buffer = audio.buffer()
    buffer[:] = np.nan
    Output(audio, buffer, 0, 1.0)
    audio.compile()
    assert not drive(audio, 600).any()

"""The kit's player: strikes at their frame, enough voices, no clicks."""

from collections.abc import Mapping

import numpy as np
import pytest

from engine.audio import AudioList
from engine.audio.commands import ROWS, SET
from engine.audio.sampler import CHOKE, CORRECT, OF_ONE_DRUM, PLAY, VOICES, Sampler
from engine.drums import DRUMS
from engine.units import SLICE, Samples, frames

FADE = frames(0.005)
LONG = 20_000
NOT_CORRECTED = -1


def level_kit(lengths: Mapping[int, int] | None = None) -> dict[str, Samples]:
    """Sixteen drums of one steady level, LONG frames unless told otherwise."""
    lengths = lengths or {}
    return {drum: np.full((2, lengths.get(n, LONG)), 0.01, np.float32)
            for n, drum in enumerate(DRUMS)}


def ramp_kit() -> dict[str, Samples]:
    """Drum n tells its number and its place: (n + 1) * place / LONG."""
    place = np.arange(1, LONG + 1, dtype=np.float32) / LONG
    return {drum: np.stack([place, place]) * np.float32(n + 1) for n, drum in enumerate(DRUMS)}


def player(kit: Mapping[str, Samples]) -> tuple[AudioList, Sampler, Samples]:
    audio = AudioList()
    sampler = Sampler(audio, kit, 1.0)
    ring = audio.tap(sampler.buffer, frames=1 << 15)
    audio.compile()
    return audio, sampler, ring


def largest_step(samples: Samples) -> float:
    return float(np.abs(np.diff(samples)).max())


def test_a_strike_at_any_frame_of_a_slice_starts_exactly_there(drive):
    for start in range(SLICE):
        audio, sampler, ring = player(level_kit())
        sampler.commands.send(start, PLAY, 1, 1.0, NOT_CORRECTED)
        drive(audio, 2 * SLICE, [2 * SLICE])
        assert not ring[:start].any()
        assert (ring[start:2 * SLICE] == np.float32(0.01)).all()


def test_a_strike_that_comes_too_late_sounds_at_once(drive):
    audio, sampler, ring = player(level_kit())
    drive(audio, 512)
    sampler.commands.send(100, PLAY, 0, 1.0, NOT_CORRECTED)
    drive(audio, 64)
    assert not ring[:512].any()
    assert (ring[512:576] > 0.0).all()


def test_left_and_right_are_played_as_they_are_and_to_their_end(drive):
    audio = AudioList()
    kit = level_kit() | {"snare": np.random.default_rng(0).normal(size=(2, 300)).astype(np.float32)}
    sampler = Sampler(audio, kit, 1.0)
    audio.compile()
    sampler.commands.send(0, PLAY, 1, 0.5, NOT_CORRECTED)
    parts = []
    for _ in range(8):
        drive(audio, 64)
        parts.append(sampler.buffer[:, :64].copy())
    played = np.concatenate(parts, axis=1)
    np.testing.assert_array_equal(played[:, :300], 0.5 * kit["snare"])
    assert not played[:, 300:].any()


def test_a_drum_struck_again_rings_on_beneath(drive):
    audio, sampler, ring = player(level_kit())
    for start in (0, 1000):
        sampler.commands.send(start, PLAY, 0, 1.0, NOT_CORRECTED)
    drive(audio, 2000)
    assert ring[999] == np.float32(0.01)
    assert ring[1000] == np.float32(0.02)


def test_a_choke_fades_the_chosen_drums_from_its_frame_on(drive):
    audio, sampler, ring = player(level_kit())
    for drum in (2, 3, 5):
        sampler.commands.send(0, PLAY, drum, 1.0, NOT_CORRECTED)
    sampler.commands.send(1001, CHOKE, 0b1100)
    drive(audio, 3000)
    assert ring[1000] == pytest.approx(0.03)
    assert ring[1001] < 0.03
    np.testing.assert_allclose(ring[1001 + FADE:3000], 0.01, rtol=1e-6)
    assert largest_step(ring[:3000]) <= 0.0201 / FADE


def test_a_strike_silences_those_its_drum_chokes(drive):
    audio, sampler, ring = player(ramp_kit())
    sampler.chokes[2] = sampler.chokes[3] = 0b1100
    sampler.commands.send(0, PLAY, 3, 1.0, NOT_CORRECTED)
    sampler.commands.send(500, PLAY, 2, 1.0, NOT_CORRECTED)
    sampler.commands.send(900, PLAY, 2, 1.0, NOT_CORRECTED)
    drive(audio, 2000)
    only_the_last = 3.0 * np.arange(1, 1101) / LONG
    np.testing.assert_allclose(ring[900 + FADE:2000], only_the_last[FADE:], rtol=1e-4)


def test_the_thirty_third_voice_takes_the_place_of_the_one_nearest_its_end_without_a_click(drive):
    audio, sampler, ring = player(level_kit({7: 9000}))
    for n in range(VOICES):
        sampler.commands.send(0, PLAY, n % 16, 1.0, NOT_CORRECTED)
    drive(audio, 1000)
    assert ring[999] == pytest.approx(0.01 * VOICES)
    sampler.commands.send(1000, PLAY, 0, 1.0, NOT_CORRECTED)
    drive(audio, 9000)
    assert ring[1000] == pytest.approx(0.01 * (VOICES + 1), rel=1e-3)
    np.testing.assert_allclose(ring[1000 + FADE:9000], 0.01 * VOICES, rtol=1e-5)
    assert ring[9000] == pytest.approx(0.01 * (VOICES - 1))       # the other short one ends
    assert largest_step(ring[1000:9000]) <= 0.011 / FADE


def test_a_fifth_strike_of_one_drum_fades_the_first(drive):
    audio, sampler, ring = player(ramp_kit())
    for n in range(OF_ONE_DRUM + 1):
        sampler.commands.send(100 * n, PLAY, 0, 1.0, NOT_CORRECTED)
    drive(audio, 2000)
    places = [1500 - 100 * n + 1 for n in range(1, OF_ONE_DRUM + 1)]
    assert ring[1500] == pytest.approx(sum(places) / LONG, rel=1e-5)


def test_hundreds_of_strikes_at_one_moment_keep_to_the_number_of_voices(drive):
    audio, sampler, ring = player(level_kit())
    for n in range(ROWS):
        assert sampler.commands.send(50, PLAY, n % 16, 1.0, NOT_CORRECTED)
    drive(audio, 1000)
    assert ring[900] == pytest.approx(0.01 * VOICES)


def test_a_corrected_strike_goes_on_as_the_right_drum_from_where_it_is(drive):
    audio, sampler, ring = player(ramp_kit())
    sampler.commands.send(300, PLAY, 0, 1.0, 250)
    sampler.commands.send(1300, CORRECT, 4, 1.0, 250, 300)
    drive(audio, 3000)
    body = np.arange(1, 2701) / LONG
    np.testing.assert_allclose(ring[300:1300], body[:1000], rtol=1e-5)
    np.testing.assert_allclose(ring[1300 + FADE:3000], 5.0 * body[1000 + FADE:], rtol=1e-5)
    assert largest_step(ring[1200:3000]) <= 5.0 * 0.1 / FADE


def test_a_correction_that_only_changes_the_loudness_is_a_smooth_one(drive):
    audio, sampler, ring = player(level_kit())
    sampler.commands.send(0, PLAY, 0, 1.0, 9)
    sampler.commands.send(1000, CORRECT, 0, 0.5, 9, 0)
    drive(audio, 2000)
    assert ring[1000 + FADE] == pytest.approx(0.005)
    assert largest_step(ring[:2000]) <= 0.0051 / FADE


def test_a_strike_corrected_before_it_begins_never_sounds_wrong(drive):
    audio, sampler, ring = player(ramp_kit())
    sampler.commands.send(600, PLAY, 0, 1.0, 250)
    sampler.commands.send(400, CORRECT, 4, 0.5, 250, 600)
    drive(audio, 1000)
    assert not ring[:600].any()
    np.testing.assert_allclose(ring[600:1000], 2.5 * np.arange(1, 401) / LONG, rtol=1e-5)


def test_a_strike_corrected_after_its_wrong_sound_is_over_still_gets_its_body(drive):
    kit = ramp_kit() | {"kick": np.full((2, 100), 1.0, np.float32)}
    audio, sampler, ring = player(kit)
    sampler.commands.send(0, PLAY, 0, 1.0, 9)
    sampler.commands.send(1000, CORRECT, 1, 1.0, 9, 0)
    drive(audio, 2000)
    assert not ring[100:1000].any()
    assert ring[1500] == pytest.approx(2.0 * 1501 / LONG, rel=1e-5)


def test_a_correction_finds_its_own_strike_among_others(drive):
    audio, sampler, ring = player(level_kit())
    for strike, drum in enumerate([0, 0, 1]):
        sampler.commands.send(0, PLAY, drum, 1.0, strike)
    sampler.commands.send(500, CORRECT, 2, 0.0, 1, 0)
    drive(audio, 1000)
    assert ring[999] == pytest.approx(0.02)


def test_a_stop_is_silence_within_5_ms_without_a_click_and_nothing_comes_after(drive):
    audio, sampler, ring = player(level_kit())
    for drum in range(16):
        sampler.commands.send(0, PLAY, drum, 1.0, NOT_CORRECTED)
        sampler.commands.send(1500, PLAY, drum, 1.0, NOT_CORRECTED)
    drive(audio, 1000)
    sampler.commands.stop()
    drive(audio, 2000)
    assert largest_step(ring[:3000][1:]) <= 0.1601 / FADE
    assert not ring[1000 + FADE:3000].any()
    sampler.commands.send(0, PLAY, 0, 1.0, NOT_CORRECTED)
    drive(audio, 64)
    assert ring[3000] == np.float32(0.01)


def test_the_kits_gain_moves_without_a_step(drive):
    audio, sampler, ring = player(level_kit())
    sampler.commands.send(0, PLAY, 0, 1.0, NOT_CORRECTED)
    sampler.commands.send(500, SET, 0, 0.5)
    drive(audio, 4000)
    assert ring[499] == np.float32(0.01)
    assert ring[3999] == np.float32(0.005)
    assert largest_step(ring[:4000]) < 0.0002

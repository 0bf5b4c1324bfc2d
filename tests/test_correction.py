"""Two of each sound at soundcheck make up for another microphone and room."""

from dataclasses import replace

import numpy as np
import pytest

from engine.dsp.mel import BANDS, HIGH_HZ, LOW_HZ, hz_of, mel_of
from engine.errors import UsageError
from engine.mouth import perform
from engine.rehearsal.teaching import cut, onsets_of
from engine.voice.correction import EACH, corrected, correction, given_here
from engine.voice.drum_model import drum_model
from engine.voice.learning import MOMENTS_MS, probabilities
from engine.voice.naming import Own
from engine.voice.profile import Profile, hear_take, taught

SOUNDS = {"kick": "b", "snare": "pf", "hat": "ts", "click": "tk"}
BANDS_HZ = np.array([hz_of(m) for m in np.linspace(mel_of(LOW_HZ), mel_of(HIGH_HZ), BANDS + 2)])


def curve_db(hz):
    """A microphone: 2 dB an octave brighter, a bump at 400 Hz, no bass."""
    octave = np.log2(np.maximum(hz, 20.0) / 1_000.0)
    return (2.0 * octave + 7.0 * np.exp(-0.5 * ((octave + 1.3) / 0.6) ** 2)
            - 10.0 * np.log10(1.0 + (90.0 / np.maximum(hz, 20.0)) ** 4))


def elsewhere(audio, level_db=-12.0, room=0.1):
    spectrum = np.fft.rfft(audio, 2 * len(audio))
    hz = np.fft.rfftfreq(2 * len(audio), 1 / 48_000)
    tail = np.random.default_rng(3).standard_normal(24_000) * np.exp(-np.arange(24_000) / 4_000)
    tail *= room / np.sqrt((tail ** 2).sum())
    tail[0] = 1.0
    spectrum *= 10 ** ((curve_db(hz) + level_db) / 20) * np.fft.rfft(tail, 2 * len(audio))
    return np.fft.irfft(spectrum)[:len(audio)].astype(np.float32)


def strikes(each, seed, change=lambda audio: audio):
    """(name, take) of each sound, several times."""
    order = [name for name in SOUNDS for _ in range(each)]
    audio, struck = perform([(0.5 + 0.7 * k, SOUNDS[name], 0.5 + 0.1 * (k % 5))
                             for k, name in enumerate(order)], "aki", seed=seed)
    audio = change(audio)
    onsets = onsets_of(audio)
    return [(name, cut(audio, strike.time, onsets))
            for name, strike in zip(order, struck, strict=True)]


@pytest.fixture(scope="module")
def mine() -> Profile:
    profile = Profile()
    for name, take in strikes(5, 1):
        profile = profile.with_takes(name, [take])
    return taught(profile)


def named_right(profile, heard_as, ms=32):
    model, moment = drum_model(), MOMENTS_MS.index(ms)
    right = 0
    for name, take in heard_as:
        heard = hear_take(model, take)
        chances = probabilities(profile.heads, moment, heard.features[0, moment].astype("f4"),
                                heard.general[0, moment].astype("f4"))
        right += profile.names[int(chances[:-1].argmax())] == name
    return right / len(heard_as)


def test_the_curve_and_the_level_of_a_microphone_are_found(mine):
    here = given_here(strikes(EACH, 2, lambda a: elsewhere(a, room=0.0)))
    found = correction(mine, here)
    assert 6.0 < found.level_db < 20.0
    wanted = -curve_db(BANDS_HZ[1:-1])
    apart = (found.tilt_db - found.tilt_db.mean()) - (wanted - wanted.mean())
    assert np.sqrt((apart ** 2).mean()) < 0.5 * np.std(wanted)
    assert "dB" in found.words


def test_the_same_microphone_needs_no_correction(mine):
    found = correction(mine, given_here(strikes(EACH, 2)))
    assert abs(found.level_db) < 4.0
    assert np.abs(found.tilt_db).max() < 4.0


def test_a_correction_wins_back_what_another_microphone_lost(mine):
    here = given_here(strikes(EACH, 2, elsewhere))
    again, _, _ = corrected(mine, here)
    asked = strikes(8, 3, elsewhere)
    lost, won = named_right(mine, asked), named_right(again, asked)
    assert won >= max(0.9, lost)


def test_the_profile_itself_stays_as_it_was(mine):
    again, _, takes = corrected(mine, given_here(strikes(EACH, 2, elsewhere)))
    assert again.takes is mine.takes
    assert again.page is mine.page
    assert len(takes.labels) == 3 * (5 + 5 + EACH) * len(SOUNDS)


def test_what_the_old_microphone_showed_of_waits_is_not_known_here(mine):
    again, _, takes = corrected(replace(mine, waits={"kick": 16.0}),
                                given_here(strikes(EACH, 2, elsewhere)))
    assert not again.waits
    assert Own(again, takes).wait_ms(0) == float("inf")


def test_a_soundcheck_of_other_sounds_is_told(mine):
    stranger = Profile().with_takes("boots", [strikes(1, 4)[0][1]])
    with pytest.raises(UsageError, match="none of the profile's sounds"):
        correction(mine, replace(stranger, past=()))

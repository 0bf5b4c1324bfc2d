"""The built-in kit, and a folder of one's own."""

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio.kit import FLAVOURS, read_folder, synthesise
from engine.audio.kit_folder import drum_named
from engine.drums import DRUMS, GM_NOTE
from engine.errors import FileError, UsageError
from engine.units import SAMPLE_RATE, Samples, frames, gain

FULL = synthesise("full")
UNDER = synthesise("under")


def centroid_hz(samples: Samples) -> float:
    """The spectrum's centre of gravity."""
    power = np.abs(np.fft.rfft(samples.mean(axis=0))) ** 2
    return float(np.average(np.fft.rfftfreq(samples.shape[1], 1.0 / SAMPLE_RATE), weights=power))


def strongest_hz(samples: Samples) -> float:
    power = np.abs(np.fft.rfft(samples.mean(axis=0), 4 * SAMPLE_RATE))
    return float(np.argmax(power)) / 4.0


def ring_s(samples: Samples) -> float:
    """How long the drum stays within 30 dB of its loudest 5 ms."""
    whole = samples[:, :samples.shape[1] // 240 * 240].reshape(2, -1, 240)
    loudness = np.sqrt(np.mean(np.square(whole), axis=(0, 2)))
    return float(np.flatnonzero(loudness > gain(-30.0) * loudness.max())[-1]) * 0.005


def energy_above(samples: Samples, hz: float) -> float:
    fade = np.cos(np.linspace(0.0, np.pi / 2, samples.shape[1]))     # a cut would be a click
    power = np.abs(np.fft.rfft(samples * fade, SAMPLE_RATE, axis=1)) ** 2
    return float(power[:, round(hz):].sum())


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("drum", DRUMS)
def test_every_drum_is_clean_stereo_that_ends_in_silence(flavour: str, drum: str):
    samples = {"full": FULL, "under": UNDER}[flavour][drum]
    assert samples.dtype == np.float32
    assert samples.ndim == 2
    assert len(samples) == 2
    assert np.isfinite(samples).all()
    assert gain(-30.0) < np.abs(samples).max() <= gain(-2.9)
    assert not samples[:, -1].any()
    assert np.abs(samples.mean(axis=1)).max() < 1e-3 * np.abs(samples).max()


@pytest.mark.parametrize("drum", DRUMS)
def test_every_drum_is_struck_within_the_first_millisecond(drum: str):
    samples = FULL[drum]
    assert np.abs(samples[:, :48]).max() > 0.35 * np.abs(samples).max()


def test_the_kit_is_the_same_in_every_process():
    told = "; ".join(["import zlib", "from engine.audio.kit import synthesise",
                      "print([zlib.crc32(s.tobytes()) for s in synthesise('full').values()])"])
    elsewhere = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True,
                               text=True, cwd=Path(__file__).parents[2]).stdout
    assert elsewhere.strip() == str([zlib.crc32(FULL[drum].tobytes()) for drum in DRUMS])


def test_the_kit_is_made_once_and_nobody_can_change_it():
    assert synthesise("full")["kick"] is FULL["kick"]
    with pytest.raises(ValueError, match="read-only"):
        FULL["kick"][0, 0] = 1.0


def test_the_colours_rise_from_kick_over_snare_to_hat():
    assert (4 * centroid_hz(FULL["kick"]) < centroid_hz(FULL["snare"])
            < 0.5 * centroid_hz(FULL["hihat_closed"]))


def test_the_toms_are_tuned_in_fourths():
    low, mid, high = (strongest_hz(FULL[tom]) for tom in ("tom_low", "tom_mid", "tom_high"))
    assert low == pytest.approx(82.4, rel=0.02)
    assert mid / low == pytest.approx(4 / 3, rel=0.03)
    assert high / mid == pytest.approx(4 / 3, rel=0.03)


def test_cymbals_ring_in_the_order_their_names_promise():
    rings = [ring_s(FULL[drum]) for drum in ("hihat_pedal", "hihat_closed", "hihat_open", "crash")]
    assert rings == sorted(rings)
    assert ring_s(FULL["hihat_open"]) > 4 * ring_s(FULL["hihat_closed"])


def test_kick_and_snare_stand_in_the_centre_and_crash_and_ride_on_opposite_sides():
    sides = {drum: np.diff(np.square(samples).sum(axis=1))[0] for drum, samples in FULL.items()}
    assert sides["kick"] == sides["snare"] == pytest.approx(0.0, abs=1e-3)
    assert sides["crash"] < 0.0 < sides["ride"]
    assert sides["tom_high"] < 0.0 < sides["tom_low"]


@pytest.mark.parametrize("drum", DRUMS)
def test_under_a_voice_no_drum_has_a_click_of_its_own(drum: str):
    start = slice(0, frames(0.010))
    full, under = FULL[drum][:, start], UNDER[drum][:, start]
    assert energy_above(under, 2000.0) < 0.1 * energy_above(full, 2000.0)


def test_under_a_voice_the_kick_keeps_its_low_end():
    full, under = (energy_above(kit["kick"], 0.0) - energy_above(kit["kick"], 150.0)
                   for kit in (FULL, UNDER))
    assert under > 0.8 * full


def test_a_flavour_nobody_made_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="full or under"):
        synthesise("jazz")


@pytest.mark.parametrize(("name", "drum"), [
    ("kick", "kick"), ("Kick 01", "kick"), ("BD0025", "kick"), ("bass-drum", "kick"),
    ("Snare_Tight", "snare"), ("sd2", "snare"), ("rimshot", "rim"), ("SideStick", "rim"),
    ("hihat", "hihat_closed"), ("hh", "hihat_closed"), ("CH", "hihat_closed"),
    ("Hat Closed 3", "hihat_closed"), ("hihat_open", "hihat_open"), ("OH", "hihat_open"),
    ("OpenHat", "hihat_open"), ("open hat", "hihat_open"), ("openhat", "hihat_open"),
    ("hh-pedal", "hihat_pedal"), ("FootHat", "hihat_pedal"),
    ("tom1", "tom_high"), ("tom 2", "tom_mid"), ("tom3", "tom_low"), ("Floor Tom", "tom_low"),
    ("HiTom", "tom_high"), ("LT", "tom_low"), ("Tom Mid", "tom_mid"),
    ("clap", "clap"), ("CP", "clap"), ("Crash 16", "crash"), ("Ride Bell", "ride"),
    ("Cowbell", "cowbell"), ("Shaker", "shaker"), ("tamb", "tambourine"), ("claves", "other"),
    ("36 boots", "kick"), ("49", "crash"), ("36 snare", "snare"),
    ("voice", None), ("bride", None), ("01 boots", None), ("360 degrees", None),
    *((drum, drum) for drum in DRUMS), *((str(GM_NOTE[drum]), drum) for drum in DRUMS),
])
def test_a_file_is_known_by_the_spellings_people_use(name: str, drum: str | None):
    assert drum_named(name) == drum


def write(path: Path, samples: Samples, rate: int = SAMPLE_RATE) -> None:
    soundfile.write(path, samples, rate, subtype="FLOAT" if path.suffix == ".wav" else None)


def tone(seconds: float, rate: int = SAMPLE_RATE, hz: float = 1000.0) -> Samples:
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.cos(2 * np.pi * hz * t)).astype(np.float32)


def test_a_folder_may_hold_mono_and_stereo_of_any_rate_and_format(tmp_path: Path):
    write(tmp_path / "kick.wav", tone(0.3, 44_100), 44_100)
    write(tmp_path / "Snare.flac", np.stack([tone(0.2), 0.5 * tone(0.2)], axis=1))
    write(tmp_path / "hh open.aiff", tone(0.4, 96_000), 96_000)
    write(tmp_path / "voice.wav", tone(0.1))
    (tmp_path / "read me.txt").write_text("mine")
    kit = read_folder(tmp_path)
    assert set(kit) == {"kick", "snare", "hihat_open"}
    assert {samples.dtype for samples in kit.values()} == {np.dtype(np.float32)}
    assert [kit[drum].shape for drum in ("kick", "snare", "hihat_open")] == [
        (2, 14_400), (2, 9_600), (2, 19_200)]
    assert strongest_hz(kit["kick"]) == pytest.approx(1000.0, abs=2.0)
    assert np.array_equal(kit["kick"][0], kit["kick"][1])
    assert kit["snare"][1] == pytest.approx(0.5 * kit["snare"][0], abs=1e-4)


def test_a_sample_begins_with_its_strike_and_ends_at_zero(tmp_path: Path):
    write(tmp_path / "kick.wav", np.concatenate([np.zeros(20_000, np.float32), tone(0.3)]))
    kick = read_folder(tmp_path)["kick"]
    assert np.abs(kick[:, :48]).max() > 0.4
    assert not kick[:, -1].any()
    assert kick.shape[1] == pytest.approx(frames(0.3), abs=48)


def test_a_long_recording_is_faded_out_at_ten_seconds(tmp_path: Path):
    write(tmp_path / "crash.wav", tone(12.0))
    crash = read_folder(tmp_path)["crash"]
    assert crash.shape == (2, frames(10.0))
    assert np.abs(crash[:, -frames(0.01):]).max() < 0.2 * np.abs(crash).max()


def test_a_sample_beyond_full_scale_is_turned_down(tmp_path: Path):
    write(tmp_path / "snare.wav", 6.0 * tone(0.2))
    assert np.abs(read_folder(tmp_path)["snare"]).max() == pytest.approx(1.0, abs=1e-3)


def test_of_several_files_for_a_drum_the_first_by_name_is_used(tmp_path: Path):
    write(tmp_path / "Snare 02.wav", tone(0.2, hz=2000.0))
    write(tmp_path / "snare 01.wav", tone(0.2, hz=500.0))
    assert strongest_hz(read_folder(tmp_path)["snare"]) == pytest.approx(500.0, abs=5.0)


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(FileError, match="nowhere is no folder"):
        read_folder(tmp_path / "nowhere")


def test_a_folder_without_drums_says_what_it_found_and_what_to_call_them(tmp_path: Path):
    write(tmp_path / "voice.wav", tone(0.1))
    with pytest.raises(FileError, match=r"found: voice\.wav.*name them kick, snare"):
        read_folder(tmp_path)


@pytest.mark.parametrize(("samples", "reason"), [
    (np.array([0.1, np.nan] * 500, np.float32), "NaN or infinity"),
    (np.array([0.1, np.inf] * 500, np.float32), "NaN or infinity"),
    (np.zeros(0, np.float32), "empty or silent"),
    (np.ones(1, np.float32), "empty or silent"),
    (np.zeros(9600, np.float32), "empty or silent"),
    (np.zeros((9600, 6), np.float32), "6 channels"),
])
def test_a_sample_that_is_no_sound_is_refused(tmp_path: Path, samples: Samples, reason: str):
    write(tmp_path / "kick.wav", samples)
    with pytest.raises(FileError, match=rf"kick\.wav .*{reason}"):
        read_folder(tmp_path)


@pytest.mark.parametrize("content", [b"", b"RIFF\x00\x00", b"not audio at all" * 100])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "kick.wav").write_bytes(content)
    with pytest.raises(FileError, match=r"kick\.wav can't be read"):
        read_folder(tmp_path)

"""Any recording or MIDI file comes in, or says why not; a take goes out whole or not at all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.devices.files import TakeFolder, read_audio, read_midi, write_midi
from engine.errors import FileError
from engine.events import Control, Gesture, Hit, NoteOff, NoteOn, Sent


def heard(path: Path) -> np.ndarray:
    return np.concatenate(list(read_audio(path)))


def sine(rate: int, channels: int = 1, seconds: float = 1.0) -> np.ndarray:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)
    return np.repeat(tone[:, None], channels, axis=1).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_any_rate_is_heard_at_48_khz_in_its_place(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", sine(rate), rate, subtype="FLOAT")
    audio = heard(tmp_path / "a.wav")
    assert audio.dtype == np.float32
    assert abs(len(audio) - 48_000) <= 2
    middle = slice(10_000, 38_000)
    assert np.max(np.abs(audio[:48_000][middle] - sine(48_000)[middle, 0])) < 2e-3


def test_the_mean_of_eight_channels_is_heard(tmp_path):
    channels = sine(48_000, 8) * np.arange(8)
    soundfile.write(tmp_path / "a.wav", channels, 48_000, subtype="FLOAT")
    assert np.allclose(heard(tmp_path / "a.wav"), channels.mean(axis=1), atol=1e-6)


def test_an_hour_is_read_a_stretch_at_a_time(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(44_100 * 60, np.float32), 44_100)
    assert max(len(stretch) for stretch in read_audio(tmp_path / "a.wav")) < 48_000


def test_what_is_no_number_becomes_silence_and_what_is_too_loud_is_bounded(tmp_path):
    samples = sine(48_000)[:, 0]
    samples[1000:1010] = np.nan
    samples[2000] = np.inf
    samples[3000] = -np.inf
    samples[4000] = 1e30
    soundfile.write(tmp_path / "a.wav", samples, 48_000, subtype="FLOAT")
    audio = heard(tmp_path / "a.wav")
    assert np.all(np.isfinite(audio))
    assert np.max(np.abs(audio)) <= 16.0
    assert not np.any(audio[1000:1010])


def test_one_sample_is_a_recording(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.ones(1, np.float32), 44_100)
    assert len(heard(tmp_path / "a.wav")) <= 2


@pytest.mark.parametrize(("make", "words"), [
    (lambda path: None, "there is no such file"),
    (lambda path: path.mkdir(), "folder"),
    (lambda path: path.write_bytes(b""), "can't be read as audio"),
    (lambda path: path.write_text("RIFF, but not really"), "can't be read as audio"),
    (lambda path: soundfile.write(path, np.zeros(0, np.float32), 48_000), "holds no audio"),
])
def test_what_is_no_recording_is_named_with_the_reason(tmp_path, make, words):
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(FileError, match=words) as caught:
        read_audio(path)
    assert str(path) in str(caught.value)


def test_a_recording_that_breaks_off_is_read_or_explained(tmp_path):
    whole = tmp_path / "whole.flac"
    soundfile.write(whole, np.random.default_rng(0).standard_normal(96_000) * 0.1, 48_000)
    cut = tmp_path / "cut.flac"
    cut.write_bytes(whole.read_bytes()[:whole.stat().st_size // 2])
    try:
        assert 0 < len(heard(cut)) <= 96_000
    except FileError as error:
        assert "breaks off" in str(error)


def test_a_midi_file_gives_notes_gestures_and_programs_in_seconds(tmp_path):
    track = mido.MidiTrack([
        mido.MetaMessage("set_tempo", tempo=1_000_000),
        mido.Message("program_change", program=4, channel=0, time=0),
        mido.Message("note_on", note=60, velocity=100, channel=2, time=480),
        mido.Message("control_change", control=21, value=64, channel=15, time=0),
        mido.Message("pitchwheel", pitch=-200, channel=1, time=0),
        mido.Message("aftertouch", value=9, time=0),
        mido.Message("polytouch", note=61, value=8, time=0),
        mido.Message("control_change", control=123, value=0, time=0),       # an order, no gesture
        mido.Message("note_on", note=60, velocity=0, channel=2, time=240)])
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(tmp_path / "a.mid")
    assert read_midi(tmp_path / "a.mid") == [
        Control(0, "program", (5, 1, 127)), NoteOn(1.0, 60, 100, 3),
        Gesture(1.0, "controller", 21, 64, 16), Gesture(1.0, "bend", 0, -200, 2),
        Gesture(1.0, "pressure", 0, 9, 1), Gesture(1.0, "key_pressure", 61, 8, 1),
        NoteOff(1.5, 60, 64, 3)]


def midi_bytes() -> bytes:
    track = mido.MidiTrack([mido.MetaMessage("key_signature", key="Bb"),
                            *(mido.Message("note_on", note=36 + i, velocity=90, time=48)
                              for i in range(12)),
                            mido.Message("sysex", data=(1, 2, 3))])
    file = mido.MidiFile(tracks=[track])
    from io import BytesIO
    out = BytesIO()
    file.save(file=out)
    return out.getvalue()


@settings(deadline=None, max_examples=300)
@given(cut=st.integers(0, 200), changes=st.lists(
    st.tuples(st.integers(0, 120), st.integers(0, 255)), max_size=6))
def test_a_corrupt_midi_file_is_read_or_explained_never_a_crash(tmp_path_factory, cut, changes):
    data = bytearray(midi_bytes()[:200 - cut])
    for place, value in changes:
        if place < len(data):
            data[place] = value
    path = tmp_path_factory.getbasetemp() / f"fuzz-{os.getpid()}.mid"
    path.write_bytes(data)
    try:
        events = read_midi(path)
    except FileError as error:
        assert str(path) in str(error)
    else:
        assert all(event.time >= 0 for event in events)


def test_a_huge_file_is_no_midi_file(tmp_path):
    path = tmp_path / "a.mid"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(FileError, match="larger than"):
        read_midi(path)


def sent(time: float, note: int = 36) -> list[Sent]:
    return [Sent(time, "daw", NoteOn(time - 0.02, note, 100, 10)),
            Sent(time + 0.1, "daw", NoteOff(time + 0.1, note, 64, 10))]


def test_a_take_has_its_three_files_and_a_tick_is_a_sample(tmp_path):
    with TakeFolder(tmp_path / "take", sound=True) as take:
        take.log(Sent(0.5, "drums", Hit(0.476, "boots", "kick", 0.5, 0.9)))
        for event in sent(0.5):
            take.log(event)
        take.write(np.full((480, 2), 0.25, np.float32))
    assert sorted(p.name for p in (tmp_path / "take").iterdir()) == [
        "events.jsonl", "out.wav", "take.mid"]
    rows = [json.loads(line) for line in (tmp_path / "take/events.jsonl").open()]
    assert rows[0] == {"event": "hit", "node": "drums", "time": 0.476, "sent": 0.5,
                       "sound": "boots", "drum": "kick", "velocity": 0.5, "confidence": 0.9}
    samples, rate = soundfile.read(tmp_path / "take/out.wav")
    assert rate == 48_000
    assert samples.shape == (480, 2)
    notes = read_midi(tmp_path / "take/take.mid")
    assert [round(note.time * 48_000) for note in notes] == [24_000, 28_800]


def test_a_failure_in_the_middle_leaves_the_take_before_it_as_it_was(tmp_path):
    with TakeFolder(tmp_path, sound=True) as take:
        take.log(sent(1.0)[0])
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def fail() -> None:
        with TakeFolder(tmp_path, sound=True) as take:
            take.log(sent(2.0)[0])
            raise FileError("the input broke off")
    with pytest.raises(FileError):
        fail()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.skipif(sys.platform != "linux", reason="/sys is Linux's")
@pytest.mark.parametrize("folder", ["/sys/kuchi-take", "{tmp}/file/take"])
def test_a_folder_that_can_t_be_written_is_named(tmp_path, folder):
    (tmp_path / "file").write_text("in the way")
    place = Path(folder.format(tmp=tmp_path))
    with pytest.raises(FileError, match="can't be written") as caught:
        TakeFolder(place, sound=True)
    assert str(place) in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits there")
@pytest.mark.parametrize("what", ["log", "sound", "close"])
def test_a_full_disk_is_explained_and_nothing_half_written_is_left(tmp_path, what):
    script = f"""
import resource, signal, sys
from pathlib import Path
import numpy as np
from engine.devices.files import TakeFolder
from engine.errors import FileError
from engine.events import NoteOn, Sent
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    with TakeFolder(Path({str(tmp_path / 'take')!r}), sound=True) as take:
        for i in range(100 if {what!r} == "close" else 20_000):
            if {what!r} != "sound":
                take.log(Sent(i / 100, "daw", NoteOn(i / 100, 36, 100, 10)))
            else:
                take.write(np.zeros((480, 2), np.float32))
        if {what!r} == "close":
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
except FileError as error:
    print(error)
    sys.exit(error.exit_code)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 6, done.stderr
    assert "can't be written" in done.stdout
    assert not list((tmp_path / "take").iterdir())


def test_notes_that_are_passed_on_as_they_are_stand_in_the_file_once(tmp_path):
    notes = [Sent(1.0, node, NoteOn(1.0, note, 80, 1))
             for node, note in (("duet", 60), ("daw", 60), ("comp", 48))]
    write_midi(tmp_path / "take.mid", notes)
    assert [event.note for event in read_midi(tmp_path / "take.mid")] == [60, 48]
    assert [track.name for track in mido.MidiFile(tmp_path / "take.mid").tracks[1:]] == [
        "duet", "comp"]

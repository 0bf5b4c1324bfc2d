"""The same performance gives the same take: to the byte, at any block size, at any rate."""

import numpy as np
import pytest
import soxr

from engine.events import Hit, NoteOff, NoteOn, Onset
from engine.mouth import beat, demo_performance, perform
from engine.patch import load_patch, parse_patch
from engine.rendering import render


@pytest.fixture(scope="module")
def performance():
    return demo_performance()


def take(name: str, audio, **options):
    blocks: list[np.ndarray] = []
    events = list(render(load_patch(name), audio,
                         write=lambda block: blocks.append(block.copy()), **options))
    return events, np.concatenate(blocks) if blocks else None


def test_a_performance_renders_the_same_twice(performance):
    first, sound = take("beatbox-kit", performance[0])
    second, again = take("beatbox-kit", performance[0])
    assert first == second
    assert np.array_equal(sound, again)
    assert np.max(np.abs(sound)) > 0.1


@pytest.mark.parametrize("block", [32, 64, 128, 480, 1024, (1, 1000, 64, 37)])
def test_the_driver_block_size_does_not_change_what_is_heard(performance, block):
    audio = performance[0][:48_000 * 4]
    assert take("beatbox-to-daw", audio, block=block)[0] == take("beatbox-to-daw", audio)[0]


def test_audio_may_come_in_stretches_of_any_length(performance):
    audio = performance[0][:48_000 * 3]
    cuts = np.split(audio, [1, 7, 10_000, 10_001, 96_000])
    assert take("beatbox-kit", cuts)[0] == take("beatbox-kit", audio)[0]


@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_a_source_of_another_rate_gives_the_same_events_within_a_millisecond(performance, rate):
    audio = performance[0]
    there_and_back = soxr.resample(soxr.resample(audio, 48_000, rate), rate, 48_000)
    here, there = (take("beatbox-to-daw", source)[0] for source in (audio, there_and_back))
    assert [type(s.event) for s in here] == [type(s.event) for s in there]
    assert [s.event.time for s in here] == pytest.approx([s.event.time for s in there], abs=1e-3)


def test_every_hit_becomes_a_note_that_ends_and_all_leave_in_order(performance):
    events, _ = take("beatbox-to-daw", performance[0])
    assert [s.sent for s in events] == sorted(s.sent for s in events)
    kinds = [type(s.event) for s in events]
    assert kinds.count(Hit) == kinds.count(NoteOn) == kinds.count(NoteOff) > 20
    assert all(s.sent >= s.event.time for s in events)


def test_steady_hits_leave_exactly_their_wait_after_the_strike(performance):
    events, _ = take("beatbox-to-daw", performance[0])
    hits = [s for s in events if isinstance(s.event, Hit)]
    announced = {s.event.time: s.sent for s in events if isinstance(s.event, Onset)}
    in_time = [s for s in hits if announced[s.event.time] <= s.event.time + 0.024]
    assert len(in_time) >= 0.9 * len(hits)
    assert {round(s.sent - s.event.time, 9) for s in in_time} == {0.024}


def test_the_kit_answers_each_hit_on_its_very_sample():
    audio, _ = perform(beat("b x.......x.......", bpm=100, start=0.25), "aki", seconds=3.0)
    events, sound = take("beatbox-kit", audio)
    due = [round(s.sent * 48_000) for s in events if isinstance(s.event, Hit)]
    assert len(due) == 2
    loud = np.flatnonzero(np.abs(sound[:, 0]) > 1e-4)
    assert 0 <= loud[0] - due[0] < 48


@pytest.mark.parametrize("what", ["nan", "inf", "dc", "square", "noise", "silence", "one sample"])
def test_bad_audio_never_breaks_the_show(what):
    rng = np.random.default_rng(1)
    audio = {
        "nan": np.where(np.arange(48_000) % 7 == 0, np.nan, 0.1),
        "inf": np.where(np.arange(48_000) % 999 == 0, -np.inf, 0.0),
        "dc": np.ones(48_000),
        "square": np.sign(np.sin(np.arange(48_000) * 0.03)),
        "noise": rng.uniform(-1, 1, 48_000),
        "silence": np.zeros(48_000),
        "one sample": np.ones(1),
    }[what].astype(np.float32)
    events, sound = take("beatbox-kit", audio)
    assert np.all(np.isfinite(sound))
    assert np.max(np.abs(sound)) <= 1.0
    assert len([s for s in events if isinstance(s.event, Hit)]) <= 3
    notes = [s.event for s in events if isinstance(s.event, NoteOn | NoteOff)]
    assert sum(isinstance(n, NoteOn) for n in notes) * 2 == len(notes)


def test_pads_play_the_kit_and_their_notes_go_on():
    notes = [NoteOn(0.25, 38, 110, 10), NoteOff(0.3, 38, 0, 10), NoteOn(0.75, 36, 90, 10)]
    blocks: list[np.ndarray] = []
    events = list(render(load_patch("pads-to-kit"), None, notes,
                         write=lambda block: blocks.append(block.copy())))
    assert [type(s.event) for s in events] == [NoteOn, NoteOff, NoteOn, NoteOff]
    sound = np.concatenate(blocks)[:, 0]
    assert np.max(np.abs(sound[:11_000])) < 1e-4 < 0.05 < np.max(np.abs(sound[12_000:20_000]))


def test_what_sounds_in_the_room_without_a_mouth_is_not_rendered_as_a_hit():
    patch = parse_patch('cables = ["mic -> onset-detector"]')
    noise = np.random.default_rng(0).standard_normal(48_000 * 5).astype(np.float32) * 1e-3
    assert len(list(render(patch, noise))) <= 1


def test_the_public_names_stay_functions_whatever_is_imported():
    import engine
    import engine.rendering
    assert engine.render is engine.rendering.render
    assert callable(engine.load_patch)

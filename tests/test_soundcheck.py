"""Fifteen seconds before the gig: what they teach, and what is wrong with the microphone."""

import numpy as np
import pytest

from engine.events import Hit, Onset
from engine.mouth import beat, perform
from engine.nodes.drum_classifier import DrumClassifier
from engine.nodes.onset_detector import OnsetDetector
from engine.rehearsal.soundcheck import HITS_S, ROOM_S, check
from engine.rendering import play
from engine.units import SAMPLE_RATE, gain

BEATS = {"b": "x...X...o...x...", "ts": "..o...x...X...x.", "pf": "....x.......X..."}
SUNG, STRIKES = perform([cue for bar in range(3) for cue in beat(BEATS, 90, start=0.2 + 3.0 * bar)],
                        "aki", seconds=HITS_S)


def noise(level_db, seconds, seed=0):
    """White noise of this RMS level."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE))
    return (gain(level_db) * samples).astype(np.float32)


def stage(room_db=-65.0, gain_db=0.0):
    """A room of this level, and the same with a performance in it."""
    sung = gain(gain_db) * SUNG + noise(room_db, HITS_S, 1)
    return noise(room_db, ROOM_S), sung.clip(-1, 1).astype(np.float32)


def said(room, hits):
    return " ".join(check(room, hits).mends)


# -- what it sets ----------------------------------------------------------------------------------


def test_where_all_is_well_nothing_is_to_be_changed():
    found = check(*stage())
    assert found.mends == []
    assert "room to spare" in found.found[0]
    assert found.levels["hits"] >= 0.8 * len(STRIKES)


@pytest.mark.parametrize("room_db", [-70, -50])
def test_the_room_alone_gives_no_onset_with_3_db_to_spare_and_the_hits_do(room_db):
    room, hits = stage(room_db)
    chosen = check(room, hits).settings["onset-detector"]["sensitivity_db"]
    spare = OnsetDetector(sensitivity_db=max(3.0, chosen - 3.0))
    onsets = play(spare, np.concatenate([room[::-1], room]))
    assert [o for o in onsets if o.time >= ROOM_S] == []
    heard = play(OnsetDetector(sensitivity_db=chosen), np.concatenate([room, hits]))
    assert len(heard) >= 0.8 * len(STRIKES)


def test_a_room_with_knocks_in_it_needs_more_than_the_usual():
    room, hits = stage(-60)
    for time in (1.0, 2.2, 3.9):
        knock = gain(-32) * np.random.default_rng(1).standard_normal(960)
        room[round(time * SAMPLE_RATE):][:960] += (
            knock * np.exp(-np.arange(960) / 200)).astype(np.float32)
    plain = check(*stage(-60)).settings["onset-detector"]["sensitivity_db"]
    chosen = check(room, hits).settings["onset-detector"]["sensitivity_db"]
    assert chosen > plain
    onsets = play(OnsetDetector(sensitivity_db=chosen - 3), np.concatenate([room[::-1], room]))
    assert [o for o in onsets if o.time >= ROOM_S + 0.05] == []


@pytest.mark.parametrize("gain_db", [0, -9])
def test_soft_and_loud_become_this_performer_s_own_range_of_velocity(gain_db):
    room, hits = stage(-75, gain_db)
    settings = check(room, hits).settings["drum-classifier"]
    times = [strike.time for strike in STRIKES]
    events = play(DrumClassifier(**settings, refuse_at=1.0, unsure_below=0.0), hits,
                  onsets=[Onset(time, 30.0) for time in times])
    velocities = sorted(event.velocity for event in events if isinstance(event, Hit))
    assert velocities[len(velocities) // 10] < 0.2
    assert velocities[len(velocities) * 9 // 10] > 0.8


def test_settings_lie_within_what_their_nodes_allow():
    for gain_db in (-40, 0, 30):
        for kind, settings in check(*stage(-90, gain_db)).settings.items():
            {"onset-detector": OnsetDetector, "drum-classifier": DrumClassifier}[kind](**settings)


# -- what it says ----------------------------------------------------------------------------------


def test_exact_silence_is_a_microphone_that_is_not_there_and_teaches_nothing():
    silence = np.zeros(round(ROOM_S * SAMPLE_RATE), np.float32)
    found = check(silence, silence)
    assert found.settings == {}
    assert "every sample is zero" in found.mends[0]
    assert "privacy settings" in found.mends[0]


def test_a_performer_who_does_not_play_teaches_the_room_only():
    found = check(noise(-60, ROOM_S), noise(-60, HITS_S, 1))
    assert list(found.settings) == ["onset-detector"]
    assert "Only 0 hits were heard in 10 s" in found.mends[0]


def test_too_hot_too_soft_and_too_even_are_told_apart():
    assert "Too hot" in said(*stage(gain_db=20))
    assert "Too soft: turn the input up" in said(*stage(-90, gain_db=-24))
    even = perform(beat({"b": "x...x...x...x..."}, 90), "aki", seconds=3.0)[0]
    hits = np.tile(even, 3) + noise(-65, 9.0, 1)
    assert "hardly be heard" in said(noise(-65, ROOM_S), hits.astype(np.float32))


def test_a_noise_gate_is_told_from_a_dead_microphone():
    _, hits = stage()
    found = check(np.zeros(round(ROOM_S * SAMPLE_RATE), np.float32), hits)
    assert "noise gate" in found.mends[0]
    assert found.levels["room_db"] == -120.0


def test_a_loud_room_is_blamed_not_the_performer():
    found = check(*stage(-22))
    assert any("the room is loud" in words.lower() for words in found.mends)

"""The synthetic mouth: its truth is exact, its sounds are what they say, its takes repeat."""

from itertools import pairwise

import numpy as np
import pytest

from engine.drums import DRUMS
from engine.errors import UsageError
from engine.events import Hit, Onset
from engine.mouth import (
    PERFORMERS,
    SOUNDS,
    Performer,
    beat,
    breath,
    demo_performance,
    hum,
    perform,
    performer,
    speech,
)
from engine.mouth.performance import Strike
from engine.nodes.drum_classifier import DrumClassifier
from engine.rendering import play
from engine.units import SAMPLE_RATE, Samples, frames, level_db

everyone = pytest.mark.parametrize("who", PERFORMERS, ids=lambda who: who.name)


def struck(sound: str, who: Performer, velocity: float = 0.9) -> Samples:
    """One strike at 0.3 s, from its truth on."""
    audio, strikes = perform([(0.3, sound, velocity)], who, seconds=1.3)
    return audio[frames(strikes[0].time):]


def centroid_hz(samples: Samples) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float((power * np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE)).sum() / power.sum())


def energy(samples: Samples) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


def strongest_hz(line: Samples, rate: float, low: float, high: float) -> float:
    """The rate of repetition between low and high that the autocorrelation of a line shows."""
    centred = line - line.mean()
    power = np.abs(np.fft.rfft(centred, 4 * len(centred))) ** 2
    same = np.fft.irfft(power)
    lags = np.arange(int(rate / high), int(rate / low) + 1)
    return rate / float(lags[np.argmax(same[lags])])


def heard(audio: Samples, strikes: list[Strike]) -> list[tuple[str, str]]:
    """What each strike means, and what the drum model hears in it after 24 ms; hats are hats."""
    events = play(DrumClassifier(wait_ms=24.0), audio,
                  onsets=[Onset(strike.time, 30.0) for strike in strikes])
    drums = {event.time: event.drum for event in events if isinstance(event, Hit)}
    return [(strike.drum[:5], drums.get(strike.time, "none")[:5]) for strike in strikes]


@everyone
@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("velocity", [0.4, 1.0])
def test_a_strike_begins_at_its_truth_and_is_loud_soon_after(sound, who, velocity):
    audio, strikes = perform([(0.3, sound, velocity)], who, seconds=1.3)
    truth = frames(strikes[0].time)
    before = energy(audio[truth - 4800:truth])
    assert energy(audio[truth - 48:truth]) < 4.0 * before
    assert energy(audio[truth:truth + 48]) > 4.0 * before
    loudest = max(energy(audio[k:k + 96]) for k in range(truth, truth + 9600, 48))
    soon = energy(audio[truth + 96:truth + 192])
    assert level_db(np.sqrt(soon / loudest)) > -12.0


def test_a_strike_on_a_whole_frame_keeps_its_time():
    _, strikes = perform([(0.5, "ts", 0.8), (0.25, "b", 0.8)], "bo")
    assert [(s.time, s.sound, s.drum) for s in strikes] == [(0.25, "b", "kick"),
                                                            (0.5, "ts", "hihat_closed")]


def test_the_same_seed_gives_the_same_bytes():
    score = beat("b X...x...\npf ....X...", bpm=110, bars=2, who="gil", seed=4)
    first, again = (perform(score, "gil", seed=4)[0].tobytes() for _ in range(2))
    other = perform(score, "gil", seed=5)[0].tobytes()
    assert first == again
    assert first != other


def test_no_two_hits_are_identical():
    audio, strikes = perform([(0.2 + 0.5 * k, "b", 0.8) for k in range(4)], "aki")
    hits = [audio[frames(s.time):frames(s.time) + 4800] for s in strikes]
    assert all(np.abs(hits[0] - hit).max() > 0.01 for hit in hits[1:])


def test_performers_differ_by_more_than_their_own_hits_do():
    kicks = {who.name: centroid_hz(struck("b", who)[:4800]) for who in PERFORMERS}
    assert max(kicks.values()) > 1.5 * min(kicks.values())
    assert len({(p.tract_cm, p.kick_hz, p.hat_cm, p.corner) for p in PERFORMERS}) >= 8


@everyone
def test_what_the_microphone_gives_is_clean(who):
    score = beat({"b": "X..x..X...", "snare": "....X...........", "tsss": "..x.....x.......",
                  "brr": "..........X.....", "tk": "..............X."}, bpm=120, bars=2, who=who)
    audio, _ = perform(score, who, under=hum([(0.5, 2.0, 45.0)], who))
    assert audio.dtype == np.float32
    assert np.isfinite(audio).all()
    assert 0.1 < np.abs(audio).max() < 1.0
    assert abs(float(audio.mean())) < 1e-3


@everyone
def test_kick_is_darker_than_snare_and_snare_than_hat(who):
    def early(sound: str) -> float:
        audio, strikes = perform([(0.3 + 0.5 * k, sound, 0.8) for k in range(5)], who)
        return float(np.median([centroid_hz(audio[f:f + 1440])
                                for f in (frames(s.time) for s in strikes)]))

    assert 2.0 * early("kick") < early("snare") < 0.9 * early("hihat_closed")


def test_the_drum_model_hears_nearly_every_strike_as_what_it_means():
    sounds = ["b", "ts", "pf", "tsss", "k", "b", "kh"]
    pairs = []
    for seed, who in enumerate(PERFORMERS):
        score = [(0.2 + 0.4 * k, sound, 0.6 + 0.05 * k) for k, sound in enumerate(sounds)]
        pairs += heard(*perform(score, who, seed=seed))
    for drum, wanted in {"kick": 0.9, "hihat": 0.9, "snare": 0.8}.items():
        told = [name for meant, name in pairs if meant == drum]
        assert told.count(drum) >= wanted * len(told)


@everyone
def test_the_open_hat_hisses_on_when_the_closed_one_is_over(who):
    later = slice(frames(0.16), frames(0.20))
    assert energy(struck("tsss", who)[later]) > 10.0 * energy(struck("ts", who)[later])


@everyone
def test_the_lips_roll_25_to_30_times_a_second(who):
    roll = struck("brr", who)[:SAMPLE_RATE]
    envelope = np.square(roll).reshape(-1, 48).mean(axis=1)         # 1 kHz
    assert 24.0 < strongest_hz(envelope, 1000.0, 18.0, 45.0) < 31.0


def test_a_lip_roll_lasts_until_the_mouth_does_something_else():
    alone, _ = perform([(0.2, "brr", 1.0)], "aki", seconds=2.5)
    stopped, _ = perform([(0.2, "brr", 1.0), (0.9, "ts", 0.3)], "aki", seconds=2.5)
    later = slice(frames(1.2), frames(1.8))
    assert energy(alone[later]) > 1000.0 * energy(stopped[later])


@pytest.mark.parametrize("note", [40.0, 45.0, 52.0])
@pytest.mark.parametrize("vowel", ["m", "a"])
def test_a_hum_has_its_pitch(note, vowel):
    sung = hum([(0.1, 0.8, note)], "bo", vowel=vowel)
    wanted = 440.0 * 2.0 ** ((note - 69.0) / 12.0)
    heard = strongest_hz(sung[frames(0.3):frames(0.8)], SAMPLE_RATE, 60.0, 300.0)
    assert heard == pytest.approx(wanted, rel=0.03)


@everyone
def test_breath_and_talk_rise_more_slowly_than_a_strike(who):
    def sharpest_rise_db(samples: Samples) -> float:
        power = np.square(samples[:len(samples) // 240 * 240]).reshape(-1, 240).mean(axis=1)
        level = 10.0 * np.log10(power + 1e-6)
        return float((level[1:] - level[:-1]).max())

    strike = sharpest_rise_db(np.concatenate([np.zeros(2400, np.float32), struck("b", who)]))
    assert sharpest_rise_db(breath(who, seconds=1.0)) < 0.3 * strike
    assert sharpest_rise_db(speech(who, seconds=3.0)) < 0.6 * strike


def test_talk_goes_on_for_as_long_as_asked():
    talk = speech("ema", seconds=3.0, seed=2)
    assert len(talk) == frames(3.0)
    assert 0.05 < np.abs(talk[frames(2.0):]).max() < 1.0


def test_steps_land_on_the_grid_and_accents_are_louder():
    score = beat("""b   X... .... x... ....
                    ts  ..o. |..o.""", bpm=120, bars=2, start=1.0)
    step = 0.125
    kicks = [(time, velocity) for time, sound, velocity in score if sound == "b"]
    assert kicks == [(1.0, 1.0), (1.0 + 8 * step, 0.75), (3.0, 1.0), (3.0 + 8 * step, 0.75)]
    hats = [time for time, sound, _ in score if sound == "ts"]
    assert hats == pytest.approx([1.0 + step * k for k in range(2, 32, 4)])


def test_swing_makes_only_every_second_sixteenth_late():
    times = [time for time, _, _ in beat("ts xxxx", bpm=150, swing=0.25)]
    straight = [time for time, _, _ in beat("ts xxxx", bpm=150)]
    assert np.subtract(times, straight) == pytest.approx([0.0, 0.025] * 8)


def test_a_named_performer_plays_as_loosely_as_they_do():
    straight = np.array([time for time, _, _ in beat("ts x...", bpm=100, bars=16, start=1.0)])
    for who in PERFORMERS:
        played = beat("ts x...", bpm=100, bars=16, start=1.0, who=who)
        off_ms = 1000.0 * (np.array([time for time, _, _ in played]) - straight)
        assert off_ms.std() == pytest.approx(who.loose_ms, rel=0.35)


def test_a_drum_name_is_played_with_the_performers_own_sound():
    _, strikes = perform([(0.1, "snare", 1.0), (0.5, "kick", 1.0)], "chika")
    assert [(s.sound, s.drum) for s in strikes] == [("kh", "snare"), ("b", "kick")]


def test_every_sound_stands_for_a_drum():
    assert {sound.drum for sound in SOUNDS.values()} <= set(DRUMS)


def test_the_demo_lasts_twelve_seconds_and_uses_every_kind_of_sound():
    audio, strikes = demo_performance()
    assert len(audio) == 12 * SAMPLE_RATE
    assert {s.drum for s in strikes} == {"kick", "snare", "hihat_closed", "hihat_open", "rim",
                                         "other"}
    assert all(later.time - s.time > 0.1 for s, later in pairwise(strikes))


def test_the_demos_snares_are_heard_as_snares():
    told = [name for meant, name in heard(*demo_performance()) if meant == "snare"]
    assert told.count("snare") >= 0.8 * len(told)


@pytest.mark.parametrize(("wrong", "told"), [
    (lambda: perform([(0.0, "bz", 1.0)], "aki"), '"bz"; known: b, ts'),
    (lambda: perform([(-0.1, "b", 1.0)], "aki"), "-0.1 s"),
    (lambda: perform([(float("nan"), "b", 1.0)], "aki"), "nan s"),
    (lambda: perform([(0.1, "b", 1.5)], "aki"), "velocity 1.5 must lie in 0..1"),
    (lambda: perform([], "nobody"), '"nobody"; known: aki, bo'),
    (lambda: beat("b x...", bpm=0), "bpm = 0"),
    (lambda: beat("b x..y", bpm=90), '"x..y"'),
    (lambda: beat("b", bpm=90), "steps are written with"),
    (lambda: hum([(0.0, 1.0, 45.0)], "aki", vowel="y"), '"y"; known: m, a'),
    (lambda: hum([(0.0, -1.0, 45.0)], "aki"), "longer than 0 s"),
])
def test_what_cant_be_played_is_said_with_what_is_known(wrong, told):
    with pytest.raises(UsageError) as error:
        wrong()
    assert told in str(error.value)


def test_silence_is_the_room_and_nothing_else():
    audio, strikes = perform([], "fumi", seconds=1.0)
    assert strikes == []
    floor_db = performer("fumi").corner.noise_db
    assert level_db(float(np.sqrt(energy(audio)))) == pytest.approx(floor_db, abs=6.0)

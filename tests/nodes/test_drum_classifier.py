"""When a hit leaves, what it is called, how loud it is and when it is over.

The policies are tried on strikes made of three sounds with a model written down by hand: a burst
below is a kick, one above is a hat, a whistle between is no drum, and certainty grows as it goes
on.
"""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from own_sounds import Stage

from engine.clock import Clock
from engine.drums import DRUMS
from engine.dsp.strike import WIDTH
from engine.errors import ModelError
from engine.events import Hit, Onset, Release
from engine.mouth import beat, perform
from engine.node import Context
from engine.nodes.drum_classifier import DrumClassifier
from engine.ports import AudioBlock
from engine.rendering import hear, play
from engine.units import HOP, SAMPLE_RATE
from engine.voice.drum_model import UNITS
from engine.voice.strike import Strike

KICK_HZ, WHISTLE_HZ = 120.0, 1_500.0


def burst(kind, seconds=0.06, level_db=-12.0):
    """A strike: it begins at once and decays by 20 dB in half its length."""
    time = np.arange(round(seconds * 48_000)) / 48_000
    if kind == "hat":
        sound = np.diff(np.random.default_rng(1).standard_normal(len(time) + 2), 2)
    else:
        sound = np.sin(2 * np.pi * (KICK_HZ if kind == "kick" else WHISTLE_HZ) * time)
    sound *= np.exp(-4.6 * time / seconds)
    return (10.0 ** (level_db / 20.0) * sound / np.abs(sound).max()).astype(np.float32)


def stage(strikes, seconds=1.0, room=1e-4):
    """Sounds in a quiet room: {time: (kind, seconds, level_db)} and their onsets."""
    audio = room * np.random.default_rng(2).standard_normal(round(seconds * 48_000))
    for time, what in strikes.items():
        sound = burst(*((what,) if isinstance(what, str) else what))
        place = audio[round(time * 48_000):][:len(sound)]
        place += sound[:len(place)]
    return audio.astype(np.float32), [Onset(time, 30.0) for time in strikes]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The model written down by hand: evidence for kick below, hat above, none between."""
    path = tmp_path_factory.mktemp("models") / "plain.onnx"
    low, middle, high = (np.zeros(WIDTH) for _ in range(3))
    low[:5], middle[14:22], high[32:40] = 1 / 5, 1 / 8, 1 / 8
    evidence = np.zeros((WIDTH, UNITS), np.float32)
    evidence[:, 0], evidence[:, 1] = low - middle, high - middle
    evidence[:, 2] = middle - low / 2 - high / 2
    names = np.zeros((UNITS, 17), np.float32)
    names[0, 0], names[1, 2], names[2, 16] = 1.0, 1.0, 1.0
    floor = np.full((1, 17), -4.0, np.float32)
    floor[0, [0, 1, 2]] = 0.0
    weights = {"evidence": evidence, "names": names, "floor": floor,
               "kept": np.float32([0.95]), "drums": np.zeros((WIDTH, 16), np.float32),
               "place": np.eye(UNITS, 48, dtype=np.float32)}
    steps = [("Mul", ["state", "kept"], "faded"), ("MatMul", ["frame", "evidence"], "new"),
             ("Add", ["faded", "new"], "next_state"), ("MatMul", ["next_state", "names"], "seen"),
             ("Add", ["seen", "floor"], "logits"), ("Softmax", ["logits"], "probabilities"),
             ("MatMul", ["frame", "drums"], "drum"), ("Softmax", ["drum"], "instruments"),
             ("MatMul", ["next_state", "place"], "embedding")]
    shapes = {"frame": WIDTH, "state": UNITS, "probabilities": 17, "instruments": 16,
              "embedding": 48, "next_state": UNITS}
    ports = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
             for name, size in shapes.items()}
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output]) for kind, inputs, output in steps], "plain",
        [ports.pop("frame"), ports.pop("state")], list(ports.values()),
        [numpy_helper.from_array(array, name) for name, array in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                ir_version=9), path)
    return str(path)


def hits(events):
    return [event for event in events if isinstance(event, Hit)]


def releases(events):
    return [event for event in events if isinstance(event, Release)]


def waits(node, audio, onsets):
    """Milliseconds from each strike to the moment its hit left."""
    return [1000.0 * (sent.sent - sent.event.time) for sent in hear(node, audio, onsets=onsets)
            if isinstance(sent.event, Hit)]


# -- when ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("wait_ms", [8.0, 24.0, 33.3, 150.0])
def test_steady_hits_leave_exactly_their_wait_after_the_strike(plain, wait_ms):
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.17, 0.23, 12))
    audio, onsets = stage({time: ("kick", "hat")[i % 2] for i, time in enumerate(times)}, 3.0)
    node = DrumClassifier(model=plain, wait_ms=wait_ms)
    assert waits(node, audio, onsets) == pytest.approx([wait_ms] * 12, abs=1e-6)
    assert node.late == 0


def test_what_is_announced_after_its_wait_leaves_at_once_and_is_counted(plain):
    audio, onsets = stage({0.5: "kick"})
    node, clock = DrumClassifier(model=plain, wait_ms=24), Clock()
    node.prepare(Context(clock, Path()))
    ring = np.zeros(1 << 17, np.float32)
    ring[:len(audio)] = audio
    block, said = AudioBlock(ring), {}
    for start in range(0, len(audio) - 64, 64):
        clock.move_to(start + 64)
        block.move_to(start)
        said[clock.now] = hits(node.process(block, onsets if start == 25_984 else []))
    ((sent, (hit,)),) = [(now, spoken) for now, spoken in said.items() if spoken]
    assert (hit.drum, hit.time) == ("kick", 0.5)
    assert sent == (25_984 + 64) / 48_000               # 42 ms after the strike
    assert node.late == 1


@pytest.mark.parametrize("wait_ms", [11.7, 24.0, 33.3])
def test_the_last_frame_ends_where_the_hit_is_said_whenever_it_was_struck(plain, wait_ms):
    for time in 0.3 + np.arange(12) / 9_600:
        strike = Strike()
        strike.begin(time, wait_ms / 1000.0)
        said = 64 * np.floor((time + wait_ms / 1000.0) * 48_000 / 64 + 1e-6)
        assert (said - strike.next) % 96 == 0
        assert abs(strike.origin - strike.attack) <= 48
        node, (audio, onsets) = DrumClassifier(model=plain, wait_ms=wait_ms), stage({time: "hat"})
        assert waits(node, audio, onsets) == pytest.approx([wait_ms], abs=1e-6)


def test_sure_speaks_sooner_the_less_it_asks_for_and_never_after_the_cap(plain):
    audio, onsets = stage({0.3: "kick", 0.6: "hat"})
    by = {at: waits(DrumClassifier(model=plain, when="sure", sure_at=at, wait_ms=40), audio, onsets)
          for at in (0.7, 0.995, 1.0)}
    assert 8.0 <= min(by[0.7]) <= max(by[0.7]) < min(by[0.995]) < 40.0
    last_hop_ms = 1000.0 * HOP / SAMPLE_RATE
    assert all(40.0 - last_hop_ms < ms + 1e-6 and ms < 40.0 + 1e-6 for ms in by[1.0]), by[1.0]


def test_early_speaks_first_and_corrects_itself_once(plain):
    audio, onsets = stage({0.3: ("hat", 0.02), 0.31: ("kick", 0.1)})
    node = DrumClassifier(model=plain, when="early", first_ms=10, wait_ms=60)
    first, second = (sent for sent in hear(node, audio, onsets=onsets[:1])
                     if isinstance(sent.event, Hit))
    assert (first.event.drum, second.event.drum) == ("hihat_closed", "kick")
    assert first.sent == pytest.approx(0.310)
    assert second.sent == pytest.approx(0.360)
    assert second.event.time == first.event.time
    assert second.event.corrects == first.sent


def test_early_says_nothing_twice(plain):
    audio, onsets = stage({0.3: "kick"})
    events = play(DrumClassifier(model=plain, when="early", wait_ms=60), audio, onsets=onsets)
    assert [(hit.drum, hit.corrects) for hit in hits(events)] == [("kick", None)]


def test_strikes_in_the_air_at_once_are_named_apart(plain):
    kinds = ["kick", "hat"] * 5
    strikes = {0.2 + 0.02 * i: (kind, 0.02) for i, kind in enumerate(kinds)}
    audio, onsets = stage(strikes)
    events = hits(play(DrumClassifier(model=plain, wait_ms=200), audio, onsets=onsets))
    assert [hit.time for hit in events] == list(strikes)
    assert [hit.drum for hit in events] == ["kick", "hihat_closed"] * 5


def test_more_strikes_than_anyone_plays_do_no_harm(plain):
    audio, onsets = stage(dict.fromkeys(0.2 + 0.001 * np.arange(100), "kick"))
    events = play(DrumClassifier(model=plain, wait_ms=200), audio, onsets=onsets)
    assert 32 <= len(hits(events)) <= 100
    assert len(releases(events)) == len(hits(events))


def test_a_strike_at_the_very_first_sample_is_heard(plain):
    audio, onsets = stage({0.0: "kick"})
    assert hits(play(DrumClassifier(model=plain), audio, onsets=onsets))[0].drum == "kick"


# -- what ----------------------------------------------------------------------------------------

def test_what_is_no_drum_is_not_reported(plain):
    audio, onsets = stage({0.3: ("whistle", 0.2), 0.6: "kick"})
    events = play(DrumClassifier(model=plain, wait_ms=48), audio, onsets=onsets)
    assert [hit.time for hit in hits(events)] == [0.6]
    assert len(releases(events)) == 1


def among_whistles(unsure, clear=()):
    """Four whistles, then strikes that are half whistles but probably kicks, and clear ones."""
    whistles = (0.3, 0.6, 0.9, 1.2)
    audio, _ = stage(dict.fromkeys((*whistles, *unsure), ("whistle", 0.2)), 10.0)
    drums, _ = stage(dict.fromkeys(unsure, ("kick", 0.2, -40.0)) | dict.fromkeys(clear, "kick"),
                     10.0)
    return audio + drums, [Onset(time, 30.0) for time in sorted((*whistles, *unsure, *clear))]


def test_after_some_that_were_none_an_unsure_strike_is_refused_for_a_while_but_no_clear_one(plain):
    audio, onsets = among_whistles(unsure=(1.5, 9.0), clear=(1.8,))
    times = {doubt: [hit.time for hit in hits(play(
        DrumClassifier(model=plain, wait_ms=48, refuse_at=0.3, doubt=doubt), audio, onsets=onsets))]
        for doubt in (0.0, 1.0)}
    assert times == {0.0: [1.5, 1.8, 9.0], 1.0: [1.8, 9.0]}


def test_doubt_outlives_an_edit_and_ends_with_a_reset(plain):
    audio, onsets = among_whistles(unsure=(1.5,))
    for change, heard in ((Stage.edited, []), (lambda stage: stage.node.reset(), [1.5])):
        playing = Stage(audio, onsets, model=plain, wait_ms=48, refuse_at=0.3)
        playing.until(1.4)
        change(playing)
        assert [hit.time for hit in playing.until(2.0)] == heard


@pytest.mark.parametrize(("unsure", "drums"),
                         [("guess", ["kick"]), ("drop", []), ("cowbell", ["cowbell"])])
def test_an_unsure_hit_is_guessed_dropped_or_another_drum(plain, unsure, drums):
    audio, onsets = stage({0.3: "kick"})
    (sure,) = hits(play(DrumClassifier(model=plain, wait_ms=8), audio, onsets=onsets))
    events = hits(play(DrumClassifier(model=plain, wait_ms=8, unsure=unsure, unsure_below=0.99),
                       audio, onsets=onsets))
    assert [hit.drum for hit in events] == drums
    for hit in events:
        assert hit.confidence == sure.confidence
        assert hit.velocity == pytest.approx(sure.velocity * (0.7 if unsure == "guess" else 1.0))


def test_a_take_20_db_quieter_is_named_the_same(plain):
    audio, onsets = stage({0.3: "kick", 0.6: "hat"}, room=1e-6)
    loud = hits(play(DrumClassifier(model=plain), audio, onsets=onsets))
    soft = hits(play(DrumClassifier(model=plain), audio * np.float32(0.1), onsets=onsets))
    assert [hit.drum for hit in soft] == [hit.drum for hit in loud] == ["kick", "hihat_closed"]
    assert [a.confidence for a in soft] == pytest.approx([a.confidence for a in loud], abs=0.02)
    assert all(a.velocity < b.velocity for a, b in zip(soft, loud, strict=True))


@pytest.mark.parametrize(("level_db", "velocity"), [(-42, 0.0), (-36, 0.0), (-21, 0.5), (-6, 1.0),
                                                    (0, 1.0)])
def test_velocity_is_the_peak_between_soft_and_loud(plain, level_db, velocity):
    audio, onsets = stage({0.3: ("hat", 0.06, level_db)}, room=1e-6)
    (hit,) = hits(play(DrumClassifier(model=plain), audio, onsets=onsets))
    assert hit.velocity == pytest.approx(velocity, abs=0.03)


# -- and then ------------------------------------------------------------------------------------

def test_a_release_comes_when_the_sound_has_died_away(plain):
    for seconds in (0.1, 0.4):
        audio, onsets = stage({0.2: ("hat", seconds)})
        (end,) = releases(play(DrumClassifier(model=plain), audio, onsets=onsets))
        assert end.drum == "hihat_closed"
        assert end.time == pytest.approx(0.2 + seconds / 2 + 0.01, abs=0.04)


def test_the_next_strike_ends_the_sound_before_it(plain):
    audio, onsets = stage({0.2: ("hat", 1.0), 0.45: "kick"}, 2.0)
    events = play(DrumClassifier(model=plain), audio, onsets=onsets)
    assert [end.drum for end in releases(events)] == ["hihat_closed", "kick"]
    assert releases(events)[0].time == pytest.approx(0.45, abs=0.003)


def test_a_loud_room_does_not_hold_a_sound_for_ever(plain):
    audio, onsets = stage({0.2: ("hat", 0.2)}, 2.0, room=0.02)
    (end,) = releases(play(DrumClassifier(model=plain), audio, onsets=onsets))
    assert end.time < 0.6


def test_nothing_sounds_longer_than_four_seconds(plain):
    audio, onsets = stage({0.2: ("hat", 30.0)}, 5.0)
    (end,) = releases(play(DrumClassifier(model=plain), audio, onsets=onsets))
    assert end.time == pytest.approx(4.2, abs=0.002)


def test_when_the_graph_stops_what_sounds_is_ended(plain):
    audio, onsets = stage({0.2: ("hat", 2.0)}, 0.3)
    node = DrumClassifier(model=plain)
    (hit,) = play(node, audio, onsets=onsets)
    assert [end.drum for end in node.release()] == [hit.drum]
    node.reset()
    assert not node.release()


# -- the model -----------------------------------------------------------------------------------

def test_the_built_in_model_knows_a_kick_from_a_hat():
    audio, strikes = perform(beat({"b": "X...X...X.x.X...", "ts": "..x...x.......x."}, bpm=96),
                             "aki")
    events = hits(play(DrumClassifier(wait_ms=64), audio,
                       onsets=[Onset(strike.time, 30.0) for strike in strikes]))
    truth = {strike.time: strike.drum for strike in strikes}
    assert all(hit.drum in DRUMS for hit in events)
    right = sum(truth[hit.time][:5] == hit.drum[:5] for hit in events)      # open or closed
    assert right >= 0.8 * len(strikes)


def test_a_model_is_found_beside_the_patch_or_named_in_the_error():
    with pytest.raises(ModelError, match=r"mine\.onnx"):
        play(DrumClassifier(model="mine.onnx"), np.zeros(64, np.float32))

"""A phrase is answered in time; whatever interrupts it, no note of it is left on."""

import random

import pytest
from duets import BEAT, SCALE, Duet, key, phrase
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import Chord, Gesture, NoteOff, NoteOn
from engine.nodes.melody_continuation import MelodyContinuation

BAR = 4 * BEAT


def duet(clock=True, **settings):
    return Duet(MelodyContinuation(**settings), clock=clock)


def steps(notes, start):
    """Where notes begin, in sixteenths after `start`."""
    return [(note.due - start) / (BEAT / 4) for note in notes]


@pytest.mark.parametrize("bars", [1, 2, 4])
def test_a_phrase_is_answered_from_the_next_bar_on_for_as_many_bars(bars):
    played = duet().play(phrase(0.0, bars)).until((2 * bars + 1) * BAR)
    answer = played.ons()
    assert answer
    assert bars * BAR - 1e-6 <= answer[0].due
    assert all(abs(step - round(step)) < 1e-6 for step in steps(answer, bars * BAR))
    assert (2 * bars - 1) * BAR <= answer[-1].due < 2 * bars * BAR - BEAT / 2
    assert max(off.due for off in played.offs()) <= 2 * bars * BAR - BEAT / 2 + 1e-6
    assert not played.sounding


def test_a_longer_phrase_than_bars_is_answered_with_so_many():
    played = duet(bars=2).play(phrase(0.0, 4)).until(9 * BAR)
    assert 5 * BAR <= played.ons()[-1].due < 6 * BAR


def test_the_last_note_is_root_third_or_fifth_of_its_chord():
    chord = Chord(0.0, "F7", 5, 5, (5, 9, 0, 3), 0.0)
    played = duet().play(phrase(0.0, 2)).until(5 * BAR, [chord])
    assert played.ons()[-1].note % 12 in {5, 9, 0}


def test_the_same_phrase_gets_the_same_answer_and_another_seed_another_one():
    one, same, other = (duet(seed=seed).play(phrase(0.0, 2)).until(5 * BAR).said
                        for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_call_is_over_after_twice_its_longest_gap():
    notes = [event for beat in (0, 2, 4, 6) for event in key(beat * BEAT, 64, 0.1)]
    played = duet().play(notes).until(3.9 * BAR)
    assert not played.ons(0, 2 * BAR)           # pauses of nearly two beats are part of it
    assert played.until(5 * BAR).ons()[0].due >= 3 * BAR - 1e-6


def test_a_call_of_listen_bars_is_answered_on_the_dot_though_the_hand_plays_on():
    played = duet(listen_bars=2, interrupt="never").play(
        [event for beat in range(16) for event in key(beat * BEAT, SCALE[beat % 15])])
    answer = played.until(4.5 * BAR).ons()
    assert 2 * BAR - 1e-6 <= answer[0].due < 3 * BAR
    assert answer[-1].due < 4 * BAR


def test_the_pedal_says_that_the_call_is_over():
    played = duet().play(phrase(0.0, 1)).until(2.6 * BEAT)
    played.node.act("reply")
    answer = played.until(BAR).ons()
    assert answer
    assert answer[0].due == pytest.approx(3 * BEAT)


def test_the_call_is_heard_only_within_its_keys():
    left = [event for beat in range(8) for event in key(beat * BEAT, 40 + beat)]
    assert not duet().play(left).until(5 * BAR).said


def test_the_left_hand_never_interrupts():
    left = [event for beat in range(32) for event in key(beat * BEAT / 2, 40 + beat % 12, 0.1)]
    alone = duet(interrupt="now").play(phrase(0.0, 2)).until(5 * BAR)
    both = duet(interrupt="now").play(phrase(0.0, 2)).play(left).until(5 * BAR)
    assert both.said == alone.said


def test_now_means_at_once():
    played = duet(interrupt="now").play(phrase(0.0, 2)).until(2 * BAR + 0.6)
    played.play(key(2 * BAR + 0.7, 72)).until(2 * BAR + 0.71)
    assert not played.sounding
    assert not played.until(3 * BAR - 0.01).ons(2 * BAR + 0.701)


def test_beat_means_at_the_next_beat_and_the_notes_are_ended_there():
    played = duet(interrupt="beat").play(phrase(0.0, 2)).until(2 * BAR + 0.6)
    played.play(key(2 * BAR + 0.7, 72)).until(3 * BAR - 0.01)
    ends = 2 * BAR + 2 * BEAT
    assert not played.ons(ends + 1e-6)
    assert max(off.due for off in played.offs()) <= ends + 1e-6
    assert not played.sounding


def test_never_means_that_the_answer_goes_on():
    alone = duet(interrupt="never").play(phrase(0.0, 2)).until(4 * BAR)
    played = duet(interrupt="never").play(phrase(0.0, 2)).play(key(2 * BAR + 0.7, 72))
    assert played.until(4 * BAR).said == alone.said


def test_what_interrupts_is_the_next_call():
    played = duet(interrupt="now").play(phrase(0.0, 2)).play(phrase(3 * BAR, 1))
    assert played.until(5 * BAR).ons(4 * BAR - 1e-6)


def test_a_pause_that_was_no_end_is_forgotten():
    notes = key(0.0, 60, 0.2) + key(2.0 * BEAT, 64, 0.2) + phrase(4 * BEAT, 1)
    played = duet().play(notes).until(2 * BAR - 0.01)
    assert not played.ons(0, 2 * BAR - 1e-3)


def test_continue_goes_on_until_somebody_plays():
    played = duet(mode="continue", interrupt="now", bars=2).play(phrase(0.0, 1)).until(8 * BAR)
    for bar in range(2, 7):
        assert played.ons(bar * BAR, (bar + 1) * BAR)
    played.play(key(played.now + 0.01, 70)).until(played.now + 0.1)
    assert not played.sounding


def test_a_loop_comes_round_until_somebody_plays():
    played = duet(mode="loop", interrupt="beat").play(phrase(0.0, 1)).until(6 * BAR)
    first, second = (steps(played.ons(bar * BAR - 1e-6, (bar + 1) * BAR - 1e-6), bar * BAR)
                     for bar in (2, 3))
    assert first
    assert first == pytest.approx(second, abs=1e-6)
    played.play(key(played.now + 0.01, 70)).until(played.now + BEAT + 0.02)
    assert not played.sounding


def test_held_keys_are_completed_and_letting_go_stops():
    played = duet(mode="autocomplete").play(
        [NoteOn(0.1, note, 80, 1) for note in (60, 64, 67)]).until(3 * BAR)
    for bar in range(1, 3):
        assert played.ons(bar * BAR, (bar + 1) * BAR)
    played.play([NoteOff(played.now + 0.01, note, 64, 1) for note in (60, 64, 67)])
    let_go = played.now + 0.02
    played.until(let_go + BAR)
    assert not played.sounding
    assert not played.ons(let_go + 0.01)


def test_again_plays_the_last_answer_and_mutate_changes_some_of_it():
    played = duet().play(phrase(0.0, 4)).until(8.5 * BAR)

    def bars_from(start):
        return [(round((n.due - start) / BEAT, 3), n.note) for n in played.ons(
            start - 1e-6, start + 4 * BAR - 1e-6)]
    first = bars_from(4 * BAR)
    played.node.act("again")
    played.until(13.5 * BAR)
    assert bars_from(9 * BAR) == first
    played.node.act("mutate")
    played.until(18.5 * BAR)
    changed = bars_from(14 * BAR)
    assert changed
    assert changed != first


def test_stop_ends_the_answer_and_start_listens_again():
    played = duet().play(phrase(0.0, 2)).until(2 * BAR + 0.6)
    played.node.act("stop")
    played.until(2 * BAR + 0.7)
    assert not played.sounding
    count = len(played.said)
    assert len(played.play(phrase(4 * BAR, 1)).until(8 * BAR).said) == count
    played.node.act("start")
    assert len(played.play(phrase(8 * BAR, 1)).until(11 * BAR).said) > count


def test_without_a_clock_the_tempo_of_the_call_is_used():
    bpm = 96.0
    played = duet(clock=False).play(phrase(0.3, 2, bpm=bpm)).until(0.3 + 16 * 60 / bpm)
    beat = 60 / bpm
    sixteenths = [(note.due - 0.304) / beat * 4 for note in played.ons()]
    assert sixteenths
    assert all(abs(step - round(step)) < 0.1 for step in sixteenths)


def test_swing_moves_the_halves_of_the_beats_and_nothing_else():
    eighths = [event for number in range(15) for event in key(number * BEAT / 2, SCALE[number])]
    straight = duet(seed=3).play(eighths).until(5 * BAR).ons()
    swung = duet(seed=3, swing=0.66).play(eighths).until(5 * BAR).ons()
    for plain, late in zip(straight, swung, strict=True):
        place = plain.due / BEAT % 1.0
        assert late.due - plain.due == pytest.approx(
            {0.0: 0.0, 0.25: 0.08, 0.5: 0.16, 0.75: 0.08}[round(place, 2) % 1.0] * BEAT, abs=1e-6)


def test_settings_are_kept_to():
    played = duet(range="C5-C6", scale="C", channel=3, loudness=0.5).play(
        phrase(0.0, 2)).until(5 * BAR)
    for note in played.ons():
        assert 72 <= note.note <= 84
        assert note.note % 12 in {0, 2, 4, 5, 7, 9, 11}
        assert note.channel == 3
        assert 25 <= note.velocity <= 55


def test_thru_passes_what_is_played_only_where_it_is_asked_for():
    assert not duet().play(key(0.1, 64)).until(0.5).said
    assert [n.note for n in duet(thru=True).play(key(0.1, 64)).until(0.5).said] == [64, 64]


def pedal(time, value):
    return Gesture(time, "controller", 64, value, 1)


@pytest.mark.parametrize("thru", [False, True])
def test_the_performer_s_pedal_never_holds_an_answer(thru):
    played = duet(thru=thru).play([pedal(0.1, 127), *phrase(0.0, 1), pedal(1.2 * BAR, 64),
                                   pedal(1.3 * BAR, 127)]).until(1.9 * BAR + BEAT)
    moved = [(event.time, event.value) for event in played.gestures]
    answer = played.ons(BAR - 1e-6, 2 * BAR)
    assert answer
    if thru:
        (down, _), (lifted, up), (again, held) = moved
        assert down == 0.1
        assert lifted <= answer[0].due
        assert again > played.offs()[-1].due
        assert (up, held) == (0, 127)
    else:
        assert not moved


@pytest.mark.parametrize("interrupt", ["now", "beat"])
def test_a_hundred_interrupted_answers_leave_no_note_on(interrupt):
    rng, played, cut = random.Random(7), duet(interrupt=interrupt), 0
    for _ in range(100):
        start = (int(played.now / BAR) + 1) * BAR
        played.play(phrase(start, 1)).until(start + BAR + rng.uniform(0.0, BAR))
        sounded, count = set(played.sounding), len(played.said)
        played.play(key(played.now + 0.01, 60 + rng.randrange(24), 0.05))
        played.until(played.now + (0.05 if interrupt == "now" else BEAT + 0.05))
        ended = {(off.channel, off.note) for off in played.said[count:] if isinstance(off, NoteOff)}
        assert sounded <= ended
        cut += bool(sounded)
    played.node.act("stop")
    played.until(played.now + 0.01)
    assert not played.sounding
    assert cut > 20


def test_a_panic_ends_everything_and_the_next_phrase_is_answered():
    played = duet().play(phrase(0.0, 2)).until(2 * BAR + 0.6)
    for off in played.node.release():
        played.sounding.discard((off.channel, off.note))
    assert not played.sounding
    assert not played.until(4 * BAR).ons(2 * BAR + 0.61)
    assert played.play(phrase(4 * BAR, 1)).until(6 * BAR).ons(5 * BAR - 1e-6)


@pytest.mark.parametrize("notes", [
    [NoteOn(n / 2000, 60 + n % 40, 80, 1) for n in range(4000)],            # nothing is let go
    [event for n in range(2000) for event in key(n / 1000, 60 + n % 40, 0.0)],
    [NoteOn(0.1, 64, 80, 1)],                                               # a stuck key
    [NoteOff(0.1, 64, 64, 1)] * 20,
    key(0.1, 64, 3600.0), key(0.1, 127, 0.0), key(0.1, 0, 0.0),
], ids=["flood held", "flood", "stuck", "ends only", "an hour", "highest", "lowest"])
def test_bad_playing_gets_a_sane_answer_or_none(notes):
    played = duet().play(notes).until(10 * BAR)
    played.node.act("stop")
    played.until(played.now + 0.01)
    assert not played.sounding
    assert len(played.ons()) < 600


def test_a_stuck_key_does_not_keep_an_answer_away():
    played = duet().play([NoteOn(0.1, 48 + 12, 80, 1), *phrase(0.5 * BAR, 1)]).until(6 * BAR)
    assert played.ons()


def test_a_clock_that_stops_ends_the_answer():
    played = duet(mode="loop").play(phrase(0.0, 1)).until(3 * BAR)
    played.stop_the_clock()
    played.until(played.now + 3 * BEAT)
    assert not played.sounding
    count = len(played.said)
    assert len(played.until(played.now + 4 * BAR).said) == count


def test_a_clock_that_comes_while_an_answer_sounds_ends_it():
    played = duet(clock=False, mode="loop").play(phrase(0.3, 1)).until(8.0)
    assert played.ons()
    played.start_the_clock()
    bar = (int(played.now / BAR) + 1) * BAR
    played.until(bar + 0.01)                                # it is said 0.1 s before
    assert not played.sounding
    assert not played.ons(bar)
    bar = (int(played.now / BAR) + 2) * BAR
    assert played.play(phrase(bar, 1)).until(bar + 2 * BAR).ons(bar + BAR - 1e-6)


class BusyWorker:
    """A desk where nothing is ever done."""

    def __init__(self):
        self.asked = []

    def ask(self, work, request, due):
        self.asked.append((request, due))
        return len(self.asked)

    def take(self):
        return ()


def test_a_worker_that_is_late_is_no_silence_and_was_asked_in_time():
    worker = BusyWorker()
    played = Duet(MelodyContinuation(), jobs=worker).play(phrase(0.0, 2)).until(5 * BAR)
    answer = played.ons()
    assert 2 * BAR - 1e-6 <= answer[0].due < 3 * BAR
    assert 3 * BAR <= answer[-1].due < 4 * BAR - BEAT / 2
    assert not played.sounding
    assert worker.asked[-1][1] <= 2 * BAR


def test_an_answer_of_fours_is_asked_for_a_beat_ahead():
    worker = BusyWorker()
    played = Duet(MelodyContinuation(listen_bars=2), jobs=worker).play(phrase(0.0, 2))
    played.until(2 * BAR - BEAT + 0.01)
    assert len(worker.asked) == 1


def test_in_fours_a_note_that_is_a_little_late_interrupts_nothing():
    alone = duet(listen_bars=2, interrupt="now").play(phrase(0.0, 2)).until(4 * BAR - 0.01)
    late = duet(listen_bars=2, interrupt="now").play(phrase(0.0, 2))
    assert late.play(key(2 * BAR + 0.1 * BEAT, 72)).until(4 * BAR - 0.01).said == alone.said


def test_a_stretch_that_was_not_heard_is_forgotten_but_not_that_it_was_stopped():
    played = duet().play(phrase(0.0, 2)).until(BAR)
    played.node.act("stop")
    played.node.reset()
    assert not played.until(6 * BAR).said


def test_without_a_clock_the_chord_that_holds_is_known_call_after_call():
    played = duet(clock=False)
    chord = Chord(0.05, "F#7", 6, 6, (6, 10, 1, 4), 0.0)
    played.play(phrase(0.3, 1)).until(6.0, [chord])
    played.play(phrase(20.3, 1)).until(26.0)
    ends = [played.ons(0, 10)[-1], played.ons(20)[-1]]
    assert {note.note % 12 for note in ends} <= {6, 10, 1}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 31), st.integers(1, 6), st.integers(60, 84)), min_size=1,
                max_size=24, unique_by=lambda note: note[0]), st.integers(0, 99))
def test_whatever_is_played_the_answer_begins_on_the_grid_and_ends_within_its_last_bar(notes, seed):
    eighth = BEAT / 2
    played = duet(seed=seed).play([event for place, length, note in notes
                                   for event in key(place * eighth, note, 0.9 * length * eighth)])
    played.until(10 * BAR)
    assert not played.sounding
    answer = played.ons()
    assert answer
    for note in answer:
        step = note.due / (BEAT / 4)
        assert abs(step - round(step)) < 1e-6
    last = max(off.due for off in played.offs())
    assert last % BAR <= BAR - BEAT / 2 + 1e-6

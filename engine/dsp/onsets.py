"""Hear the strike: one call a hop, from samples to "now".

Twelve bands are heard over their floor. What each did in the last third of a second is laid before
a small judge, a network of three layers trained on many mouths; when it has been sure for some
hops, a strike is announced, and its attack is where the bands rose most steeply.

Nothing depends on how loud the take is: levels count from the floor, and the floor follows.
"""

import numpy as np
from numba import njit

from engine.dsp.echo import (
    LAGS,
    LEAST_DB,
    MEMORY,
    find_lag,
    learn_bleed,
    learn_gain,
    note_rises,
    raise_floor,
    take_away,
)
from engine.dsp.envelope import SILENCE_DB, floor_of, follow_peak, follow_room, to_db
from engine.dsp.filters import BANDS, LANES, ROWS, band_energies, resonators
from engine.dsp.flux import level_flux
from engine.dsp.fused import fma
from engine.dsp.peaks import ROLL_HOPS, bar_for, bursts, rolls, steepest
from engine.units import HOP

PAST = 512                                   # hops remembered, a power of two
POINTS = 6                                   # the newest hops, one by one; then stretches:
EDGES = (6, 8, 11, 15, 20, 27, 36, 48, 66, 92, 140, 200, 280)
EVERY = 4                                    # of the hops older than FINE only one in four counts
FINE = 27
FEATURES = (POINTS + len(EDGES) - 1 + 2) * BANDS
HIDDEN, DEEPER = 64, 32

RUMBLE_HZ = 40.0
BEFORE_DB = (-45.0, -50.0, -55.0, *[-58.0] * (BANDS - 3))
"""The room before anything was heard: a lively one, so that a fan switched on is no strike."""
BEFORE_PEAK_DB = -45.0
BLEED_GAIN_DB = -10.0                        # until it is learnt: monitors are seldom louder

PATIENCE = (0.5, 0.85)                       # of what was believed a hop ago is believed still:
LATER = 1.75                                 # whoever listens longer may be so much less sure,
LOUD_DB = 35.0                               # of a strike so far above the room
DOUBT = -6.0                                 # log odds: no belief is smaller, so it soon grows
FAST, FAST_HOPS = 3, 285                     # so many strikes within 380 ms: more are on their way,
EAGER = 1.5                                  # and the bar is so much lower
LOOK_BACK = 12                               # hops: an attack is announced within 16 ms
BLEED_MARGIN_DB = 1.5
LEFT_MARGIN_DB = 5.0

EAR = np.dtype([
    ("high_pass", np.float32, (5,)), ("edges", np.int64, (len(EDGES),)),
    ("first", np.float32, (FEATURES, HIDDEN)), ("first_bias", np.float32, (HIDDEN,)),
    ("second", np.float32, (HIDDEN, DEEPER)), ("second_bias", np.float32, (DEEPER,)),
    ("last", np.float32, (DEEPER,)), ("last_bias", np.float32),
    ("sure", np.float32), ("surer", np.float32)])
"""What never changes: the filters and the judge. `sure` and `surer` are log odds."""

STATE = np.dtype([
    ("hop", np.int64), ("struck", np.int64, (FAST,)), ("belief", np.float32, (2,)),
    ("sensitivity_db", np.float32), ("retrigger_hops", np.float32), ("each_burst", np.bool_),
    ("rumble", np.float32, (2, 2)), ("bank", np.float32, (2 * ROWS * LANES,)),
    ("levels", np.float32, (PAST, BANDS)), ("flux", np.float32, (PAST,)),
    ("room", np.float32, (BANDS,)), ("floor", np.float32, (BANDS,)), ("peak", np.float32),
    ("bleed", np.float32, (PAST, BANDS)), ("lag", np.int64), ("alike", np.float32, (LAGS,)),
    ("mixed", np.float32, (PAST, BANDS)), ("quiet", np.float32, (BANDS,)),
    ("heard_rises", np.float32, (PAST, BANDS)), ("played_rises", np.float32, (PAST, BANDS)),
    ("heard", np.float32, (MEMORY, BANDS)), ("played", np.float32, (MEMORY, BANDS)),
    ("gain", np.float32, (BANDS,)), ("back", np.float32, (BANDS,)), ("left", np.float32, (BANDS,)),
    ("samples", np.float32, (2, HOP)),
    ("features", np.float32, (FEATURES,)), ("hidden", np.float32, (HIDDEN,)),
    ("deeper", np.float32, (DEEPER,)),
    ("age", np.float32), ("strength_db", np.float32), ("odds", np.float32)])
"""What was heard so far, what is set, scratch, and the last answer."""

SET = ("sensitivity_db", "retrigger_hops", "each_burst")


def begin(state: np.ndarray) -> None:
    """Forget everything heard; what is set stays. state : STATE (1,)."""
    kept = {name: state[name][0] for name in SET}
    state[:] = 0
    for name, value in kept.items():
        state[name] = value
    state["struck"], state["belief"] = -PAST * HOP, DOUBT
    state["levels"], state["room"] = BEFORE_DB, BEFORE_DB
    state["peak"] = BEFORE_PEAK_DB
    state["bank"] = np.tile(resonators(), 2)
    state["heard"] = state["played"] = SILENCE_DB
    state["bleed"] = state["mixed"] = state["back"] = state["left"] = SILENCE_DB
    state["quiet"] = LEAST_DB
    state["gain"] = BLEED_GAIN_DB


@njit(cache=True, nogil=True, error_model="numpy")
def margin_of(sensitivity_db):
    """How far above the room the floor lies, dB: a strike must rise from there."""
    return np.float32(max(sensitivity_db - 4.0, 0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def rises_over(levels, floor):
    """Whether any band is over its floor; else nobody need be asked."""
    over = False
    for band in range(len(levels)):
        over |= levels[band] > floor[band]
    return over


@njit(cache=True, nogil=True, error_model="numpy")
def describe(levels, hop, floor, peak, edges, features):
    """What the judge is told, in units of 20 dB over the floor.

    levels   : float32 (PAST, BANDS)   a ring, dB
    hop      : int                     the newest
    floor    : float32 (BANDS,)        dB
    peak     : float32                 the loudest of late, dB
    edges    : int64 (n,)              where the older stretches begin and end, hops ago
    features : float32 (FEATURES,)     filled: the newest hops, the stretches' means, the peak,
                                       the loudest of the stretches; each for all bands
    """
    unit = np.float32(0.05)
    place = POINTS * BANDS
    for age in range(POINTS):
        row = levels[(hop - age) & (PAST - 1)]
        for band in range(BANDS):
            features[age * BANDS + band] = unit * max(row[band] - floor[band], np.float32(0.0))
    loudest = place + len(edges) * BANDS
    for band in range(BANDS):
        features[loudest - BANDS + band] = unit * (peak - floor[band])
        features[loudest + band] = 0.0
    for stretch in range(len(edges) - 1):
        first, last = edges[stretch], edges[stretch + 1]
        step = 1 if first < FINE else EVERY
        share = np.float32(1.0) / np.float32((last - first + step - 1) // step)
        for band in range(BANDS):
            features[place + band] = 0.0
        for age in range(first, last, step):
            row = levels[(hop - age) & (PAST - 1)]
            for band in range(BANDS):
                over = unit * max(row[band] - floor[band], np.float32(0.0))
                features[place + band] += share * over
                features[loudest + band] = max(features[loudest + band], over)
        place += BANDS


def layer(inputs, outputs):
    """One layer of the judge, compiled for its size: out = max(0, bias + given · weights).

    given   : float32 (inputs,)           inputs a multiple of four
    weights : float32 (inputs, outputs)
    """
    @njit(cache=True, nogil=True, error_model="numpy")
    def pass_on(given, weights, bias, out):
        for i in range(outputs):
            out[i] = bias[i]
        for j in range(0, inputs, 4):
            a, b, c, d = given[j], given[j + 1], given[j + 2], given[j + 3]
            for i in range(outputs):
                total = fma(b, weights[j + 1, i], fma(a, weights[j, i], out[i]))
                out[i] = fma(d, weights[j + 3, i], fma(c, weights[j + 2, i], total))
        for i in range(outputs):
            out[i] = max(out[i], np.float32(0.0))
    return pass_on


first_layer, second_layer = layer(FEATURES, HIDDEN), layer(HIDDEN, DEEPER)


@njit(cache=True, nogil=True, error_model="numpy")
def judge(features, ear, hidden, deeper):
    """The log odds that something was struck in the last 20 ms.

    features       : float32 (FEATURES,)   from `describe`
    ear            : EAR
    hidden, deeper : float32 (HIDDEN,), (DEEPER,)   scratch
    """
    first_layer(features, ear.first, ear.first_bias, hidden)
    second_layer(hidden, ear.second, ear.second_bias, deeper)
    odds = ear.last_bias
    for i in range(DEEPER):
        odds = fma(deeper[i], ear.last[i], odds)
    return odds


@njit(cache=True, nogil=True, error_model="numpy")
def listen(samples, bleed, playing, high_pass, state):
    """The newest levels, dB, from one hop of the microphone and, where it is playing, the bleed."""
    newest, ears = state.hop & (PAST - 1), 2 if playing else 1
    state.samples[0] = samples
    if playing:
        state.samples[1] = bleed
    band_energies(state.samples[:ears], high_pass, state.rumble, state.bank)
    energies = 9 * LANES
    to_db(state.bank[energies:energies + BANDS], state.levels[newest])
    if playing:
        energies += ROWS * LANES
        to_db(state.bank[energies:energies + BANDS], state.bleed[newest])


@njit(cache=True, nogil=True, error_model="numpy")
def follow(state):
    """The newest levels are in: let room, floor and peak follow. Returns the peak before them."""
    levels, peak = state.levels[state.hop & (PAST - 1)], state.peak
    follow_room(levels, state.room)
    floor_of(state.room, margin_of(state.sensitivity_db), peak, state.floor)
    state.peak = follow_peak(levels, peak)
    return peak


@njit(cache=True, nogil=True, error_model="numpy")
def hear(samples, bleed, playing, ears, states):
    """One hop. True where a strike is announced: then `age` is how many hops ago it began, and
    `strength_db` how far it rises over the room.

    samples : float32 (HOP,)
    bleed   : float32 (HOP,)   what our own speakers played in the hop before
    playing : bool             whether they are connected at all
    ears    : EAR (1,)
    states  : STATE (1,)       changed
    """
    ear, state = ears[0], states[0]
    listen(samples, bleed, playing, ear.high_pass, state)
    peak = follow(state)
    if playing:
        mind_bleed(state)
    return consider(ear, state, peak)


@njit(cache=True, nogil=True, error_model="numpy")
def mind_bleed(state):
    """Learn how our speakers come back, and lift the floor over what they play."""
    hop, newest, last = state.hop, state.hop & (PAST - 1), (state.hop - 1) & (PAST - 1)
    levels, bleed, mixed = state.levels[newest], state.bleed[newest], state.mixed[newest]
    mixed[:] = levels
    note_rises(hop, mixed, state.mixed[last], state.floor, state.heard_rises)
    note_rises(hop, bleed, state.bleed[last], state.quiet, state.played_rises)
    state.lag = find_lag(hop, state.heard_rises, state.played_rises, state.alike)
    if state.lag < 0:
        learn_bleed(hop, levels, bleed, state.heard, state.played, state.gain)
        raise_floor(hop, state.played, state.gain, BLEED_MARGIN_DB, state.floor)
        state.left[:] = SILENCE_DB
    else:
        learn_gain(hop, state.lag, state.mixed, state.bleed, state.gain)
        take_away(hop, state.lag, state.bleed, state.gain, LEFT_MARGIN_DB, state.floor,
                  state.back, state.left, levels)


@njit(cache=True, nogil=True, error_model="numpy")
def consider(ear, state, peak):
    """Whether a strike is announced, now that the newest levels and their floor are known."""
    ask(ear, state, peak)
    announced = decide(ear, state)
    state.hop += 1
    return announced


@njit(cache=True, nogil=True, error_model="numpy")
def ask(ear, state, peak):
    """What the judge makes of the newest levels: `odds`."""
    newest = state.hop & (PAST - 1)
    levels, before = state.levels[newest], state.levels[(newest - 1) & (PAST - 1)]
    state.flux[newest] = level_flux(levels, before, state.floor)
    state.odds = -np.inf
    if rises_over(levels, state.floor):
        describe(state.levels, state.hop, state.floor, peak, ear.edges, state.features)
        state.odds = judge(state.features, ear, state.hidden, state.deeper)


@njit(cache=True, nogil=True, error_model="numpy")
def decide(ear, state):
    """Whether the judge has been sure for long enough, and the strike is strong enough.

    A sharp attack is announced as soon as it is sure; one that swells, like many a soft kick, when
    it has been likely for longer. A lip that rolls strikes once, or with every burst.
    """
    believe(state.odds, state.belief)
    if state.each_burst and state.hop - state.struck[0] > ROLL_HOPS[0] // 2 and (
            bursts(state.flux, state.hop)):
        state.strength_db = strength(state.levels, state.hop, state.room)
        return state.strength_db >= state.sensitivity_db and announce(state)
    bar = bar_for(state.hop - state.struck[0], state.retrigger_hops, ear.sure, ear.surer)
    if state.hop - state.struck[FAST - 1] < FAST_HOPS:
        bar -= EAGER
    at_once, at_last = state.belief[0] > bar, state.belief[1] > bar - LATER
    if not (at_once or at_last):
        return False
    state.strength_db = strength(state.levels, state.hop, state.room)
    if state.strength_db < (state.sensitivity_db if at_once else
                            max(state.sensitivity_db, np.float32(LOUD_DB))):
        return False
    return announce(state)


@njit(cache=True, nogil=True, error_model="numpy")
def announce(state):
    """Date the strike, and have nothing struck again at once. False where it is a lip's roll that
    goes on."""
    state.age = steepest(state.flux, state.hop, LOOK_BACK)
    state.belief[1] = DOUBT
    if not state.each_burst and rolls(state.flux, state.hop, int(state.age + 0.5)):
        state.struck[0] = state.hop
        return False
    for k in range(FAST - 1, 0, -1):
        state.struck[k] = state.struck[k - 1]
    state.struck[0] = state.hop
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def believe(odds, belief):
    """Smooth the log odds, a little and more. belief : float32 (2,), kept up."""
    for k in range(len(belief)):
        kept = np.float32(PATIENCE[k])
        newest = odds if k == 0 else max(odds, np.float32(DOUBT))
        belief[k] = max(kept * belief[k] + (np.float32(1.0) - kept) * newest, np.float32(DOUBT))


@njit(cache=True, nogil=True, error_model="numpy")
def strength(levels, hop, room):
    """How far the loudest band of the last hops rises over the room, dB."""
    most = np.float32(0.0)
    for age in range(POINTS):
        row = levels[(hop - age) & (PAST - 1)]
        for band in range(len(room)):
            most = max(most, row[band] - room[band])
    return most

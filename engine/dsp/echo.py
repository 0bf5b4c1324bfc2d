"""Our own speakers in our own microphone: how late and how loud they come back, and what they hide.

Where the microphone's rises keep following those of what is played by one and the same lag, that is
how late the speakers are heard. Then what they play lifts the floor just when it comes back; until
the lag is known, for as long as it might.
"""

import numpy as np
from numba import njit

from engine.dsp.envelope import SILENCE_DB

MEMORY = 16                  # blocks of the bleed's past ...
BLOCK = 8                    # ... of 8 hops, 10.7 ms
STILL = 9                    # blocks: so long what was played may still come back, 80 ms
LATE = 9                     # and after these all of it has begun to
LEAST_DB = -70.0              # bleed softer than this teaches nothing
GAIN_RISES_DB = 0.0005       # 0.4 dB a second, so that a louder monitor is learnt too
MOST_GAIN_DB, LEAST_GAIN_DB = 0.0, -50.0

LAGS = 72                    # hops, 96 ms
FORGETS = 0.0003             # of the likeness each hop: the last five seconds count
LEAST_RISE_DB, MOST_RISE_DB = 2.0, 12.0   # less is the trembling of a noise
CERTAIN = 2.0                # times as alike as the lags are in the mean
ENOUGH = 1_500.0             # dB squared: a dozen loud strikes have come back
EARLY = 2                    # hops: an echo comes so much before and after its lag
ROOM_DIES_DB = 0.3           # a hop, 60 dB in 270 ms ...
MOUTH_DIES_DB = 0.3          # ... and so a mouth that drowns
UP_DB, DOWN_DB = 0.01, 0.04   # so that one in five differences lies below the gain
SPAN, MIDST = 6, 2           # hops: what came within these holds the echo of some in their midst


@njit(cache=True, nogil=True, error_model="numpy")
def learn_bleed(hop, levels, bleed, heard, played, gain):
    """How loud our own speakers come back into the microphone, band by band.

    What the microphone heard in the last 170 ms is at least what was played 85 ms ago or
    earlier. The smallest such difference is the gain; a mouth only adds to it.

    hop           : int                       counts on
    levels, bleed : float32 (bands,)          dB, of the microphone and of what is played
    heard, played : float32 (MEMORY, bands)   the loudest of each block; kept up
    gain          : float32 (bands,)          dB, kept up
    """
    now = (hop // BLOCK) % MEMORY
    for band in range(len(levels)):
        if hop % BLOCK == 0:
            heard[now, band] = played[now, band] = SILENCE_DB
        heard[now, band] = max(heard[now, band], levels[band])
        played[now, band] = max(played[now, band], bleed[band])
        loudest = came = np.float32(SILENCE_DB)
        for age in range(MEMORY):
            block = (now - age) % MEMORY
            came = max(came, heard[block, band])
            if LATE <= age < MEMORY - 1:
                loudest = max(loudest, played[block, band])
        if loudest > LEAST_DB:
            gain[band] = min(gain[band] + np.float32(GAIN_RISES_DB), came - loudest,
                             np.float32(MOST_GAIN_DB))
            gain[band] = max(gain[band], np.float32(LEAST_GAIN_DB))


@njit(cache=True, nogil=True, error_model="numpy")
def raise_floor(hop, played, gain, margin_db, floor):
    """Lift the floor over all that our speakers played in the last 110 ms, as it would be heard.

    played : float32 (MEMORY, bands)   the loudest of each block, dB
    gain   : float32 (bands,)          speakers to microphone, dB
    floor  : float32 (bands,)          raised
    """
    now = (hop // BLOCK) % MEMORY
    for age in range(STILL):
        block = (now - age) % MEMORY
        for band in range(len(floor)):
            floor[band] = max(floor[band], played[block, band] + gain[band] + margin_db)


@njit(cache=True, nogil=True, error_model="numpy")
def note_rises(hop, levels, before, floor, rises):
    """How much each band rose since the hop before, at most MOST_RISE_DB; a ring, kept up.

    levels, before, floor : float32 (bands,)        dB; what lies below the floor counts as it
    rises                 : float32 (PAST, bands)   dB
    """
    row = rises[hop & (len(rises) - 1)]
    for band in range(len(levels)):
        rise = levels[band] - max(before[band], floor[band]) - np.float32(LEAST_RISE_DB)
        row[band] = min(max(rise, np.float32(0.0)), np.float32(MOST_RISE_DB))


@njit(cache=True, nogil=True, error_model="numpy")
def find_lag(hop, heard_rises, played_rises, alike):
    """How many hops late our speakers are heard, -1 while that isn't certain.

    heard_rises, played_rises : float32 (PAST, bands)   rings from `note_rises`
    alike                     : float32 (LAGS,)         how well each lag explains them; kept up
    """
    mask = len(heard_rises) - 1
    newest = heard_rises[hop & mask]
    rose = False
    for band in range(len(newest)):
        rose |= newest[band] > 0.0
    for lag in range(LAGS):
        same = np.float32(0.0)
        if rose:
            played = played_rises[(hop - lag) & mask]
            for band in range(len(newest)):
                same += newest[band] * played[band]
        alike[lag] += same - np.float32(FORGETS) * alike[lag]
    best = np.argmax(alike)
    if alike[best] <= ENOUGH:
        return -1
    mean = np.float32(0.0)
    for lag in range(LAGS):
        mean += alike[lag] / np.float32(LAGS)
    return best if alike[best] > np.float32(CERTAIN) * mean else -1


@njit(cache=True, nogil=True, error_model="numpy")
def learn_gain(hop, lag, levels, played, gain):
    """How loud our speakers come back, where it is known how late: all that came within SPAN hops
    is at least what was played in the midst of those, `lag` earlier.

    levels, played : float32 (PAST, bands)   rings, dB, of the microphone and of what is played
    gain           : float32 (bands,)        dB, kept up
    """
    mask = len(levels) - 1
    for band in range(len(gain)):
        came = loudest = np.float32(SILENCE_DB)
        for age in range(SPAN):
            came = max(came, levels[(hop - age) & mask, band])
            if MIDST <= age < SPAN - MIDST:
                loudest = max(loudest, played[(hop - age - lag) & mask, band])
        if loudest > LEAST_DB:
            change = np.float32(UP_DB) if came - loudest > gain[band] else np.float32(-DOWN_DB)
            gain[band] = min(max(gain[band] + change, np.float32(LEAST_GAIN_DB)),
                             np.float32(MOST_GAIN_DB))


@njit(cache=True, nogil=True, error_model="numpy")
def take_away(hop, lag, played, gain, margin_db, floor, back, left, levels):
    """Take from the levels what comes back just now, and the room's answer to it: what is left is
    the mouth. Where it drowns, it is thought to die away from what was left a hop ago: were it
    gone, it would seem to strike when it can be heard again.

    played : float32 (PAST, bands)   a ring, dB
    gain   : float32 (bands,)        speakers to microphone, dB
    floor  : float32 (bands,)        dB; what lies over it doesn't fall below
    back   : float32 (bands,)        what comes back, dB as it was played; kept up
    left   : float32 (bands,)        what is left, dB; kept up
    levels : float32 (bands,)        dB, changed to what is left
    """
    for band in range(len(levels)):
        back[band] -= np.float32(ROOM_DIES_DB)
    for age in range(max(lag - EARLY, 0), lag + EARLY + 1):
        then = played[(hop - age) & (len(played) - 1)]
        for band in range(len(levels)):
            back[band] = max(back[band], then[band])
    for band in range(len(levels)):
        over = levels[band] - (back[band] + gain[band] + margin_db)
        if over < 20.0 and levels[band] > floor[band]:
            share = max(np.float32(1.0) - np.float32(10.0) ** (np.float32(-0.1) * over),
                        np.float32(1e-9))
            goes_on = min(left[band] - np.float32(MOUTH_DIES_DB), levels[band])
            levels[band] = max(levels[band] + np.float32(10.0) * np.log10(share), goes_on,
                               floor[band])
        left[band] = levels[band]

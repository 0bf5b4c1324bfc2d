"""How loud each band is, and what lies under it: the room, the loudest lately, our own speakers.

Levels are dB, of a band's energy. Only what rises over the floor of its band is heard at all: the
floor is the room and a margin, or 50 dB below the loudest of late, or what our own speakers put
into the microphone, whichever is highest.
"""

import numpy as np
from numba import njit

SILENCE_DB = -100.0          # 16 bits dithered lie at -107 in a band
LEAST_FLOOR_DB = -90.0

ROOM_FALLS = 0.03            # of the way down each hop: a quieter room is known in 45 ms
ROOM_RISES_DB = 0.005        # 3.75 dB a second: a held hiss isn't the room at once

RANGE_DB = 50.0              # below the loudest of late: nothing softer is meant
PEAK_FALLS_DB = 0.006        # 4.5 dB a second
LEAST_PEAK_DB = -70.0

MEMORY = 16                  # blocks of the bleed's past ...
BLOCK = 8                    # ... of 8 hops, 10.7 ms
STILL = 9                    # blocks: so long what was played may still come back, 80 ms
LATE = 9                     # and after these all of it has begun to
LOUD_DB = -70.0              # bleed softer than this teaches nothing
GAIN_RISES_DB = 0.0005       # 0.4 dB a second, so that a louder monitor is learnt too
MOST_GAIN_DB, LEAST_GAIN_DB = 0.0, -50.0


@njit(cache=True, nogil=True, error_model="numpy")
def to_db(energies, levels):
    """Energies to decibels, not below SILENCE_DB. Both float32 (bands,); `levels` is filled."""
    for band in range(len(energies)):
        levels[band] = 10.0 * np.log10(energies[band] + np.float32(1e-10))


@njit(cache=True, nogil=True, error_model="numpy")
def follow_room(levels, room):
    """Let the room follow: quick to fall, slow to rise. Both float32 (bands,), dB."""
    for band in range(len(levels)):
        if levels[band] < room[band]:
            room[band] += np.float32(ROOM_FALLS) * (levels[band] - room[band])
        else:
            room[band] += np.float32(ROOM_RISES_DB)


@njit(cache=True, nogil=True, error_model="numpy")
def follow_peak(levels, peak):
    """The loudest band of late, dB: rises at once, falls slowly. Returns the new peak."""
    peak = max(peak - np.float32(PEAK_FALLS_DB), np.float32(LEAST_PEAK_DB))
    for band in range(len(levels)):
        peak = max(peak, levels[band])
    return peak


@njit(cache=True, nogil=True, error_model="numpy")
def floor_of(room, margin_db, peak, floor):
    """What must be exceeded in each band. room, floor : float32 (bands,); `floor` is filled."""
    for band in range(len(room)):
        floor[band] = max(room[band] + margin_db, peak - np.float32(RANGE_DB),
                          np.float32(LEAST_FLOOR_DB))


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
        if loudest > LOUD_DB:
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

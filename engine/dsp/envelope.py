"""How loud each band is, and what lies under it: the room and the loudest of late.

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

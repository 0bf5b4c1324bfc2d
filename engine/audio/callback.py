"""What the sound card calls for every block of sound; all of it is compiled.

It takes no lock, no memory and no interpreter: it brings in the driver's input, walks the list
that plays and what is left of older ones, hands the sum to the driver, keeps the last minute of
both, notes when each block came, and wakes the engine thread once.

A new list begins at a multiple of HOP frames. There the old one's input fades out over 5 ms while
the new one's outputs fade in, and what still sounds in the old one rings out beside it.
"""

import numpy as np
from numba import carray, cfunc, types

from engine.audio.fade import FADE_FRAMES, FADE_STEP
from engine.audio.intrinsics import call_system, exchange, load_acquire, pointer, store_release
from engine.audio.output import CEILING
from engine.audio.run_list import CLOCK, TABLE, walk
from engine.audio.source import one_of
from engine.audio.unit import kernel
from engine.units import HOP, SAMPLE_RATE, SLICE, frames

FRAME, FRAME_NS, BLOCKS, LATE_BLOCKS, PEAK_MICRO, CLIPPED = 2, 3, 5, 6, 9, 10
"""Places in the words that all may read: frames heard, and when the last block came (monotonic
ns); blocks, and late ones; the input's recent peak in millionths, falling 20 dB a second; clipped
samples so far."""

NEXT, TAKEN, GONE, BEGAN, THREAD, LAST_NS, LAST_FRAMES = range(7)
"""Places in the mail between the deck and its callback: the list to take, or 0; how many were
taken and let go so far; the frame at which the newest began; the calling thread's number; when
the last block came, and how long it was."""

LIST, AGE, SILENT, LEFT = range(4)
CURRENT, RINGING, LEAVING = range(3)
"""Where lists play, and for each: its table or 0; frames since another took over; frames of
silence; frames left until it has faded."""

DECK = np.dtype([(name, np.int64) for name in (
    "inputs", "outputs", "driver_inputs", "driver_outputs", "channel", "kept", "words", "mail",
    "places", "heard", "played", "source", "fading", "made", "mixed", "clock_at", "clock",
    "instant", "write_at", "write_to", "one", "thread_at")])
"""Numbers and addresses of all that the callback touches."""

WORDS, MAIL, PLACES = 64, 8, (3, 4)
RING_OUT = frames(8.0)                      # the longest an old list sounds on
_OVER = frames(0.5)                         # so long below -100 dBFS
_QUIET = np.float32(1e-5)
_FULL = np.float32(0.9999)                  # an input this high has been clipped
_FALL = 2.3 / SAMPLE_RATE                   # 20 dB a second
_XRUN = 0b1111                              # PortAudio's flags: under- and overflow, in and out
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)

CALLBACK = types.int32(types.voidptr, types.voidptr, types.uint64, types.voidptr, types.uint64,
                        types.voidptr)


@kernel
def now_ns(deck):
    """The monotonic clock; 0 where the system's can't be read from here."""
    if deck.clock_at == 0:
        return 0
    call_system(deck.clock_at, deck.clock, deck.instant, 0)
    instant = carray(pointer(deck.instant), 2, np.int64)
    return instant[0] * 1_000_000_000 + instant[1]


@kernel
def is_late(now, length, status, mail):
    """Did the block come more than half a block late, or does the driver say so?"""
    before, period_ns = mail[LAST_NS], mail[LAST_FRAMES] * 1_000_000_000 // SAMPLE_RATE
    mail[LAST_NS], mail[LAST_FRAMES] = now, length
    return (status & _XRUN) != 0 or (before > 0 and 2 * (now - before) > 3 * period_ns)


@kernel
def turn_over(frame, places, mail):
    """Let the next list begin, if there is one; an old one that has sounded for 8 s must leave."""
    if places[LEAVING, LIST] != 0:
        return                              # 5 ms, and there is room again
    if places[RINGING, AGE] >= RING_OUT:
        move(places, RINGING, LEAVING, FADE_FRAMES)
    elif load_acquire(mail.ctypes.data + 8 * NEXT) != 0:
        move(places, RINGING, LEAVING, FADE_FRAMES)
        move(places, CURRENT, RINGING, RING_OUT)
        places[CURRENT, LIST] = exchange(mail.ctypes.data + 8 * NEXT, 0)
        store_release(places[CURRENT, LIST] + 8 * CLOCK, frame)
        mail[BEGAN] = frame
        store_release(mail.ctypes.data + 8 * TAKEN, mail[TAKEN] + 1)


@kernel
def move(places, here, there, left):
    """A list gives way to a newer one; `left` is where its fade-out stands."""
    for column in range(PLACES[1]):
        places[there, column] = places[here, column]
        places[here, column] = 0
    places[there, LEFT] = left


@kernel
def bring_in(driver, done, source):
    """Copy driver (n, channels) from `done` on to source (frames, channels).

    returns : (float32, int)   the highest amplitude, and how many samples are clipped
    """
    last, peak, clipped = driver.shape[1] - 1, _ZERO, 0
    for i in range(source.shape[0]):
        for channel in range(source.shape[1]):
            sample = driver[done + i, min(channel, last)] if last >= 0 else _ZERO
            source[i, channel] = sample
            if abs(sample) > peak:
                peak = abs(sample)
            clipped += abs(sample) >= _FULL
    return peak, clipped


@kernel
def keep_heard(frame, source, channel, ring):
    """Write one channel of source (frames, channels), or the MEAN of two, from `frame` on."""
    for i in range(source.shape[0]):
        ring[(frame + i) & (ring.shape[0] - 1)] = one_of(source[i], channel)


@kernel
def fade_out(source, age, fading):
    """The input as an old list hears it: gone 5 ms after another took over."""
    for i in range(source.shape[0]):
        level = max(_ZERO, _ONE - np.float32(age + i + 1) * FADE_STEP)
        for channel in range(source.shape[1]):
            fading[i, channel] = source[i, channel] * level if level > _ZERO else _ZERO


@kernel
def add(made, left, mixed):
    """Add what an old list made, fading from `left` frames on its way out, beneath the ceiling.

    returns : float32   its highest amplitude
    """
    peak = _ZERO
    for i in range(made.shape[0]):
        level = min(_ONE, max(_ZERO, np.float32(left - i) * FADE_STEP))
        for channel in range(made.shape[1]):
            sample = made[i, channel] * level
            peak = max(peak, abs(sample))
            mixed[i, channel] = min(max(mixed[i, channel] + sample, -CEILING), CEILING)
    return peak


@kernel
def grow_old(place, row, length, peak, mail):
    """Count an old list's frames; let it go when it has faded or has been silent for long."""
    row[AGE] += length
    row[SILENT] = row[SILENT] + length if peak < _QUIET else 0
    if place == LEAVING:
        row[LEFT] -= length
    if row[SILENT] >= _OVER or row[LEFT] <= 0:
        row[:] = 0
        store_release(mail.ctypes.data + 8 * GONE, mail[GONE] + 1)


@kernel
def make_slice(deck, source, mixed, places, mail):
    """Run every list that plays for one slice; their sum in mixed (frames, outputs)."""
    length = source.shape[0]
    fading = carray(pointer(deck.fading), (length, deck.inputs), np.float32)
    made = carray(pointer(deck.made), (length, deck.outputs), np.float32)
    mixed[:] = _ZERO
    for place in range(PLACES[0]):
        row = places[place]
        if row[LIST] == 0:
            continue
        table = carray(pointer(row[LIST]), TABLE, np.int64)
        if place == CURRENT:
            walk(table, source, mixed)
        else:
            fade_out(source, row[AGE], fading)
            walk(table, fading, made)
            grow_old(place, row, length, add(made, row[LEFT], mixed), mail)


@kernel
def send_out(mixed, done, driver):
    """Copy to driver (n, channels) from `done` on; a single channel gets the mean of the pair."""
    for i in range(mixed.shape[0]):
        if driver.shape[1] == 1:
            driver[done + i, 0] = _HALF * mixed[i, 0] + _HALF * mixed[i, 1]
        else:
            for channel in range(driver.shape[1]):
                has = channel < mixed.shape[1]
                driver[done + i, channel] = mixed[i, channel] if has else _ZERO


@kernel
def keep_played(frame, mixed, ring):
    """Write the first pair from `frame` on."""
    for i in range(mixed.shape[0]):
        place = (frame + i) & (ring.shape[0] - 1)
        ring[place, 0], ring[place, 1] = mixed[i, 0], mixed[i, 1]


@kernel
def make_block(deck, words, mail, driver_in, driver_out, length):
    """One driver block, in slices that end at multiples of SLICE."""
    places = carray(pointer(deck.places), PLACES, np.int64)
    heard = carray(pointer(deck.heard), deck.kept, np.float32)
    played = carray(pointer(deck.played), (deck.kept, 2), np.float32)
    start, done, highest = words[FRAME], 0, _ZERO
    while done < length:
        frame = start + done
        if frame % HOP == 0:
            turn_over(frame, places, mail)
        count = min(length - done, SLICE - frame % SLICE)
        source = carray(pointer(deck.source), (count, deck.inputs), np.float32)
        mixed = carray(pointer(deck.mixed), (count, deck.outputs), np.float32)
        peak, clipped = bring_in(driver_in, done, source)
        highest = max(highest, peak)
        words[CLIPPED] += clipped
        keep_heard(frame, source, deck.channel, heard)
        make_slice(deck, source, mixed, places, mail)
        send_out(mixed, done, driver_out)
        keep_played(frame, mixed, played)
        done += count
    fallen = words[PEAK_MICRO] * (1.0 - min(1.0, length * _FALL))
    words[PEAK_MICRO] = np.int64(max(fallen, min(1e6 * highest, 1e9)))


@cfunc(CALLBACK, cache=True, error_model="numpy")
def callback(source, target, length, time, status, deck_at):
    """A PaStreamCallback; its user data is the address of a DECK."""
    deck = carray(deck_at, 1, DECK)[0]
    words = carray(pointer(deck.words), WORDS, np.int64)
    mail = carray(pointer(deck.mail), MAIL, np.int64)
    now, count = now_ns(deck), np.int64(length)
    words[LATE_BLOCKS] += is_late(now, count, np.int64(status), mail)
    if mail[THREAD] == 0 and deck.thread_at != 0:
        mail[THREAD] = call_system(deck.thread_at, 0, 0, 0) & 0x7FFFFFFF
    inputs = deck.driver_inputs if carray(source, 1, np.int64).ctypes.data != 0 else 0
    outputs = deck.driver_outputs if carray(target, 1, np.int64).ctypes.data != 0 else 0
    make_block(deck, words, mail, carray(source, (count, inputs), np.float32),
               carray(target, (count, outputs), np.float32), count)
    at = words.ctypes.data
    if now > 0:
        words[FRAME_NS] = now
    store_release(at + 8 * FRAME, words[FRAME] + count)
    store_release(at + 8 * BLOCKS, words[BLOCKS] + 1)
    if deck.write_at != 0:
        call_system(deck.write_at, deck.write_to, deck.one, 8)
    return 0

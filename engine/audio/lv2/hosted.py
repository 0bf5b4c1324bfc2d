"""A plugin among the compiled units: feed its events, let it run, hear that all is well.

Notes reach it with their frame in the slice. What it makes is checked sample by sample: anything
but numbers, or three runs in a second that take longer than the time they have, and it is left out
from the next slice on until somebody lets it in again. Turning it off, too, is a fade of 5 ms.
"""

import time
from typing import TYPE_CHECKING

import numpy as np
from numba import carray

from engine.audio.commands import KIND, SET, START, A, B, C, Commands, arrive, due, mail_at, take
from engine.audio.fade import FADE_STEP
from engine.audio.intrinsics import (
    call_run,
    call_system,
    load_acquire,
    pointer,
    store_release,
)
from engine.audio.lv2.instance import NUMBERS, SEQUENCE, Instance
from engine.audio.lv2.lilv import urid
from engine.audio.lv2.work import WORKER, hand_out
from engine.audio.unit import Integers, handle_of, kernel, unit
from engine.audio.wake import address_of
from engine.units import SAMPLE_RATE, SLICE, Samples

if TYPE_CHECKING:
    from engine.audio.run_list import AudioList

NOTE = 1
"""What the commands ask for, besides SET (control port `a` becomes `b`; WET: how much of it is
heard, 0 or 1): a MIDI message of three bytes, `a`, `b`, `c`."""

WET = -1

STATE, FAULTS, STRIKES, STRIKE_FRAME, NOT_A_NUMBER, TOO_SLOW = 0, 1, 2, 3, 1, 2
"""Places in `words`: 0 while it runs, else what was wrong, one of the last two; how often it was;
slow runs, and the frame of the first of them."""

PATIENCE = 3                                # slow runs within a second
_MONOTONIC = getattr(time, "CLOCK_MONOTONIC", 1)
_ZERO, _ONE, _HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)
_EVENT = 24                                 # bytes of a MIDI message in a sequence

HOSTED = np.dtype([(name, np.int64) for name in (
    "clock", "ring", "ends", "pending", "feed", "inputs", "channels_in", "mono", "outputs",
    "channels_out", "events", "told", "tellers", "controls", "ports", "run", "instance", "words",
    "sounding", "wet", "buffer", "sequence_urid", "midi_urid", "chunk_urid", "worker",
    "clock_at", "instant", "guarded", "inside", "number", "spent")])
"""Numbers and addresses of all that the unit touches."""


class Hosted:
    """The unit of one instance.

    buffer : float32 (2, SLICE)
    words  : int64 (8,)     see the names above
    spent  : int64 (2,)     ns in the plugin's own run, and slices, so far; where it is guarded
    """

    def __init__(self, audio: "AudioList", feed: Samples | None, instance: Instance, *,
                 wet: float = 1.0, inside: Integers | None = None, number: int = 0) -> None:
        self.commands, self.buffer = Commands(), audio.buffer()
        self.words, self.spent = np.zeros(8, np.int64), np.zeros(2, np.int64)
        self.instance = instance
        self._sounding = np.zeros((16, 128), np.uint8)
        worker, hears = instance.worker, len(instance.plugin.audio(inputs=True))
        silence = audio.sum(())
        ring, ends, pending = self.commands.mail
        parts: dict[str, np.ndarray | int] = {
            "clock": audio.clock, "ring": ring, "ends": ends, "pending": pending,
            "feed": silence if feed is None else feed, "inputs": instance.inputs,
            "channels_in": hears, "mono": int(hears == 1), "outputs": instance.outputs,
            "channels_out": len(instance.plugin.audio(inputs=False)), "events": instance.events,
            "told": instance.told, "tellers": len(instance.told), "controls": instance.controls,
            "ports": len(instance.controls), "run": instance.run_address,
            "instance": instance.address, "words": self.words,
            "sounding": self._sounding, "wet": np.array([wet, wet], np.float32),
            "buffer": self.buffer, "sequence_urid": urid(NUMBERS["sequence"]),
            "midi_urid": urid(NUMBERS["midi"]), "chunk_urid": urid(NUMBERS["chunk"]),
            "worker": 0 if worker is None else worker.record,
            "clock_at": address_of("clock_gettime"), "instant": np.zeros(2, np.int64),
            "guarded": int(inside is not None), "spent": self.spent,
            "inside": np.zeros(1, np.int64) if inside is None else inside, "number": number}
        handle = handle_of(parts[name] for name in HOSTED.names or ())
        audio.add(run.address, handle, (*parts.values(), instance))

    def let_in(self) -> None:
        """Let it run again after a fault; it was started afresh, so no note sounds in it."""
        self._sounding[:] = 0
        self.words[STRIKES] = 0
        self.words[STATE] = 0               # one aligned word; all else was written before


@kernel
def now(host):
    """Monotonic nanoseconds."""
    call_system(host.clock_at, _MONOTONIC, host.instant, 0)
    instant = carray(pointer(host.instant), 2, np.int64)
    return instant[0] * 1_000_000_000 + instant[1]


@kernel
def write_event(events, place, frame, status, note, value, midi_urid):
    """One MIDI message at `place` in a sequence (bytes); returns where the next one goes."""
    head = carray(pointer(events + place), 2, np.int64)
    head[0] = frame
    head[1] = 3 | (midi_urid << 32)
    carray(pointer(events + place + 16), 1, np.int64)[0] = status | (note << 8) | (value << 16)
    return place + _EVENT


@kernel
def begin_sequence(events, size, kind):
    """The head of a sequence: its size in bytes, and its type."""
    head = carray(pointer(events), 2, np.int64)
    head[0] = size | (kind << 32)
    head[1] = 0


@kernel
def keep_count(sounding, status, note, value):
    """Remember which notes sound, so that a stop can end them."""
    kind = status & 0xF0
    if kind == 0x90 or kind == 0x80:
        sounding[status & 15, note & 127] = np.uint8(kind == 0x90 and value > 0)


@kernel
def end_notes(host, sounding, place):
    """An end for each note that sounds."""
    for channel in range(16):
        for note in range(128):
            if sounding[channel, note] != 0 and place + _EVENT <= SEQUENCE:
                place = write_event(host.events, place, 0, 0x80 | channel, note, 64,
                                    host.midi_urid)
                sounding[channel, note] = 0
    return place


@kernel
def turn(host, row):
    """Set a control port, or how much of the plugin is heard."""
    port = np.int64(row[A])
    if port == WET:
        carray(pointer(host.wet), 2, np.float32)[1] = row[B]
    elif 0 <= port < host.ports:
        carray(pointer(host.controls), host.ports, np.float32)[port] = row[B]


@kernel
def feed_events(host, frame, frames):
    """Write what is due in this slice: controls into their ports, notes into the sequence."""
    mail = mail_at(host.ring, host.ends, host.pending)
    sounding = carray(pointer(host.sounding), (16, 128), np.uint8)
    place = 16
    if arrive(mail):
        place = end_notes(host, sounding, place)
    while place + _EVENT <= SEQUENCE and due(mail, frame + frames - 1):
        row = take(mail)
        if row[KIND] == SET:
            turn(host, row)
        else:
            status, note, value = np.int64(row[A]), np.int64(row[B]), np.int64(row[C])
            at = max(np.int64(row[START]) - frame, 0)
            keep_count(sounding, status, note, value)
            place = write_event(host.events, place, at, status, note, value, host.midi_urid)
    begin_sequence(host.events, place - 8, host.sequence_urid)
    for k in range(host.tellers):
        begin_sequence(host.told + k * SEQUENCE, SEQUENCE - 8, host.chunk_urid)


@kernel
def feed_audio(host, feed, frames):
    """The cable's two channels, or their mean for a plugin with one."""
    inputs = carray(pointer(host.inputs), (2, SLICE), np.float32)
    if host.mono != 0:
        for i in range(frames):
            inputs[0, i] = _HALF * feed[0, i] + _HALF * feed[1, i]
    else:
        for channel in range(2):
            for i in range(frames):
                inputs[channel, i] = feed[channel, i]


@kernel
def run_plugin(host, words, frame, frames):
    """Let the plugin run, and note how long it took where that matters."""
    if host.guarded == 0:
        call_run(host.run, host.instance, frames)
        return
    started = now(host)
    store_release(host.inside, host.number)             # if we fall in there, this is who it was
    call_run(host.run, host.instance, frames)
    store_release(host.inside, 0)
    took = now(host) - started
    spent = carray(pointer(host.spent), 2, np.int64)
    spent[0] += took
    spent[1] += 1
    if took * SAMPLE_RATE > frames * 1_000_000_000:
        if frame - words[STRIKE_FRAME] > SAMPLE_RATE:
            words[STRIKES] = 0
        if words[STRIKES] == 0:
            words[STRIKE_FRAME] = frame
        words[STRIKES] += 1
        if words[STRIKES] >= PATIENCE:
            words[FAULTS] += 1
            store_release(words.ctypes.data + 8 * STATE, TOO_SLOW)


@kernel
def collect(host, words, feed, frames, buffer):
    """What is heard: the plugin, or what it was given while it is off; only ever numbers."""
    outputs = carray(pointer(host.outputs), (2, SLICE), np.float32)
    wet = carray(pointer(host.wet), 2, np.float32)
    right = 1 if host.channels_out > 1 else 0
    runs = load_acquire(words.ctypes.data + 8 * STATE) != NOT_A_NUMBER
    total = _ZERO
    for i in range(frames):
        total += (outputs[0, i] + outputs[right, i]) * _ZERO
    if runs and not np.isfinite(total):                 # inf or NaN times nothing is NaN
        words[FAULTS] += 1
        store_release(words.ctypes.data + 8 * STATE, NOT_A_NUMBER)
        runs = False
    if not runs:
        wet[0] = _ZERO
    if wet[0] == _ONE and wet[1] == _ONE:
        for i in range(frames):
            buffer[0, i], buffer[1, i] = outputs[0, i], outputs[right, i]
        return
    level, goal = wet[0], wet[1] if runs else _ZERO
    for i in range(frames):
        level = min(max(goal, level - FADE_STEP), level + FADE_STEP)
        for channel in range(2):
            dry = feed[channel, i] if host.channels_in > 0 else _ZERO
            made = outputs[channel * right, i] if level > _ZERO else _ZERO
            buffer[channel, i] = dry + (made - dry) * level
    wet[0] = level


@kernel
def fall_back(host, frame, feed, frames, buffer):
    """While it is left out: what it was given is heard; controls are kept, notes are not."""
    wet = carray(pointer(host.wet), 2, np.float32)
    wet[0] = _ZERO
    mail = mail_at(host.ring, host.ends, host.pending)
    arrive(mail)
    while due(mail, frame + frames - 1):
        row = take(mail)
        if row[KIND] == SET:
            turn(host, row)
    for channel in range(2):
        for i in range(frames):
            buffer[channel, i] = feed[channel, i] if host.channels_in > 0 else _ZERO


@unit
def run(handle, frames):
    host = carray(handle, 1, HOSTED)[0]
    count = np.int64(frames)
    if count == 0:
        return
    frame = carray(pointer(host.clock), 1, np.int64)[0]
    words = carray(pointer(host.words), 8, np.int64)
    feed = carray(pointer(host.feed), (2, SLICE), np.float32)
    buffer = carray(pointer(host.buffer), (2, SLICE), np.float32)
    if load_acquire(words.ctypes.data + 8 * STATE) != 0:
        fall_back(host, frame, feed, count, buffer)
        return
    feed_events(host, frame, count)
    if host.channels_in > 0:
        feed_audio(host, feed, count)
    run_plugin(host, words, frame, count)
    if host.worker != 0:
        hand_out(carray(pointer(host.worker), 1, WORKER)[0])
    collect(host, words, feed, count, buffer)

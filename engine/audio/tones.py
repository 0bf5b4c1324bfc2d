"""A small synth: sixteen voices of an electric piano, a soft pad or a round bass.

Each voice is a sine bent by another one, as in J. Chowning's FM (1973): a bright strike that
mellows while it rings. The seventeenth note fades the one that was struck first. What begins
rises over 2 ms and what ends falls, so nothing clicks; a note starts at its very frame.
"""

import math

import numpy as np
from numba import carray

from engine.audio.commands import KIND, SET, A, B, Commands, arrive, due, mail_at, take, until
from engine.audio.fade import FADE_STEP, glide
from engine.audio.intrinsics import pointer
from engine.audio.run_list import AudioList
from engine.audio.unit import handle_of, kernel, unit
from engine.units import SAMPLE_RATE, SLICE

VOICES = 16                         # sounding at once
_SLOTS = 2 * VOICES                 # as many again may be fading

PLAY, END = 1, 2
"""What the commands ask for, besides SET (`a` 0: the gain; 1: the sound):

PLAY  a key, b loudness 0..1    a note begins; its key is 128 * channel + note
END   a key                     it is released
"""

SOUNDS = ("keys", "pad", "bass")

_RATIO, _BRIGHT, _MELLOW_S, _RING_S, _RISE_S, _FALL_S = range(6)
_TIMBRES = np.array([
    [1.0, 1.6, 0.30, 1.6, 0.002, 0.090],        # keys
    [2.0, 0.7, 4.00, 30.0, 0.120, 0.350],       # pad
    [1.0, 2.2, 0.12, 1.0, 0.003, 0.050],        # bass
], np.float64)
"""A sound a row: the bending sine's pitch, its depth, and how fast it mellows; how long a note
rings, rises and falls; seconds."""

_SILENT, _RISING, _RINGING, _FALLING, _FADING = range(5)
_QUIET = np.float32(1e-4)           # -80 dB: nobody hears it end
_VOICE = np.dtype([("state", np.int64), ("key", np.int64), ("age", np.int64),
                   ("phase", np.float64), ("turn", np.float64),       # 0..1, and its way a frame
                   ("ratio", np.float64), ("bright", np.float32), ("mellow", np.float32),
                   ("loud", np.float32), ("ring", np.float32), ("envelope", np.float32),
                   ("rise", np.float32), ("fall", np.float32), ("left", np.float32),
                   ("right", np.float32)])
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_TAU = 2.0 * math.pi


class Tones:
    """The voices; `commands` tells them what to play.

    buffer : float32 (2, SLICE)
    """

    def __init__(self, audio: AudioList, level: float, sound: int) -> None:
        self.commands = Commands()
        self.buffer = audio.buffer()
        voices = np.zeros(_SLOTS, _VOICE)
        knobs = np.array([level, level, sound], np.float32)     # the gain, where it goes; sound
        parts = (audio.clock, *self.commands.mail, _TIMBRES, voices, knobs, self.buffer)
        audio.add(run.address, handle_of(parts), parts)


@kernel
def per_frame(seconds):
    """The factor a frame by which something falls to a twentieth in so many seconds."""
    return np.float32(math.exp(-3.0 / (seconds * SAMPLE_RATE)))


@kernel
def slot_for(voices):
    """A slot for one more voice: a free one, or the faintest of those that fade."""
    oldest = free = faintest = -1
    sounding = 0
    for v in range(_SLOTS):
        voice = voices[v]
        if voice.state == _SILENT:
            free = v
        elif voice.state == _FADING:
            if faintest < 0 or voice.envelope < voices[faintest].envelope:
                faintest = v
        else:
            sounding += 1
            if oldest < 0 or voice.age > voices[oldest].age:
                oldest = v
    if sounding >= VOICES:
        voices[oldest].state = _FADING
    return free if free >= 0 else faintest


@kernel
def begin(voices, timbre, key, loud):
    """Start a note; the same key that still sounds is released first."""
    end(voices, key)
    note = key % 128
    hz = 440.0 * 2.0 ** ((note - 69) / 12.0)
    voice = voices[slot_for(voices)]
    voice.state, voice.key, voice.age = _RISING, key, 0
    voice.phase, voice.turn, voice.ratio = 0.0, hz / SAMPLE_RATE, timbre[_RATIO]
    low = 1.0 / (1.0 + (hz / 900.0) ** 2)                   # high notes are less bent: no folding
    voice.bright = np.float32(timbre[_BRIGHT] * low * (0.25 + 0.75 * loud))
    voice.mellow = per_frame(timbre[_MELLOW_S])
    voice.loud = np.float32(0.02 + 0.23 * loud * loud)
    voice.ring = per_frame(timbre[_RING_S] * (0.4 + 0.6 * low))
    voice.envelope = _ZERO
    voice.rise = np.float32(1.0 / (timbre[_RISE_S] * SAMPLE_RATE))
    voice.fall = per_frame(timbre[_FALL_S])
    place = min(max((note - 60) / 60.0, -0.5), 0.5)         # low keys to the left, as at a piano
    voice.left, voice.right = np.float32(1.0 - max(place, 0.0)), np.float32(1.0 + min(place, 0.0))


@kernel
def end(voices, key):
    """Release a note."""
    for v in range(_SLOTS):
        if voices[v].key == key and voices[v].state in (_RISING, _RINGING):
            voices[v].state = _FALLING


@kernel
def sing(voice, start, stop, buffer):
    """Add one voice to buffer[:, start:stop]; its record moves on."""
    phase, envelope, bright = voice.phase, voice.envelope, voice.bright
    loud, state = voice.loud, voice.state
    for i in range(start, stop):
        if state == _RISING:
            envelope += voice.rise
            if envelope >= _ONE:
                envelope, state = _ONE, _RINGING
        elif state == _FALLING:
            envelope *= voice.fall
        elif state == _FADING:
            envelope -= FADE_STEP
        loud *= voice.ring
        bright *= voice.mellow
        bend = math.sin(_TAU * voice.ratio * phase) * bright
        wave = np.float32(math.sin(_TAU * phase + bend)) * (loud * max(envelope, _ZERO))
        buffer[0, i] += wave * voice.left
        buffer[1, i] += wave * voice.right
        phase += voice.turn
        if phase >= 1.0:
            phase -= 1.0
    voice.phase, voice.envelope, voice.bright, voice.loud = phase, envelope, bright, loud
    over = (envelope <= _QUIET and state >= _FALLING) or loud < _QUIET * np.float32(0.1)
    voice.state = _SILENT if over else state
    voice.age += stop - start


@kernel
def obey(row, voices, timbres, knobs):
    """Do what one command asks for."""
    if row[KIND] == SET:
        if row[A] == 0.0:
            knobs[1] = row[B]
        else:
            knobs[2] = row[B]
    elif row[KIND] == PLAY:
        begin(voices, timbres[np.int64(knobs[2])], np.int64(row[A]), row[B])
    elif row[KIND] == END:
        end(voices, np.int64(row[A]))


@kernel
def turn(start, stop, knobs, buffer):
    """Bring buffer[:, start:stop] to the level that is set."""
    level = knobs[0]
    for i in range(start, stop):
        level = glide(level, knobs[1])
        buffer[0, i] *= level
        buffer[1, i] *= level
    knobs[0] = level


@kernel
def play_slice(frame, length, mail, timbres, voices, knobs, buffer):
    """One slice, cut at each frame where something is asked for."""
    if arrive(mail):
        for v in range(_SLOTS):
            if voices[v].state != _SILENT:
                voices[v].state = _FADING
    for i in range(length):
        buffer[0, i] = buffer[1, i] = _ZERO
    done = 0
    while done < length:
        while due(mail, frame + done):
            obey(take(mail), voices, timbres, knobs)
        stop = until(mail, frame + length) - frame
        for v in range(_SLOTS):
            if voices[v].state != _SILENT:
                sing(voices[v], done, stop, buffer)
        turn(done, stop, knobs, buffer)
        done = stop


@unit
def run(handle, length):
    parts = carray(handle, 8, np.int64)
    play_slice(carray(pointer(parts[0]), 1, np.int64)[0], np.int64(length),
               mail_at(parts[1], parts[2], parts[3]),
               carray(pointer(parts[4]), (len(SOUNDS), 6), np.float64),
               carray(pointer(parts[5]), _SLOTS, _VOICE),
               carray(pointer(parts[6]), 3, np.float32),
               carray(pointer(parts[7]), (2, SLICE), np.float32))

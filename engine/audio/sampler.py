"""The kit's player: each strike is a voice that starts at its very frame.

Thirty-two voices sound at once, four of them of one drum. The next strike fades out the one
nearest its end, or the oldest of its drum; what fades takes 5 ms and keeps its place until then,
so nothing is cut off with a click.
"""

from collections.abc import Mapping

import numpy as np
from numba import carray

from engine.audio.commands import (
    KIND,
    SET,
    A,
    B,
    C,
    Commands,
    D,
    arrive,
    due,
    mail_at,
    take,
    until,
    waiting_rows,
)
from engine.audio.fade import FADE_STEP, glide
from engine.audio.intrinsics import pointer
from engine.audio.run_list import AudioList
from engine.audio.unit import handle_of, kernel, unit
from engine.drums import DRUMS
from engine.units import SLICE, Samples

VOICES = 32                         # sounding at once
OF_ONE_DRUM = 4                     # a fifth strike fades the first: a roll, not a wall
_SLOTS = 2 * VOICES                 # as many again may be fading

PLAY, CHOKE, CORRECT = 1, 2, 3
"""What the commands ask for, besides SET (`b` the gain of the whole kit):

PLAY     a drum, b gain, c strike            a strike; the number `c` tells it from others
CHOKE    a drums, a sum of 2 ** drum         what sounds of them fades
CORRECT  a drum, b gain, c strike, d began   the strike `c`, begun at frame `d`, was this drum
"""

_VOICE = np.dtype([("place", np.int64),     # frames played so far; -1: nothing sounds here
                   ("drum", np.int64), ("strike", np.int64),
                   ("gain", np.float32),
                   ("fade", np.float32), ("step", np.float32)])    # 0..1, and its way a frame
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


class Sampler:
    """Sixteen drums and who chokes whom.

    buffer : float32 (2, SLICE)
    chokes : int64 (16,)    for each drum, the drums its strike silences, a sum of 2 ** drum;
                            may be rewritten while it plays
    """

    def __init__(self, audio: AudioList, kit: Mapping[str, Samples], level: float) -> None:
        self.commands = Commands()
        self.buffer = audio.buffer()
        self.chokes = np.zeros(len(DRUMS), np.int64)
        bank = np.ascontiguousarray(np.concatenate([kit[drum] for drum in DRUMS], axis=1),
                                    np.float32)
        ends = np.cumsum([0] + [kit[drum].shape[1] for drum in DRUMS], dtype=np.int64)
        voices = np.zeros(_SLOTS, _VOICE)
        voices["place"] = -1
        faders = np.array([level, level], np.float32)       # where the gain is, where it goes
        parts = (audio.clock, *self.commands.mail, bank, ends, self.chokes, voices, faders,
                 self.buffer)
        audio.add(run.address, handle_of((*parts, bank.shape[1])), parts)


@kernel
def sing(voice, bank, ends, start, end, buffer):
    """Add one voice to buffer[:, start:end]; its record moves on."""
    first = ends[voice.drum] + voice.place
    length = min(end - start, ends[voice.drum + 1] - first)
    level, fade, step = voice.gain, voice.fade, voice.step
    if step == _ZERO:
        for channel in range(2):
            for i in range(length):
                buffer[channel, start + i] += bank[channel, first + i] * level
    else:
        for i in range(length):
            fade = min(max(fade + step, _ZERO), _ONE)
            buffer[0, start + i] += bank[0, first + i] * (level * fade)
            buffer[1, start + i] += bank[1, first + i] * (level * fade)
        voice.fade = fade
        voice.step = _ZERO if fade == _ONE else step
    over = first + length == ends[voice.drum + 1] or (fade == _ZERO and step < _ZERO)
    voice.place = -1 if over else voice.place + length


@kernel
def sounds(voice):
    """Does it sound, and isn't it on its way out?"""
    return voice.place >= 0 and voice.step >= _ZERO


@kernel
def choke(voices, drums):
    """Fade what sounds of `drums`, a sum of 2 ** drum."""
    for v in range(_SLOTS):
        if sounds(voices[v]) and (drums >> voices[v].drum) & 1:
            voices[v].step = -FADE_STEP


@kernel
def make_room(voices, drum, ends):
    """Keep to the numbers of voices, and give the slot for one more."""
    oldest = nearest = free = faintest = -1
    sounding = alike = 0
    for v in range(_SLOTS):
        voice = voices[v]
        if voice.place < 0:
            free = v
        elif not sounds(voice):
            if faintest < 0 or voice.fade < voices[faintest].fade:
                faintest = v
        else:
            sounding += 1
            if nearest < 0 or rest(voice, ends) < rest(voices[nearest], ends):
                nearest = v
            if voice.drum == drum:
                alike += 1
                if oldest < 0 or voice.place > voices[oldest].place:
                    oldest = v
    if alike >= OF_ONE_DRUM:
        voices[oldest].step = -FADE_STEP
    elif sounding >= VOICES:
        voices[nearest].step = -FADE_STEP
    return free if free >= 0 else faintest      # 32 strikes within 5 ms leave no slot free


@kernel
def rest(voice, ends):
    """How many frames a voice still has to play."""
    return ends[voice.drum + 1] - ends[voice.drum] - voice.place


@kernel
def begin(voices, ends, chokes, drum, gain, strike, place):
    """Start a voice; in the middle of its sound, at `place` > 0, it fades in."""
    choke(voices, chokes[drum])
    if place >= ends[drum + 1] - ends[drum]:
        return
    voice = voices[make_room(voices, drum, ends)]
    voice.place, voice.drum, voice.strike, voice.gain = place, drum, strike, gain
    voice.fade, voice.step = (_ONE, _ZERO) if place == 0 else (_ZERO, FADE_STEP)


@kernel
def correct(frame, row, waiting, voices, ends, chokes):
    """Let a strike be another drum: the body of the right sound takes over from the wrong attack.

    A strike that hasn't begun is merely renamed.
    """
    strike = np.int64(row[C])
    for k in range(waiting.shape[0]):
        if waiting[k, KIND] == PLAY and waiting[k, C] == strike:
            waiting[k, A], waiting[k, B] = row[A], row[B]
            return
    place = max(frame - np.int64(row[D]), 0)
    for v in range(_SLOTS):
        if sounds(voices[v]) and voices[v].strike == strike:
            voices[v].step = -FADE_STEP
            place = voices[v].place
    begin(voices, ends, chokes, np.int64(row[A]), np.float32(row[B]), strike, place)


@kernel
def obey(frame, row, waiting, voices, ends, chokes, faders):
    """Do what one command asks for."""
    kind = row[KIND]
    if kind == SET:
        faders[1] = row[B]
    elif kind == PLAY:
        begin(voices, ends, chokes, np.int64(row[A]), np.float32(row[B]), np.int64(row[C]), 0)
    elif kind == CHOKE:
        choke(voices, np.int64(row[A]))
    elif kind == CORRECT:
        correct(frame, row, waiting, voices, ends, chokes)


@kernel
def turn(start, end, faders, buffer):
    """Bring buffer[:, start:end] to the kit's level."""
    level, goal = faders
    if level == goal:
        for channel in range(2):
            for i in range(start, end):
                buffer[channel, i] *= level
    else:
        for i in range(start, end):
            level = glide(level, goal)
            buffer[0, i] *= level
            buffer[1, i] *= level
        faders[0] = level


@kernel
def play_slice(frame, frames, mail, bank, ends, chokes, voices, faders, buffer):
    """One slice, cut at each frame where something is asked for."""
    if arrive(mail):
        choke(voices, -1)
    for i in range(frames):
        buffer[0, i] = buffer[1, i] = _ZERO
    done = 0
    while done < frames:
        while due(mail, frame + done):
            row = take(mail)
            obey(frame + done, row, waiting_rows(mail), voices, ends, chokes, faders)
        end = until(mail, frame + frames) - frame
        for v in range(_SLOTS):
            if voices[v].place >= 0:
                sing(voices[v], bank, ends, done, end, buffer)
        turn(done, end, faders, buffer)
        done = end


@unit
def run(handle, frames):
    parts = carray(handle, 11, np.int64)
    play_slice(carray(pointer(parts[0]), 1, np.int64)[0], np.int64(frames),
               mail_at(parts[1], parts[2], parts[3]),
               carray(pointer(parts[4]), (2, parts[10]), np.float32),
               carray(pointer(parts[5]), len(DRUMS) + 1, np.int64),
               carray(pointer(parts[6]), len(DRUMS), np.int64),
               carray(pointer(parts[7]), _SLOTS, _VOICE),
               carray(pointer(parts[8]), 2, np.float32),
               carray(pointer(parts[9]), (2, SLICE), np.float32))

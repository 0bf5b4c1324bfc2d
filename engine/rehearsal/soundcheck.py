"""What a sound engineer would say after fifteen seconds, and the settings that follow from it.

A stretch of the room with the PA on, then soft and loud hits: how far above the room a strike
must be to count, what is soft and what is loud for this performer, and what is wrong with the
microphone. Arrays in, words and settings out; all levels are peaks in dBFS.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine.nodes.drum_classifier import DrumClassifier
from engine.nodes.onset_detector import OnsetDetector
from engine.param import Param
from engine.rehearsal.microphone import CLIPPED, Sound, listen
from engine.rendering import play
from engine.units import SAMPLE_RATE, Samples, frames, level_db

ROOM_S, HITS_S = 5.0, 10.0      # enough to hear the fan and the hum, and some twenty hits

EAGER_DB = 6.0                  # below this the room's noise hides strikes rather than shows them
SPARE_DB = 3.0                  # the room stays so far below what counts as a strike
LOUD_DB = -9.0                  # where loud hits belong: between -12 and -6
HOT_DB, SOFT_DB = -3.0, -18.0   # beyond these the gain is wrong
LEAST_HITS = 6                  # fewer say nothing about soft and loud
QUIETEST_DB = 36.0              # below the loud hits: a breath, a lip, no hit
NARROW_DB = 10.0                # between soft and loud: less is hardly music
LOUD_ROOM_DB = -30.0            # soft hits are hardly louder

_LEAD_S = 1.0                   # the detector gets used to the room, as on stage
_NOTHING_DB = -120.0            # less than any microphone
_PEAK_S = (0.005, 0.03)         # before and after an onset


@dataclass(frozen=True, slots=True)
class Check:
    """What came out of a soundcheck.

    settings : type of node -> setting -> value, for the rig; empty where nothing was learned
    found    : what was heard, a sentence each
    mends    : what to change, a sentence each; nothing where all is well
    levels   : room_db, soft_db, loud_db, and the number of hits
    """

    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    mends: list[str] = field(default_factory=list)
    levels: dict[str, float] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {"settings": self.settings, "found": self.found, "mends": self.mends,
                "levels": self.levels}


def check(room: Samples, hits: Samples) -> Check:
    """Learn from a stretch of room and a stretch of soft and loud hits.

    room, hits : float32 (frames,) at 48 kHz; the PA on, the performer silent, then not
    """
    sound = listen(np.concatenate([room, hits]))
    if sound.silent:
        return Check(mends=sound.mends)
    before = listen(room)
    mends = replace(sound, hum_hz=before.hum_hz, hum_db=before.hum_db).mends
    room_db = _usual_peak_db(room)
    mends += _of_room(room_db, gated=before.silent)
    highest, strikes = _strikes(room, hits)
    lowest = max(EAGER_DB, highest + SPARE_DB)
    if len(strikes) >= LEAST_HITS:
        return _learned(room, room_db, lowest, np.array(strikes, np.float32), sound, mends)
    mends.append(f"Only {len(strikes)} hits were heard in {len(hits) / SAMPLE_RATE:.0f} s, so soft "
                 "and loud stay as they were: play some twenty, near the microphone.")
    usual = _quiet_room(room, _between(lowest, np.inf))
    return Check({"onset-detector": {"sensitivity_db": usual}},
                 [f"Your room is at {room_db:.0f} dB."], mends,
                 {"room_db": room_db, "hits": len(strikes)})


def _learned(room: Samples, room_db: float, lowest: float, strikes: Samples, sound: Sound,
             mends: list[str]) -> Check:
    """What the hits teach: strikes, (n, 2), are their peaks in dB and their strengths."""
    peaks, strengths = strikes.T
    soft, loud = (float(db) for db in np.percentile(peaks, (10, 95)))
    softest = float(np.percentile(strengths, 10))
    sensitivity = _quiet_room(room, _between(lowest, softest - 1.0))
    heard, of = int(np.count_nonzero(strengths > sensitivity)), len(strikes)
    found = [f"Your room is at {room_db:.0f} dB, soft hits at {soft:.0f}, loud at {loud:.0f}: "
             + _margin(soft - room_db),
             f"A strike counts from {sensitivity:g} dB above the room on: {heard} of the {of} hits "
             "that stood out are heard."]
    return Check({"onset-detector": {"sensitivity_db": sensitivity},
                  "drum-classifier": {"soft_db": _within("soft_db", soft),
                                      "loud_db": _within("loud_db", loud)}},
                 found, mends + _of_levels(soft, loud, sound) + _of_missed(heard, of),
                 {"room_db": room_db, "soft_db": soft, "loud_db": loud, "hits": of})


def _usual_peak_db(samples: Samples) -> float:
    """The peak that 19 of 20 hundredths of a second stay below."""
    moments = samples[:len(samples) // 480 * 480].reshape(-1, 480)
    return max(_NOTHING_DB, level_db(float(np.percentile(np.abs(moments).max(axis=1), 95))))


def _strikes(room: Samples, hits: Samples) -> tuple[float, list[tuple[float, float]]]:
    """What an eager detector makes of both.

    returns : the strength of the room's strongest onset, 0 where it has none; and
              (peak_db, strength) of each hit
    """
    lead = room[:frames(_LEAD_S)][::-1]
    begin, end = len(lead) / SAMPLE_RATE, (len(lead) + len(room)) / SAMPLE_RATE
    audio = np.concatenate([lead, room, hits])
    onsets = play(OnsetDetector(sensitivity_db=EAGER_DB), audio)
    highest = max((o.strength for o in onsets if begin <= o.time < end - _PEAK_S[1]), default=0.0)
    struck = [(_peak_db(audio, o.time), o.strength) for o in onsets
              if o.time > end + _PEAK_S[0] and o.strength > highest]
    loud = float(np.percentile([peak for peak, _ in struck], 95)) if struck else 0.0
    return highest, [strike for strike in struck if strike[0] > loud - QUIETEST_DB]


def _peak_db(audio: Samples, time: float) -> float:
    return level_db(float(np.max(np.abs(
        audio[frames(time - _PEAK_S[0]):frames(time + _PEAK_S[1])]), initial=0.0)))


def _between(lowest: float, highest: float) -> float:
    """The usual sensitivity, where room and softest hits allow it; else what does both justice."""
    usual = _bound(OnsetDetector, "sensitivity_db").default
    if lowest > highest:
        return lowest                                   # rather miss a hit than play the room
    if lowest <= usual <= highest:
        return float(usual)
    return lowest if usual < lowest else (lowest + highest) / 2.0


def _quiet_room(room: Samples, sensitivity: float) -> float:
    """This sensitivity, or the next higher one at which the room is quiet with SPARE_DB left."""
    bound = _bound(OnsetDetector, "sensitivity_db")
    low, high = bound.low or 0.0, bound.high or 40.0
    lead = room[:frames(_LEAD_S)][::-1]
    sensitivity = min(high, np.ceil(2.0 * sensitivity) / 2.0)
    while sensitivity < high:
        onsets = play(OnsetDetector(sensitivity_db=max(low, sensitivity - SPARE_DB)),
                      np.concatenate([lead, room]))
        if not any(onset.time * SAMPLE_RATE >= len(lead) for onset in onsets):
            break
        sensitivity += 1.0
    return float(min(high, sensitivity))


def _bound(kind: Any, setting: str) -> Param[Any]:
    return kind.params()[setting]


def _within(setting: str, value: float) -> float:
    """To the half dB, and to what the setting may be."""
    param = _bound(DrumClassifier, setting)
    return float(np.clip(round(2.0 * value) / 2.0, param.low, param.high))


def _margin(spare_db: float) -> str:
    if spare_db > 12.0:
        return "room to spare."
    return "tight." if spare_db > 3.0 else "soft hits drown in the room."


def _of_room(room_db: float, gated: bool) -> list[str]:
    if gated:
        return ["Between the hits every sample is zero: a noise gate cuts their beginnings off. "
                "Turn it off (interface, headset, system's sound settings)."]
    if room_db > LOUD_ROOM_DB:
        return [f"The room is loud, {room_db:.0f} dB in the microphone: turn the monitors down or "
                "away, or go nearer and turn the input down."]
    return []


def _of_levels(soft: float, loud: float, sound: Sound) -> list[str]:
    said = []
    if loud > HOT_DB and sound.clipped < CLIPPED:
        said.append(f"Too hot: turn the input down by {loud - LOUD_DB:.0f} dB.")
    if loud < SOFT_DB:
        said.append(f"Too soft: turn the input up by {LOUD_DB - loud:.0f} dB, or go nearer.")
    if loud - soft < NARROW_DB:
        said.append(f"Loud hits are only {loud - soft:.0f} dB above soft ones, so velocity will "
                    "hardly be heard: play softer and louder.")
    return said


def _of_missed(heard: int, of: int) -> list[str]:
    if heard >= 0.9 * of:
        return []
    return [f"{of - heard} of {of} hits are no louder than the room and will be missed: turn the "
            "monitors down or away, or go nearer to the microphone."]

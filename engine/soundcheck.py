"""What a sound engineer would say after fifteen seconds, and the settings that follow from it.

A stretch of the room with the PA on, then soft and loud hits: how far above the room a strike
must be to count, what is soft and what is loud for this performer, and what is wrong with the
microphone. Arrays in, words and settings out; all levels are peaks in dBFS.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.node import Param
from engine.nodes.drum_classifier import DrumClassifier
from engine.nodes.onset_detector import OnsetDetector
from engine.render import play
from engine.units import SAMPLE_RATE, Samples, frames, level_db

ROOM_S, HITS_S = 5.0, 10.0      # enough to hear the fan and the hum, and some twenty hits

SPARE_DB = 3.0                  # the room stays so far below what counts as a strike
LOUD_DB = -9.0                  # where loud hits belong: between -12 and -6
HOT_DB, SOFT_DB = -3.0, -18.0   # beyond these the gain is wrong
LEAST_HITS = 6                  # fewer say nothing about soft and loud
QUIETEST_DB = 36.0              # below the loud hits: a breath, a lip, no hit
NARROW_DB = 10.0                # between soft and loud: less is hardly music

_LEAD_S = 1.0                   # the detector gets used to the room, as on stage
_PEAK_S = (0.005, 0.03)         # before and after an onset
_FULL_SCALE, _CLIPPED = 0.9995, 3
_FRAME = 1024                   # 21 ms: one syllable
_TREBLE_HZ, _DULL_DB = (7_000.0, 16_000.0), -58.0
_HUM_LINES, _HUM_ABOVE, _HUM_DB = 5, 100.0, -66.0   # harmonics; power over their neighbours'


@dataclass(frozen=True, slots=True)
class Sound:
    """What a stretch of input is like.

    peak_db : the highest peak; -inf where every sample is zero
    clipped : samples at full scale
    hum_hz  : 50 or 60 where the mains are heard, else 0; hum_db is their level
    dull    : there is sound, but nothing above 6 kHz in it
    """

    peak_db: float
    clipped: int
    hum_hz: int
    hum_db: float
    dull: bool

    @property
    def silent(self) -> bool:
        """Digital zero: no microphone does that by itself."""
        return self.peak_db == -np.inf

    @property
    def mends(self) -> list[str]:
        """What is wrong, and what to do about it, a sentence each."""
        if self.silent:
            return ["No sound at all, every sample is zero: unmute the microphone, allow it in "
                    "the system's privacy settings (for your terminal), choose its channel."]
        said = []
        if self.clipped >= _CLIPPED:
            said.append(f"Too hot, {self.clipped} samples at full scale: turn the input down "
                        "until loud hits reach -6.")
        if self.hum_hz:
            said.append(f"Hum at {self.hum_hz} Hz ({self.hum_db:.0f} dB): lift the ground (DI box "
                        "or balanced cable), or run the laptop without its charger.")
        if self.dull:
            said.append("Nothing above 6 kHz: hats will be missed. Turn noise suppression off "
                        "(system's sound settings, headset's own program); no Bluetooth.")
        return said


@dataclass(frozen=True, slots=True)
class Check:
    """What came out of a soundcheck.

    settings : type of node -> setting -> value, for the rig; empty where nothing was learned
    found    : what was heard, a sentence each
    mends    : what to change, a sentence each; nothing where all is well
    levels   : room_db, soft_db, loud_db, and the number of hits
    """

    settings: dict[str, dict[str, float]] = field(default_factory=dict)
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
    room_sound = listen(room)
    mends = Sound(sound.peak_db, sound.clipped, room_sound.hum_hz, room_sound.hum_db,
                  sound.dull).mends
    room_db = _usual_peak_db(room)
    highest_of_room, strikes = _strikes(room, hits)
    lowest = max(_bound(OnsetDetector, "sensitivity_db").low or 0.0, highest_of_room + SPARE_DB)
    if len(strikes) < LEAST_HITS:
        mends.append(f"Only {len(strikes)} hits were heard in {len(hits) / SAMPLE_RATE:.0f} s, "
                     "so soft and loud stay as they were: play some twenty, near the microphone.")
        sensitivity = _quiet_room(room, lowest)
        return Check({"onset-detector": {"sensitivity_db": sensitivity}},
                     [f"Your room is at {room_db:.0f} dB."], mends,
                     {"room_db": room_db, "hits": len(strikes)})
    peaks, strengths = np.array(strikes, np.float32).T
    soft, loud = (float(db) for db in np.percentile(peaks, (10, 95)))
    sensitivity = _quiet_room(room, _between(lowest, float(np.percentile(strengths, 10)) - 1.0))
    heard = int(np.count_nonzero(strengths > sensitivity))
    found = [f"Your room is at {room_db:.0f} dB, soft hits at {soft:.0f}, loud at {loud:.0f}: "
             + _margin(soft - room_db),
             f"A strike counts from {sensitivity:g} dB above the room on: "
             f"{heard} of {len(strikes)} hits are heard."]
    mends += _of_levels(soft, loud, sound) + _of_missed(heard, len(strikes))
    return Check({"onset-detector": {"sensitivity_db": sensitivity},
                  "drum-classifier": {"soft_db": _within("soft_db", soft),
                                      "loud_db": _within("loud_db", loud)}},
                 found, mends, {"room_db": room_db, "soft_db": soft, "loud_db": loud,
                                "hits": len(strikes)})


def listen(samples: Samples) -> Sound:
    """What a stretch of input is like, and what is wrong with it.

    samples : float32 (frames,), a second or more
    """
    peak = float(np.max(np.abs(samples), initial=0.0))
    if peak == 0.0:
        return Sound(-np.inf, 0, 0, -np.inf, False)
    hum_hz, hum_db = _hum(samples)
    return Sound(level_db(peak), int(np.count_nonzero(np.abs(samples) >= _FULL_SCALE)),
                 hum_hz, hum_db, level_db(peak) > -50.0 and _is_dull(samples))


def _hum(samples: Samples) -> tuple[int, float]:
    """The mains' frequency and level: two or more of its harmonics stand out as thin lines."""
    power = _spectrum(samples[None, :])[0]
    hz = np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE)
    best = (0, -np.inf)
    for mains in (50, 60):
        lines = []
        for line in mains * np.arange(1, _HUM_LINES + 1):
            away = np.abs(hz - line)
            here = power[away < 1.0]
            if here.max(initial=0.0) > _HUM_ABOVE * np.median(power[(away > 3.0) & (away < 15.0)]):
                lines.append(here.sum())
        level = level_db(float(np.sqrt(2.0 * sum(lines))))
        if len(lines) >= 2 and level > max(best[1], _HUM_DB):
            best = mains, level
    return best


def _is_dull(samples: Samples) -> bool:
    """Is the most treble of any moment nothing beside the loudest moment?"""
    moments = samples[:len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = _spectrum(moments)
    hz = np.fft.rfftfreq(_FRAME, 1.0 / SAMPLE_RATE)
    low, high = _TREBLE_HZ
    treble = power[:, (hz > low) & (hz < high)].sum(axis=1).max()
    return bool(treble < 10.0 ** (_DULL_DB / 10.0) * power[:, hz > 40.0].sum(axis=1).max())


def _spectrum(moments: Samples) -> Samples:
    """Mean power by frequency, (n, frames) -> (n, bins): a full-scale sine adds up to 0.5."""
    window = np.hanning(moments.shape[1]).astype(np.float32)
    spectrum = np.abs(np.fft.rfft(moments * window)) ** 2
    return (2.0 * spectrum / (moments.shape[1] * np.sum(window ** 2))).astype(np.float32)


def _usual_peak_db(samples: Samples) -> float:
    """The peak that 19 of 20 hundredths of a second stay below."""
    moments = samples[:len(samples) // 480 * 480].reshape(-1, 480)
    return level_db(float(np.percentile(np.abs(moments).max(axis=1), 95)))


def _strikes(room: Samples, hits: Samples) -> tuple[float, list[tuple[float, float]]]:
    """What the detector makes of both, at its most sensitive.

    returns : the strength of the room's strongest onset, 0 where it has none; and
              (peak_db, strength) of each hit
    """
    lead = room[:frames(_LEAD_S)][::-1]
    begin, end = len(lead) / SAMPLE_RATE, (len(lead) + len(room)) / SAMPLE_RATE
    audio = np.concatenate([lead, room, hits])
    low = _bound(OnsetDetector, "sensitivity_db").low
    onsets = play(OnsetDetector(sensitivity_db=low), audio)
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


def _of_levels(soft: float, loud: float, sound: Sound) -> list[str]:
    said = []
    if loud > HOT_DB and sound.clipped < _CLIPPED:
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

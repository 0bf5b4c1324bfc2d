"""Speech for training: machines read aloud, in many voices, what no performer would play.

The voices are those of eSpeak NG (GPL-3) and of Flite (a licence like BSD's); their sound, not
their code, is used, and only in training. Without either the model learns refusal from drawn
noises alone, and `train` says so.
"""

import io
import shutil
import subprocess

import numpy as np
import soundfile
import soxr

from engine.units import SAMPLE_RATE, Samples

READERS = ("espeak-ng", "flite")
READING = "reading"             # the `who` of what they read

LANGUAGES = ("en-gb", "en-us", "de", "fr-fr", "es", "it", "nl", "pt-br", "pl", "cs", "sv", "nb",
             "fi", "hu", "tr", "el", "ru", "uk", "ar", "hi", "sw", "id", "ro", "da")
VARIANTS = ("", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5",
            "+croak", "+whisper", "+whisperf", "+klatt", "+klatt2")
FLITE = ("kal16", "awb", "rms", "slt")

SENTENCES = """okay|yes please|thank you|can you hear me|check one two|louder|stop|start|hey
a little more in the monitor|what time is it|good evening everybody|how are you tonight|come on
wait a second|let me try that again|turn the bass up|this one is for my mother|sing it with me
where is the cable|the quick brown fox|a cup of coffee|tomorrow morning|keep talking
pack the boxes carefully|one two three four five six seven eight nine ten
""".strip().replace("\n", "|").split("|")
BEGINNINGS = ("b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "sh", "t", "ch", "v",
              "w", "y", "z", "bl", "br", "cl", "cr", "dr", "fl", "fr", "gl", "gr", "kn", "pl", "pr",
              "sk", "sl", "sm", "sn", "sp", "st", "str", "sw", "th", "tr", "tw", "ts")
MIDDLES = ("a", "e", "i", "o", "u", "ay", "ee", "oo", "ow", "oy", "ai", "ea")
ENDINGS = ("", "", "", "b", "d", "f", "g", "k", "l", "m", "n", "ng", "p", "r", "s", "sh", "t", "ch",
           "th", "nd", "st", "nk", "lt", "x")

INVENTED = 0.7                  # of the readings are a word that nobody knows, the others sentences
SIZE = (0.8, 1.3)               # of the reader: from a child's throat to a giant's
EXCITED = 0.5                   # of the readings are given a top above the machine's 8 or 11 kHz


def can_talk() -> bool:
    """Are the machines that read aloud installed?"""
    return all(map(shutil.which, READERS))


def talk(rng: np.random.Generator) -> Samples:
    """One reading, float32 (n,) at 48 kHz, peak near -6 dBFS."""
    saying = _word(rng) if rng.random() < INVENTED else str(rng.choice(SENTENCES))
    return _read(rng, saying)


def vowel(rng: np.random.Generator) -> Samples:
    """A vowel, and perhaps how its word ends; from where it begins."""
    samples = _read(rng, str(rng.choice(MIDDLES)) + str(rng.choice(ENDINGS)))
    return samples[np.argmax(np.abs(samples) > 0.05):]


def _read(rng: np.random.Generator, saying: str) -> Samples:
    command = _flite(rng, saying) if rng.random() < 0.4 else _espeak(rng, saying)
    sound = subprocess.run(command, capture_output=True, check=True).stdout
    read, rate = soundfile.read(io.BytesIO(sound), dtype="float32")
    samples = np.asarray(soxr.resample(read, rate * rng.uniform(*SIZE), SAMPLE_RATE))
    if rng.random() < EXCITED:
        samples = _excited(samples, rng)
    return np.asarray(0.5 * samples / (np.abs(samples).max() + 1e-9), np.float32)


def _word(rng: np.random.Generator) -> str:
    """One to three syllables."""
    return "".join(str(rng.choice(part)) for _ in range(rng.choice(3, p=(0.5, 0.35, 0.15)) + 1)
                   for part in (BEGINNINGS, MIDDLES, ENDINGS))


def _espeak(rng: np.random.Generator, saying: str) -> list[str]:
    voice = str(rng.choice(LANGUAGES)) + str(rng.choice(VARIANTS))
    return ["espeak-ng", "-v", voice, "-s", str(rng.integers(90, 260)), "-p",
            str(rng.integers(5, 95)), "--stdout", saying]


def _flite(rng: np.random.Generator, saying: str) -> list[str]:
    return ["flite", "-voice", str(rng.choice(FLITE)), "--setf",
            f"duration_stretch={rng.uniform(0.7, 1.6):.2f}", "--setf",
            f"int_f0_target_mean={rng.uniform(80.0, 220.0):.0f}", "-t", saying, "-o", "/dev/stdout"]


def _excited(samples: Samples, rng: np.random.Generator) -> Samples:
    """Overtones of the upper voice fill what lies above it, as bright as a near microphone."""
    hz = np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE)
    upper = np.fft.irfft(np.fft.rfft(samples) * (hz > 3_500.0), len(samples))
    bent = np.fft.rfft(np.abs(upper) * np.sign(rng.standard_normal(len(samples)) + 0.5))
    top = np.fft.irfft(bent * (hz > rng.uniform(7_000.0, 10_000.0)), len(samples))
    return np.asarray(samples + rng.uniform(0.5, 2.0) * top, np.float32)

"""Speech for training: a machine reads aloud, in many voices, what no performer would play.

The voices are those of eSpeak NG (GPL-3; its sound, not its code, is used, and only in training).
Without it the model learns refusal from drawn noises alone, and `train` says so.
"""

import io
import shutil
import subprocess

import numpy as np
import soundfile
import soxr

from engine.units import SAMPLE_RATE, Samples

PROGRAM = "espeak-ng"
READING = "reading"             # the `who` of what it reads

LANGUAGES = ("en-gb", "en-us", "de", "fr-fr", "es", "it", "nl", "pt-br", "pl", "cs", "sv", "nb",
             "fi", "hu", "tr", "el", "ru", "uk", "ar", "hi", "sw", "id", "ro", "da")
VARIANTS = ("", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5",
            "+croak", "+whisper", "+whisperf", "+klatt", "+klatt2")

WORDS = """
a e i o u ba be bi da de do fa ga go ha ka ki ko la le ma me mo na no pa pe po ra ri sa si so ta te
to va vi wa ya za chi sha tsu pra tri blu kra
one two three four five six seven eight nine ten
okay|yes please|thank you|can you hear me|check one two|a little more in the monitor|louder
what time is it|good evening everybody|how are you tonight|wait a second|let me try that again
turn the bass up|this one is for my mother|sing it with me|stop|start|hey|come on|where is the cable
the quick brown fox|a cup of coffee|tomorrow morning|pack the boxes carefully|keep talking
""".replace("|", "\n").split("\n")
"""Lines are sentences; lines of many short words are read one word at a time."""

EXCITED = 0.5                   # of the readings are given a top above the machine's 11 kHz


def can_talk() -> bool:
    """Is the machine that reads aloud installed?"""
    return shutil.which(PROGRAM) is not None


def talk(rng: np.random.Generator) -> Samples:
    """One reading, float32 (n,) at 48 kHz, peak near -6 dBFS."""
    voice = str(rng.choice(LANGUAGES)) + str(rng.choice(VARIANTS))
    command = [PROGRAM, "-v", voice, "-s", str(rng.integers(90, 260)), "-p",
               str(rng.integers(5, 95)), "--stdout", str(rng.choice(_SAYINGS))]
    sound = subprocess.run(command, capture_output=True, check=True).stdout
    read, rate = soundfile.read(io.BytesIO(sound), dtype="float32")
    samples = np.asarray(soxr.resample(read, rate, SAMPLE_RATE))
    if rng.random() < EXCITED:
        samples = _excited(samples, rng)
    return np.asarray(0.5 * samples / (np.abs(samples).max() + 1e-9), np.float32)


def _sayings() -> list[str]:
    """Half of all readings are a word, half a sentence."""
    lines = [text.strip() for text in WORDS if text.strip()]
    words = [word for text in lines for word in text.split() if len(text.split()) > 9]
    sentences = [text for text in lines if len(text.split()) <= 9]
    return words + sentences * (len(words) // len(sentences))


_SAYINGS = _sayings()


def _excited(samples: Samples, rng: np.random.Generator) -> Samples:
    """Overtones of the upper voice fill what lies above it, as bright as a near microphone."""
    hz = np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE)
    upper = np.fft.irfft(np.fft.rfft(samples) * (hz > 3_500.0), len(samples))
    bent = np.fft.rfft(np.abs(upper) * np.sign(rng.standard_normal(len(samples)) + 0.5))
    top = np.fft.irfft(bent * (hz > 10_000.0), len(samples))
    return np.asarray(samples + rng.uniform(0.5, 2.0) * top, np.float32)

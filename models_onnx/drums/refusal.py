"""What must not play a drum: real speech, and breath, voices, hiss, applause and music.

Real speech is used here and in `bound.py` only, never for weights that ship. The drawn sounds are
those of training (`noises.py`) with other seeds, so they show how much slips through, not how it
generalises.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from engine.events import Hit
from engine.patch import Patch, load_patch
from engine.rendering import render
from engine.units import SAMPLE_RATE, Samples, frames, gain
from engine.voice.profile_file import save_profile
from models_onnx.corpus import Recording, folds, recordings
from models_onnx.drums.data import BEFORE, LENGTH, NONE, Strike, may_be
from models_onnx.drums.days import line
from models_onnx.drums.hearing import model_for, opinions
from models_onnx.drums.measures import THREE, taught, three_of
from models_onnx.drums.noises import NOISES, Maker
from models_onnx.drums.stage import NAMES, has_each, patch_for
from models_onnx.mapper.measures import profile_of
from models_onnx.onsets.measures import HERE as JUDGES
from models_onnx.onsets.measures import kuchi

FULL_BAND = ("klettres", "ktuberling")      # the digits are 8 kHz: their bandwidth tells them
EDGE, EDGE_S = "edge", 0.01                 # this near its beginning a file begins, not a word
ACCEPTED = 0.95                             # of the hits
FLOOR = np.float32(1e-4)                    # hisses behind: no file begins in digital silence

STREAMS = ("breath", "vowels", "sibilants", "applause", "music")
STREAM_DB = -20.0                           # root mean square, dB below full scale
PIECE_S, PIECES = 10.0, 30                  # five minutes; another singer or tune each ten seconds
TAUGHT, TAKES, TAUGHT_PIECES = 5, 5, 6      # every fifth performer, one minute of each
SPEECH_FILES, SPOKEN_BY = 10, 3             # every tenth; every third performer


def spoken(data: Path) -> list[Strike]:
    """What the detector takes for strikes in real full-band speech.

    Some files begin at full level: what is heard there is of kind EDGE, all else "none".
    """
    found: list[Strike] = []
    rng = np.random.default_rng(11)
    for recording in recordings(data, part="negatives", sets=FULL_BAND):
        samples = np.pad(recording.audio, (BEFORE, LENGTH))
        samples += FLOOR * rng.standard_normal(len(samples), dtype=np.float32)
        times, _ = kuchi(samples, JUDGES / "judge.npz")
        found += [Strike(recording.performer, EDGE if at < BEFORE + frames(EDGE_S) else "none",
                         samples[at - BEFORE:at - BEFORE + LENGTH], may_be("speech"), np.inf)
                  for at in map(frames, times) if BEFORE <= at < len(samples) - LENGTH + BEFORE]
    return found


def false_accept(hits: Sequence[Strike], speech: Sequence[Strike], ms: int) -> float:
    """The share of speech that is taken for a drum where 95 % of hits are.

    Both come through the same random band limits. Each model sets its threshold by those hits
    whose performers it never met; the mean over models counts each as often as it had hits.
    """
    rng = np.random.default_rng(12)
    hits, speech = ([limited(strike, rng) for strike in some] for some in (hits, speech))
    shares, weights = [], []
    for path in sorted({model_for(strike.who) for strike in hits}):
        own = [strike for strike in hits if model_for(strike.who) == path]
        shares.append(accepted(path, own, speech, [ms]).mean())
        weights.append(len(own))
    return round(float(np.average(shares, weights=weights)), 4)


def accepted(model: Path, hits: Sequence[Strike], speech: Sequence[Strike], moments: Sequence[int]
             ) -> NDArray[np.bool_]:
    """Which speech a model takes for drums where it takes 95 % of these hits, (speech, moments).

    moments : ms after the attack
    """
    ours, theirs = opinions(hits, model=model), opinions(speech, model=model)
    drum, spoken = ([1.0 - heard.probabilities[heard.after(ms)][:, NONE] for ms in moments]
                    for heard in (ours, theirs))
    return np.stack(spoken, axis=1) >= np.quantile(drum, 1.0 - ACCEPTED, axis=1)


def false_accept_taught(hits: Sequence[Strike], speech: Sequence[Strike], ms: int
                        ) -> dict[str, float]:
    """The same where a performer's first takes of each sound were taught: of every third
    performer, who speaks through the same line as they beatbox, another for each."""
    found: dict[str, float] = {}
    some = sorted({strike.who for strike in hits})
    for number, who in enumerate(some[::SPOKEN_BY]):
        own, theirs = ([limited(strike, np.random.default_rng([14, number])) for strike in each]
                       for each in ([strike for strike in hits if strike.who == who], speech))
        heard = opinions(own, takes=True)
        for known in taught(heard, three_of(heard.may_be), TAKES, THREE).values():
            talk = opinions(theirs, takes=True, model=model_for(who))
            drum = 1.0 - known.chances(ms)[:, -1]
            accepted = 1.0 - known.chances_of(talk.features[:, 0], talk.general[:, 0], ms)[:, -1]
            found[who] = float((accepted >= np.quantile(drum, 1.0 - ACCEPTED)).mean())
    return found


def limited(strike: Strike, rng: np.random.Generator) -> Strike:
    """A strike through a narrow line: how its recording was limited tells nothing any more."""
    return replace(strike, samples=line(strike.samples, rng).astype(np.float32))


def held_out(hits: Sequence[Strike], speech: Sequence[Strike], seed: int
             ) -> Iterator[tuple[Path, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Each model, the hits of those whom it never met, and the speech of as few speakers.

    Everybody is held out once: performers with the model, speakers as the seed deals them.
    """
    models = sorted({model_for(strike.who) for strike in hits})
    for path, speakers in zip(models, folds({strike.who for strike in speech}, len(models), seed),
                              strict=True):
        yield (path, np.array([model_for(strike.who) == path for strike in hits]),
               np.array([strike.who in speakers for strike in speech]))


def false_hits_a_minute() -> dict[str, float]:
    """Hits that leave the patch `beatbox-to-daw` in five minutes of each sound, a minute."""
    return {name: round(60.0 / PIECE_S / PIECES * sum(_hits(NOISES[name], seed)
                                                      for seed in range(PIECES)), 2)
            for name in STREAMS}


def false_hits_taught(data: Path, voices: Sequence[Recording]) -> dict[str, float]:
    """The same a minute where a performer's five takes of each sound were taught, and in real
    speech ("speech"): means over every fifth performer."""
    pieces = {name: [_piece(NOISES[name], seed) for seed in range(TAUGHT_PIECES)]
              for name in STREAMS}
    if talk := recordings(data, part="negatives", sets=FULL_BAND)[::SPEECH_FILES]:
        pieces["speech"] = [np.concatenate([recording.audio for recording in talk])]
    own = {who: [r for r in voices if r.performer == who] for who in {r.performer for r in voices}}
    some = sorted(who for who, takes in own.items() if has_each(takes))[::TAUGHT]
    found: dict[str, list[float]] = {name: [] for name in pieces}
    with TemporaryDirectory() as folder:
        for who in some:
            path = Path(folder) / f"{who}.kuchi"
            save_profile(path, profile_of(own[who], TAKES, NAMES, model_for(who))[0])
            for name, sounds in pieces.items():
                count = sum(_count(patch_for(who, path), sound) for sound in sounds)
                found[name].append(60.0 * SAMPLE_RATE * count / sum(map(len, sounds)))
    return {name: round(float(np.mean(each)), 2) for name, each in found.items() if each}


def _hits(make: Maker, seed: int) -> int:
    return _count(load_patch("beatbox-to-daw"), _piece(make, seed))


def _count(patch: Patch, sound: Samples) -> int:
    return sum(isinstance(sent.event, Hit) for sent in render(patch, sound))


def _piece(make: Maker, seed: int) -> Samples:
    sound = make(np.random.default_rng([seed, 77]), frames(PIECE_S))
    loud = gain(STREAM_DB) / (np.sqrt(np.mean(sound ** 2)) + 1e-9)
    return np.clip(loud * sound, -1.0, 1.0).astype(np.float32)

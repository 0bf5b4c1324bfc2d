"""Learn a performer's own sounds from a few takes, in well under a second.

The drum model hears each take and remembers it, and the bands linger beside, for a performer may
tell sounds apart by what nobody else does; a head is learnt for each moment at which a hit may have
to be named. A head is a straight line through all that, plus a share of what everybody's mouths
would say. So few takes say little of how a sound varies: what they don't show is taken to be as it
is in other voices, and the line is held near the one that asks which sound's mean is nearest.
Teaching on stage and scoring both learn here.

    chances = softmax(weights @ features + bias + blend * log(general @ kin))
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.drums import DRUMS
from engine.dsp.strike import WIDTH, ear, frames_by, hear_all
from engine.errors import UsageError
from engine.model import Model
from engine.units import SAMPLE_RATE, Samples
from engine.voice.drum_model import CLASSES, MEMORY, hear_on

MOMENTS_MS: tuple[int, ...] = (8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 80, 100, 140, 200)
"""Milliseconds heard after the attack at which a hit may be named; a head is learnt for each."""

SHIFTS_MS: tuple[float, ...] = (0.0, -2.0, 2.0)
"""A take is also learnt as if it had been announced a little early or late."""

FEWEST_SOUNDS, MOST_SOUNDS = 2, 16

NONE = len(DRUMS)               # the last class: none of what everybody's mouths may mean

GENERAL = 0.5                   # of the general log posterior counts beside one's own takes
DOUBT = 1e-4                    # no general opinion is surer than this that it is not so

SHRINK = 0.5                    # of the takes' covariance is taken to be round: takes are few
RIDGE = {14: 2.0, 20: 1.0, 40: 1.0, 64: 0.3}    # ms -> holds the weights small: most, where least
                                                # is heard; on straight lines between
SHARPER = 1.8                   # weights held so small are less sure than they are right
STEPS, LOOKS = 50, 10           # of the solver, and for its pace

ROOM = 2.3                      # nats that a performer's takes stay clear of being refused
TAKES_CLEAR = 0.95              # of the takes do

Precise = NDArray[np.float64]

_RIDGE = np.interp(MOMENTS_MS, [*RIDGE], [*RIDGE.values()]).astype(np.float32)[:, None, None]
_FRAMES = [frames_by(ms * SAMPLE_RATE // 1000) for ms in MOMENTS_MS]
MOST_FRAMES = _FRAMES[-1]       # of a strike, that are heard until the last moment


@dataclass(frozen=True, slots=True)
class Takes:
    """What the drum model made of a performer's takes.

    features : float32 (n, moments, units)     what is remembered at each moment
    general  : float32 (n, moments, CLASSES)   what it would say of anybody's mouth
    labels   : int64 (n,)                      which of the performer's sounds each is
    take     : int64 (n,)                      which take; rows of one take are its shifts
    spread   : float32 (some, some)            how the first units vary within one sound of anybody,
                                               where the others vary by 1; None: all alike
    """

    features: Samples
    general: Samples
    labels: NDArray[np.int64]
    take: NDArray[np.int64]
    spread: Samples | None = None


@dataclass(frozen=True, slots=True)
class Heads:
    """What was learnt; every array float32, `sounds` + 1 rows: the last is none of them.

    weights : (moments, sounds + 1, units)
    bias    : (moments, sounds + 1)
    blend   : (moments, sounds + 1)      how much the general opinion counts
    kin     : (CLASSES, sounds + 1)      1 where a general class stands for the sound
    """

    names: tuple[str, ...]
    weights: Samples
    bias: Samples
    blend: Samples
    kin: Samples


def moment_of(heard_ms: float) -> int:
    """The head to ask when so much was heard: the last that has begun, or the first.

    >>> [MOMENTS_MS[moment_of(ms)] for ms in (2, 8, 19.9, 24, 1000)]
    [8, 8, 16, 24, 200]
    """
    return max(0, sum(ms <= heard_ms for ms in MOMENTS_MS) - 1)


def learn(takes: Takes, names: Sequence[str], drums: Sequence[str] | None = None) -> Heads:
    """Heads for the sounds `names`, from takes whose labels count into `names`.

    drums : the drum each sound is a kind of, "" where it is none; its own name unless told.

    Raises UsageError where there are too few or too many sounds, or one has no take.
    """
    if not FEWEST_SOUNDS <= len(names) <= MOST_SOUNDS:
        raise UsageError(f"{len(names)} sounds can't be learnt: "
                         f"teach {FEWEST_SOUNDS} to {MOST_SOUNDS}")
    for label, name in enumerate(names):
        if not (takes.labels == label).any():
            raise UsageError(f'"{name}" has no take: give some, or leave it out')
    kin = _kin(names if drums is None else drums)
    said = _said(takes.general, kin)                            # (n, moments, sounds + 1)
    blends = np.where(kin.any(axis=0), np.float32(GENERAL) * _trust(takes.labels, said),
                      np.float32(0.0))
    weights, bias = _fit(takes, len(names), blends[:, :-1] * said[..., :-1])
    weights, bias, blends = SHARPER * weights, SHARPER * bias, np.float32(SHARPER) * blends
    none_bias = _refusal(takes, weights, bias, blends, said)
    return Heads(tuple(names), *(np.ascontiguousarray(a, np.float32) for a in (
        np.concatenate([weights, np.zeros_like(weights[:, :1])], axis=1),
        np.concatenate([bias, none_bias[:, None]], axis=1),
        np.concatenate([blends[:, :-1], np.ones_like(blends[:, :1])], axis=1), kin)))


def probabilities(heads: Heads, moment: int, features: Samples, general: Samples) -> Samples:
    """The chance of each sound and, last, of none: float32 (..., sounds + 1).

    moment   : counts into MOMENTS_MS
    features : float32 (..., units), general : float32 (..., CLASSES)   at that moment
    """
    logits = (features @ heads.weights[moment].T + heads.bias[moment]
              + heads.blend[moment] * _said(general, heads.kin))
    return _softmax(logits)


def listen(model: Model, samples: Samples, attack: int, until: int | None = None
           ) -> tuple[Samples, Samples]:
    """What the drum model makes of one take, at each moment.

    samples : float32 (n,) at 48 kHz
    attack  : the sample at which the sound begins
    until   : nothing from this sample on is heard (the next sound begins)
    returns : features float32 (moments, units), general float32 (moments, CLASSES)
    """
    heard = np.zeros((MOST_FRAMES, WIDTH), np.float32)
    hear_all(samples, attack, *ear(), heard)
    return remember(model, heard, None if until is None else until - attack)


def remember(model: Model, heard: Samples, until: int | None = None) -> tuple[Samples, Samples]:
    """What the drum model makes of the frames of a take, at each moment, as `listen`.

    heard : float32 (MOST_FRAMES, WIDTH)   from `engine.dsp.strike.hear_all`
    until : samples after the attack; nothing after that is heard
    """
    last = len(heard) if until is None else max(1, frames_by(until))
    memory = np.zeros(MEMORY, np.float32)
    features = np.zeros((len(MOMENTS_MS), MEMORY), np.float32)
    general = np.zeros((len(MOMENTS_MS), CLASSES), np.float32)
    for done, frame in enumerate(heard[:last], 1):
        model.inputs["frame"][0] = frame
        hear_on(model, memory)
        for moment in (m for m, at in enumerate(_FRAMES) if at == done or done == last < at):
            features[moment] = memory
            general[moment] = model.outputs["probabilities"][0]
    return features, general


def _kin(drums: Sequence[str]) -> Samples:
    """Which general classes stand for each sound; both hats for the one that is taught alone."""
    kin = np.zeros((CLASSES, len(drums) + 1), np.float32)
    for sound, drum in enumerate(drums):
        if drum in DRUMS:
            kin[DRUMS.index(drum), sound] = 1.0
    closed, opened = DRUMS.index("hihat_closed"), DRUMS.index("hihat_open")
    for one, other in ((closed, opened), (opened, closed)):
        if not kin[other].any():
            kin[other] = kin[one]
    kin[NONE, -1] = 1.0
    return kin


def _said(general: Samples, kin: Samples) -> Samples:
    """The general log posterior of each sound and of none, never surer than DOUBT."""
    return np.log(general @ kin + np.float32(DOUBT))


def _trust(labels: NDArray[np.int64], said: Samples) -> Samples:
    """How far the general opinion may be followed at each moment: (moments, 1), 0..1.

    Not at all where it names the takes no better than by chance, as for a performer whose kick is
    everybody's snare; fully where it names half of what chance leaves.
    """
    sounds = said.shape[-1] - 1
    right = said[..., :-1].argmax(axis=-1) == labels[:, None]
    share = np.mean([right[labels == label].mean(axis=0) for label in range(sounds)], axis=0)
    better = (share - 1.0 / sounds) / (1.0 - 1.0 / sounds)
    return np.clip(2.0 * better, 0.0, 1.0).astype(np.float32)[:, None]


def _fit(takes: Takes, sounds: int, offset: Samples) -> tuple[Precise, Precise]:
    """Logistic regression at every moment, on whitened features beside the general opinion; small
    weights are what it adds to the nearest mean.

    offset  : (n, moments, sounds)   what is added to the logits anyway
    returns : weights (moments, sounds, units), bias (moments, sounds), on features as they come
    """
    features = takes.features.transpose(1, 0, 2).astype(np.float64)
    middle = features.mean(axis=1, keepdims=True)
    white = _whitening(features - middle, takes.spread)
    x = ((features - middle) @ white).astype(np.float32)        # (moments, n, units)
    share = (1.0 / np.bincount(takes.labels, minlength=sounds)[takes.labels] / sounds
             ).astype(np.float32)
    right = np.eye(sounds, dtype=np.float32)[takes.labels]
    near_w, near_b = _nearest(x, right * share[:, None])
    fixed = offset.transpose(1, 0, 2) + x @ near_w + near_b
    weights = np.zeros((len(x), x.shape[2], sounds), np.float32)
    bias = np.zeros((len(x), 1, sounds), np.float32)
    ahead_w, ahead_b = weights, bias
    pace = _pace(x, share)
    for step in range(STEPS):                                   # Y. Nesterov's gradient, 1983
        wrong = (_softmax(x @ ahead_w + ahead_b + fixed) - right) * share[:, None]
        new_w = ahead_w - pace * (x.transpose(0, 2, 1) @ wrong + _RIDGE * ahead_w)
        new_b = ahead_b - pace * wrong.sum(axis=1, keepdims=True)
        push = np.float32(step / (step + 3.0))
        ahead_w, ahead_b = new_w + push * (new_w - weights), new_b + push * (new_b - bias)
        weights, bias = new_w, new_b
    plain = white @ (near_w + weights)
    return plain.transpose(0, 2, 1), (near_b + bias - middle @ plain)[:, 0]


def _whitening(centred: Precise, spread: Samples | None) -> Precise:
    """What makes round how takes vary: (moments, units, units), triangular.

    spread : as takes of anybody's vary, see `Takes`
    """
    units = centred.shape[-1]
    usual = np.eye(units)
    if spread is not None:
        usual[:len(spread), :len(spread)] = spread
    own = centred.transpose(0, 2, 1) @ centred / centred.shape[1]
    size = (own * np.linalg.inv(usual)).sum(axis=(1, 2), keepdims=True) / units + 1e-9
    mixed = (1.0 - SHRINK) * own + SHRINK * size * usual
    return np.asarray(np.linalg.inv(np.linalg.cholesky(mixed)).transpose(0, 2, 1))


def _nearest(x: Samples, share: Samples) -> tuple[Samples, Samples]:
    """The head that only asks which sound's mean is nearest, as sure as 1 between two means.

    x       : (moments, n, units)   whitened
    share   : (n, sounds)           of each take in its sound's mean, all of them 1 together
    returns : weights (moments, units, sounds), bias (moments, 1, sounds)
    """
    means = x.transpose(0, 2, 1) @ (share * np.float32(share.shape[1]))
    middle = means.mean(axis=-1, keepdims=True)
    apart = ((means - middle) ** 2).sum(axis=1, keepdims=True)
    scale = np.float32(1.0) / (apart.mean(axis=-1, keepdims=True) + np.float32(1e-9))
    weights = scale * (means - middle)
    bias = -np.float32(0.5) * scale * apart - middle.transpose(0, 2, 1) @ weights
    return weights, bias


def _pace(x: Samples, share: Samples) -> Samples:
    """A safe step at each moment: one over half the largest curvature, found by repetition."""
    weighted = x * np.sqrt(share)[:, None]
    along = np.ones((len(x), x.shape[2], 1), np.float32)
    for _ in range(LOOKS):
        along = weighted.transpose(0, 2, 1) @ (weighted @ along)
        largest = np.linalg.norm(along, axis=1, keepdims=True) + np.float32(1e-9)
        along = along / largest
    return np.asarray(1.0 / (0.5 * (1.1 * largest + 1.0) + _RIDGE), np.float32)


def _softmax(logits: Samples) -> Samples:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)


def _refusal(takes: Takes, weights: Precise, bias: Precise, blends: Samples, said: Samples
             ) -> Precise:
    """The bias of none: the general opinion of it, but the performer's own takes stay clear."""
    own = (takes.features.transpose(1, 0, 2) @ weights.transpose(0, 2, 1)).transpose(1, 0, 2)
    own = own + bias + blends[:, :-1] * said[..., :-1]
    top = own.max(axis=-1, keepdims=True)
    sounds = (top + np.log(np.exp(own - top).sum(axis=-1, keepdims=True)))[..., 0]
    usual = np.median(sounds, axis=0)                           # so that none is told as it was
    over = np.quantile(said[..., -1] + usual - sounds, TAKES_CLEAR, axis=0) + ROOM
    return np.asarray(usual - np.maximum(over, 0.0))

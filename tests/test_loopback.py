"""From the speakers to the microphone: what was sent is found again, and what was found is kept."""

import numpy as np
import pytest

from engine.rehearsal.doctor import loop
from engine.rehearsal.loopback import delays, keep, kept, summary

CLICK = (0.7 * np.exp(-np.arange(48) / 8.0)).astype(np.float32)


def clicks(at: list[int], frames: int = 48_000, level: float = 1.0) -> np.ndarray:
    sound = np.zeros(frames, np.float32)
    for place in at:
        sound[place:place + len(CLICK)] += level * CLICK
    return sound


def test_each_click_is_found_as_late_as_it_was_heard():
    sent = [1000 + 4800 * k for k in range(8)]
    late = [300, 301, 299, 300, 300, 300, 300, 305]
    heard = clicks([s + d for s, d in zip(sent, late, strict=True)], level=0.1)
    noise = np.random.default_rng(1).normal(0, 1e-4, len(heard)).astype(np.float32)
    assert delays(clicks(sent), heard + noise).tolist() == late


def test_a_click_that_is_not_heard_is_left_out_and_silence_has_none():
    sent = [1000, 10_000, 20_000]
    assert delays(clicks(sent), clicks([1064, 20_064])).tolist() == [64, 64]
    assert len(delays(clicks(sent), clicks([]))) == 0


def test_what_was_measured_is_kept_under_the_cards_name_and_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert kept("Scarlett") is None
    assert "kuchi bench loopback" in loop("Scarlett", None).words
    found = summary("Scarlett", "2026-01-02T03:04:05+00:00", np.array([10.0, 10.0, 11.0]))
    keep(found)
    assert kept("Scarlett") == found
    assert kept("Other") is None
    assert loop("Scarlett", found).words.startswith("Scarlett: 10.0 ms, 99 of 100 within 11.0")
    assert found.jitter_ms == pytest.approx(0.471, abs=0.001)

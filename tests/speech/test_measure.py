"""Measures against known truth: speech rendered at set amplitudes and pitches."""

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from madang.speech.measure import measure_words
from madang.speech.transcript import TimedWord, Word
from tests.speech.synthesis import Recording, SpokenWord, record

TEXT = """the morning train was late again and nobody in the market could tell me whether another one
would ever come before the evening rain began to fall on the old stone bridge"""
SENTENCE = TEXT.split()
AMPLITUDES = [20 + round(170 * step / (len(SENTENCE) - 1)) for step in range(len(SENTENCE))]
PITCHES = [20 + round(79 * step / (len(SENTENCE) - 1)) for step in range(len(SENTENCE))]


def spearman(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Rank correlation; ties share their mean rank."""
    return float(np.corrcoef(_ranks(left), _ranks(right))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[group], np.float64)


def rendered(seed: int | None) -> tuple[Recording, tuple[Word, ...]]:
    """The sentence with rising amplitude and falling pitch, or with both dealt out anew."""
    amplitudes, pitches = list(AMPLITUDES), list(reversed(PITCHES))
    if seed is not None:
        random.Random(seed).shuffle(amplitudes)
        random.Random(seed + 1000).shuffle(pitches)
    recording = record([SpokenWord(*word) for word in zip(SENTENCE, amplitudes, pitches, strict=True)])
    return recording, measure_words(recording.samples, [truth.timed for truth in recording.words])


@pytest.mark.parametrize("seed", [None, 1, 2, 3, 4, 5])
def test_loudness_ranks_words_as_they_were_rendered(seed: int | None) -> None:
    recording, words = rendered(seed)
    truth = np.array([truth.level for truth in recording.words])
    absolute = np.array([word.loudness_dbfs for word in words], np.float64)
    relative = np.array([word.loudness_db for word in words], np.float64)
    assert spearman(truth, absolute) >= 0.95
    assert spearman(truth, relative) >= 0.95
    assert np.median(np.abs(truth - absolute)) < 2.0


@pytest.mark.parametrize("seed", [None, 1, 2, 3, 4, 5])
def test_pitch_ranks_words_as_they_were_rendered(seed: int | None) -> None:
    recording, words = rendered(seed)
    voiced = [(truth.word.pitch, word.pitch_hz) for truth, word in zip(recording.words, words, strict=True)]
    known = np.array([pair for pair in voiced if pair[1] is not None], np.float64)
    assert len(known) >= 0.95 * len(voiced)
    assert spearman(known[:, 0], known[:, 1]) >= 0.95


def test_the_same_word_measures_differently_when_rendered_differently() -> None:
    quiet, loud = SpokenWord("mother", 20, 30), SpokenWord("mother", 180, 80)
    recording = record([quiet, loud, quiet, loud])
    words = measure_words(recording.samples, [truth.timed for truth in recording.words])
    levels = [word.loudness_dbfs or 0.0 for word in words]
    pitches = [word.pitch_hz or 0.0 for word in words]
    assert levels[1] - levels[0] > 10
    assert pitches[1] > 1.3 * pitches[0]
    assert levels[0] == pytest.approx(levels[2], abs=1.0)
    assert pitches[1] == pytest.approx(pitches[3], rel=0.02)


def test_relative_loudness_is_zero_at_the_median_word() -> None:
    _, words = rendered(1)
    assert np.median([word.loudness_db for word in words if word.loudness_db is not None]) == pytest.approx(0.0)


def test_gain_moves_absolute_loudness_only() -> None:
    recording, words = rendered(1)
    timed = [truth.timed for truth in recording.words]
    halved = measure_words(recording.samples * np.float32(0.5), timed)
    for word, half in zip(words, halved, strict=True):
        assert word.loudness_dbfs is not None
        assert half.loudness_dbfs == pytest.approx(word.loudness_dbfs - 6.02, abs=0.05)
        assert half.loudness_db == pytest.approx(word.loudness_db, abs=0.05)
        assert half.pitch_hz == pytest.approx(word.pitch_hz, rel=0.01)


def test_whispered_word_has_loudness_and_no_pitch() -> None:
    hiss = np.random.default_rng(3).normal(0, 0.05, 16_000).astype(np.float32)
    (word,) = measure_words(hiss, [TimedWord("hush", 0.2, 0.8)])
    assert word.loudness_dbfs == pytest.approx(-26.0, abs=0.5)
    assert (word.marks.loudness, word.marks.pitch) == ("measured", "missing")
    assert word.pitch_hz is None
    assert word.harmonic_ratio is not None
    assert word.harmonic_ratio < 0.5


def test_digital_silence_has_no_measures_at_all() -> None:
    (word,) = measure_words(np.zeros(16_000, np.float32), [TimedWord("nothing", 0.2, 0.8)])
    measures = (word.loudness_db, word.loudness_dbfs, word.pitch_hz, word.centroid_hz, word.harmonic_ratio)
    assert measures == (None,) * 5
    assert (word.marks.time, word.marks.loudness, word.marks.pitch) == ("measured", "missing", "missing")


@pytest.mark.parametrize(("start", "end"), [(5.0, 6.0), (0.999, 1.5), (0.5, 0.5), (0.0, 0.001)])
def test_words_at_and_beyond_the_edges_never_fail(start: float, end: float) -> None:
    audio = np.full(16_000, 0.1, np.float32)
    (word,) = measure_words(audio, [TimedWord("edge", start, end)])
    assert (word.loudness_dbfs is None) == (word.marks.loudness == "missing")


def test_audio_shorter_than_a_frame_gives_missing_measures() -> None:
    (word,) = measure_words(np.ones(1, np.float32), [TimedWord("tick", 0.0, 0.1)])
    assert word.marks.loudness == "missing"


def test_centroid_follows_brightness() -> None:
    times = np.arange(16_000) / 16_000
    low, high = (np.sin(2 * np.pi * hertz * times).astype(np.float32) * 0.1 for hertz in (400.0, 3000.0))
    centroids = [measure_words(tone, [TimedWord("tone", 0.2, 0.8)])[0].centroid_hz for tone in (low, high)]
    assert centroids == [pytest.approx(400, rel=0.03), pytest.approx(3000, rel=0.03)]

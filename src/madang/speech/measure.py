"""Measures words on the audio they were heard in: loudness, pitch, spectral centroid, harmonic ratio.

Everything is taken over the word's voiced frames, which is where a vowel carries level and pitch; a word without voice
(whispered, or all consonants) is measured over the frames within 30 dB of its loudest, and has no pitch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from madang.speech.audio import RATE, Flags, Samples
from madang.speech.loudness import dbfs
from madang.speech.pitch import HOP, LEAST_FRAMES, PitchTrack, median_pitch, track_pitch
from madang.speech.transcript import Marks, TimedWord, Word

SPECTRUM = 512
BATCH = 1024
AUDIBLE = 1e-3
"""Share of the energy of a word's loudest frame (-30 dB) below which a frame is pause, not word."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Features:
    """Measures per 10 ms frame: mean square, F0 and periodicity, and the spectral centroid in Hz."""

    energy: Floats
    pitch: PitchTrack
    centroid: Floats

    @classmethod
    def of(cls, samples: Samples) -> "Features":
        """Measure every frame of a stretch of 16 kHz mono audio."""
        whole = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
        energy = np.square(whole, dtype=np.float64).mean(axis=1)
        return cls(energy, track_pitch(samples), _centroids(samples, len(whole)))


def measure_words(samples: Samples, words: Sequence[TimedWord]) -> tuple[Word, ...]:
    """Measure words at given times (seconds from the first sample) on 16 kHz mono float32 audio."""
    features = Features.of(samples)
    return relative_to_median(measure_word(features, word) for word in words)


def measure_word(features: Features, word: TimedWord) -> Word:
    """Measure one word; `loudness_db` stays absolute until `relative_to_median` has seen all words."""
    here = _frames_of(word, len(features.energy))
    energy = features.energy[here]
    chosen, f0 = _choose(energy, features.pitch.f0[here])
    level = dbfs(float(energy[chosen].mean())) if chosen.any() else None
    pitch = None if level is None else median_pitch(f0)
    return Word(
        text=word.text,
        start=word.start,
        end=word.end,
        confidence=word.confidence,
        speaker=None,
        loudness_db=level,
        loudness_dbfs=level,
        pitch_hz=pitch,
        centroid_hz=None if level is None else _weighted(features.centroid[here][chosen], energy[chosen]),
        harmonic_ratio=None if level is None else float(np.median(features.pitch.periodic[here][chosen])),
        marks=Marks(
            time="measured",
            loudness="missing" if level is None else "measured",
            pitch="missing" if pitch is None else "measured",
            speaker="missing",
        ),
    )


def relative_to_median(words: Iterable[Word]) -> tuple[Word, ...]:
    """Set `loudness_db` relative to the median of each speaker's words; words of no known speaker form one group."""
    heard = tuple(words)
    levels: dict[str | None, list[float]] = {}
    for word in heard:
        if word.loudness_dbfs is not None:
            levels.setdefault(word.speaker, []).append(word.loudness_dbfs)
    medians = {speaker: float(np.median(values)) for speaker, values in levels.items()}
    return tuple(_relative(word, medians) for word in heard)


def _relative(word: Word, medians: dict[str | None, float]) -> Word:
    if word.loudness_dbfs is None:
        return word
    return replace(word, loudness_db=word.loudness_dbfs - medians[word.speaker])


def _frames_of(word: TimedWord, count: int) -> slice:
    """Return the frames whose centre lies within the word, at least the one nearest its middle."""
    per_second = RATE / HOP
    first = int(np.ceil(word.start * per_second - 0.5))
    last = int(np.ceil(word.end * per_second - 0.5))
    if last <= first:
        first = int((word.start + word.end) / 2 * per_second)
        last = first + 1
    return slice(max(0, min(first, count)), max(0, min(last, count)))


def _choose(energy: Floats, f0: Floats) -> tuple[Flags, Floats]:
    """Return the frames to measure on and the F0 of the audible ones."""
    audible = (energy > 0.0) & (energy >= AUDIBLE * energy.max(initial=0.0))
    voiced = audible & (f0 > 0.0)
    return (voiced if voiced.sum() >= LEAST_FRAMES else audible), np.where(audible, f0, 0.0)


def _weighted(values: Floats, weights: Floats) -> float:
    """Return the energy-weighted mean: the centroid of the summed power spectra."""
    return float(np.average(values, weights=weights))


def _centroids(samples: Samples, count: int) -> Floats:
    """Return the centroid of each frame's power spectrum, in Hz, Hann-windowed 32 ms around the frame."""
    padded = np.pad(samples, ((SPECTRUM - HOP) // 2, SPECTRUM))
    views = np.lib.stride_tricks.sliding_window_view(padded, SPECTRUM)[: count * HOP : HOP]
    window = np.hanning(SPECTRUM).astype(np.float32)
    frequencies = np.fft.rfftfreq(SPECTRUM, 1.0 / RATE)
    parts = [np.zeros(0)]
    for start in range(0, count, BATCH):
        power = np.square(np.abs(np.fft.rfft(views[start : start + BATCH] * window, axis=1)), dtype=np.float64)
        parts.append(power @ frequencies / np.maximum(power.sum(axis=1), 1e-20))
    return np.concatenate(parts)

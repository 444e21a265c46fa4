"""F0 by YIN (de Cheveigné and Kawahara 2002, J. Acoust. Soc. Am. 111, 1917), vectorised over frames with the FFT.

Differences from the paper: the first dip is accepted within a margin of the frame's deepest dip, which guards against
sub-octave picks in noisy frames; frames that no steady run of 30 ms supports are dropped; and `median_pitch` folds
stray octaves onto the median of the word.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from madang.speech.audio import RATE, Flags, Samples

LOWEST = 60.0
HIGHEST = 500.0
HOP = RATE // 100
"""One frame every 10 ms; frame i is centred on the middle of samples i * HOP to (i + 1) * HOP."""
WINDOW = 512
"""32 ms: nearly two periods of the lowest pitch."""
MAX_LAG = int(RATE / LOWEST) + 1
MIN_LAG = int(RATE / HIGHEST)
FFT = 1024
BATCH = 256
"""Frames per batch: about 4 MB of spectra."""

DIP = 0.03
MARGIN = 0.03
"""A dip is accepted below DIP or within MARGIN of the deepest. The paper's 0.1 takes a strong second harmonic for the
pitch; less than 0.03 takes two periods for one."""
VOICED = 0.25
"""Deepest dip of a frame that still counts as voiced."""
LEAST_FRAMES = 3
"""30 ms of voice: less gives no median worth the name, and a shorter run is noise that happens to look periodic."""
STEADY = 0.25
"""Octaves a voice may glide from one frame to the next."""

Frames = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PitchTrack:
    """Per 10 ms frame: `f0` in Hz (0 when unvoiced), `periodic` the share of periodic energy 0..1."""

    f0: NDArray[np.float64]
    periodic: NDArray[np.float64]

    @property
    def voiced(self) -> Flags:
        """Frames with a pitch."""
        return self.f0 > 0.0


def track_pitch(samples: Samples) -> PitchTrack:
    """Track a stretch of 16 kHz audio; returns len(samples) // 160 frames."""
    frames = _frames(samples)
    parts = [_yin(frames[start : start + BATCH]) for start in range(0, len(frames), BATCH)]
    f0 = np.concatenate([np.zeros(0), *(part for part, _ in parts)])
    periodic = np.concatenate([np.zeros(0), *(part for _, part in parts)])
    return PitchTrack(np.where(_in_steady_run(f0), f0, 0.0), periodic)


def median_pitch(f0: NDArray[np.float64]) -> float | None:
    """Return the median F0 of the voiced frames of one word, stray octaves folded; None when it is unvoiced."""
    voiced = f0[f0 > 0.0]
    if len(voiced) < LEAST_FRAMES:
        return None
    octaves = np.rint(np.log2(voiced / np.median(voiced)))
    folded = voiced / np.exp2(octaves)
    return float(np.median(folded))


def _in_steady_run(f0: NDArray[np.float64]) -> Flags:
    """Tell which frames belong to three neighbours in a row whose pitch changes little."""
    octaves = np.log2(np.pad(np.maximum(f0, 1.0), 2, constant_values=1.0))
    voiced = np.pad(f0 > 0.0, 2)
    links = voiced[1:] & voiced[:-1] & (np.abs(np.diff(octaves)) < STEADY)
    pairs = links[1:] & links[:-1]
    return np.asarray(pairs[:-2] | pairs[1:-1] | pairs[2:], np.bool_)


def _frames(samples: Samples) -> Frames:
    """Return overlapping views [frames, WINDOW + MAX_LAG]; audio beyond the edges counts as silence."""
    length = WINDOW + MAX_LAG
    count = len(samples) // HOP
    before = (length - HOP) // 2
    padded = np.pad(samples, (before, length))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[: count * HOP : HOP]


def _yin(frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    centred = frames - frames.mean(axis=1, keepdims=True)
    difference, energy = _difference(centred)
    normalised = _cumulative_mean_normalised(difference)
    lag, is_voiced = _pick(normalised)
    rows = np.arange(len(lag))
    periodic = 1.0 - difference[rows, lag] / np.maximum(energy[rows, lag], 1e-12)
    has_sound = energy[:, 0] > 1e-9  # noqa: PLR2004 - digital silence and its rounding
    f0 = np.where(is_voiced & has_sound, RATE / _parabolic(normalised, lag), 0.0)
    return f0, np.where(has_sound, np.clip(periodic, 0.0, 1.0), 0.0)


def _difference(frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return d(lag), the paper's eq. 6, and the energy of both windows, each [frames, MAX_LAG + 1]."""
    window = np.fft.rfft(frames[:, :WINDOW], FFT, axis=1)
    whole = np.fft.rfft(frames, FFT, axis=1)
    correlation = np.fft.irfft(np.conj(window) * whole, FFT, axis=1)[:, : MAX_LAG + 1]
    cumulative = np.cumsum(np.square(frames, dtype=np.float64), axis=1)
    cumulative = np.pad(cumulative, ((0, 0), (1, 0)))
    shifted = cumulative[:, WINDOW : WINDOW + MAX_LAG + 1] - cumulative[:, : MAX_LAG + 1]
    energy = shifted[:, :1] + shifted
    return np.maximum(energy - 2.0 * correlation, 0.0), energy


def _cumulative_mean_normalised(difference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return d'(lag), the paper's eq. 8."""
    lags = np.arange(1, difference.shape[1])
    totals = np.maximum(np.cumsum(difference[:, 1:], axis=1), 1e-12)
    return np.concatenate([np.ones((len(difference), 1)), difference[:, 1:] * lags / totals], axis=1)


def _pick(normalised: NDArray[np.float64]) -> tuple[NDArray[np.intp], Flags]:
    """Return the lag of the first dip that is deep enough, else of the deepest, and whether that is a pitch."""
    left, inner, right = (normalised[:, MIN_LAG + step : MAX_LAG + step] for step in (-1, 0, 1))
    is_dip = (inner <= left) & (inner <= right)
    # A short period falls between two samples: only the vertex of the parabola shows how deep its dip truly is.
    depth = np.where(
        is_dip, inner - np.square(left - right) / (8.0 * np.maximum(left - 2.0 * inner + right, 1e-9)), 1.0
    )
    deepest = depth.min(axis=1, keepdims=True)
    lag = (depth <= np.maximum(DIP, deepest + MARGIN)).argmax(axis=1)
    return lag + MIN_LAG, deepest[:, 0] < VOICED


def _parabolic(normalised: NDArray[np.float64], lag: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the lag refined between samples by a parabola through three points."""
    rows = np.arange(len(lag))
    left, centre, right = (normalised[rows, lag + step] for step in (-1, 0, 1))
    curve = left - 2.0 * centre + right
    shift = np.where(curve > 1e-12, 0.5 * (left - right) / np.maximum(curve, 1e-12), 0.0)  # noqa: PLR2004
    return np.asarray(lag + np.clip(shift, -0.5, 0.5), np.float64)

"""Levels: RMS in dBFS, and integrated loudness in LUFS after ITU-R BS.1770-5 (annex 1, tables 1 to 4)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from madang.speech.audio import Samples
from madang.speech.resample import METER_RATE

SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (-1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621))
"""K-weighting at 48 kHz: numerator and denominator (without its leading 1) of both stages, BS.1770 tables 1 and 2."""

TAPS = 4096
"""The slower pole, of radius 0.995, has fallen below -170 dB by then: the truncation cannot be measured."""
STEP = METER_RATE // 10
"""100 ms: a gating block is 400 ms with 75 % overlap, so four neighbouring steps."""
CHUNK = 2 * STEP
FFT = 16_384
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
WEIGHTS = {"LFE": 0.0, "LFE2": 0.0, "SL": 1.41, "SR": 1.41, "BL": 1.41, "BR": 1.41}
"""Channel weights, BS.1770 table 3; the others count 1."""


def dbfs(mean_square: float) -> float | None:
    """Return the level of a mean square in dB relative to full scale; None for digital silence."""
    return 10.0 * float(np.log10(mean_square)) if mean_square > 0.0 else None


@dataclass(slots=True)
class LoudnessMeter:
    """Integrated loudness of a stream: add blocks of 48 kHz audio, then read `lufs()`. Keeps 8 bytes per 100 ms."""

    energies: list[float] = field(default_factory=list)
    pending: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    names: tuple[str, ...] = ()

    def add(self, channels: Samples, names: tuple[str, ...]) -> None:
        """Take float32 [channels, n]; `names` are the channels' positions. Another layout starts the filter afresh."""
        if not channels.size:
            return
        if names != self.names:
            self.names, self.pending = names, np.zeros((len(names), TAPS - 1), np.float32)
        self.pending = np.concatenate([self.pending, channels], axis=1)
        while self.pending.shape[1] >= TAPS - 1 + CHUNK:
            self._measure(self.pending[:, : TAPS - 1 + CHUNK])
            self.pending = self.pending[:, CHUNK:]

    def lufs(self) -> float | None:
        """Return the loudness gated twice (BS.1770 eq. 5 to 7); None when no block is above the absolute gate."""
        steps = np.array(self.energies)
        if len(steps) < 4:  # noqa: PLR2004 - one gating block
            return None
        blocks = np.convolve(steps, np.full(4, 0.25), mode="valid")
        blocks = blocks[blocks > _energy(ABSOLUTE_GATE)]
        if not blocks.size:
            return None
        blocks = blocks[blocks > blocks.mean() * 10 ** (RELATIVE_GATE / 10)]
        return -0.691 + 10.0 * float(np.log10(blocks.mean()))

    def _measure(self, chunk: NDArray[np.float32]) -> None:
        """Overlap-save: the first TAPS - 1 outputs are circular and dropped, CHUNK remain."""
        spectrum = np.fft.rfft(chunk, FFT, axis=1) * RESPONSE
        weighted = np.fft.irfft(spectrum, FFT, axis=1)[:, TAPS - 1 : TAPS - 1 + CHUNK]
        squares = np.square(weighted.reshape(len(chunk), 2, STEP), dtype=np.float64).mean(axis=2)
        gains = [WEIGHTS.get(name, 1.0) for name in self.names]
        self.energies.extend(float(energy) for energy in gains @ squares)


def _energy(lufs: float) -> float:
    return float(10.0 ** ((lufs + 0.691) / 10.0))


def _filtered(
    signal: NDArray[np.float64], stage: tuple[tuple[float, float, float], tuple[float, float]]
) -> NDArray[np.float64]:
    (b0, b1, b2), (a1, a2) = stage
    forward = np.convolve(signal, (b0, b1, b2))[: len(signal)]
    out = np.zeros(len(signal) + 2)
    for index, value in enumerate(forward, start=2):
        out[index] = value - a1 * out[index - 1] - a2 * out[index - 2]
    return out[2:]


def _response() -> NDArray[np.complex64]:
    impulse = np.zeros(TAPS)
    impulse[0] = 1.0
    taps = _filtered(_filtered(impulse, SHELF), HIGH_PASS)
    return np.fft.rfft(taps, FFT).astype(np.complex64)


RESPONSE = _response()

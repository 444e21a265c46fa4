"""The audio all stages share: 16 kHz mono, float32, full scale at ±1, shape [samples]."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
Flags: TypeAlias = NDArray[np.bool_]

RATE = 16_000


def to_pcm(samples: Samples) -> bytes:
    """Little-endian signed 16-bit PCM, clipped at full scale."""
    return (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()


def silence(count: int) -> Samples:
    """Return `count` zero samples."""
    return np.zeros(count, np.float32)

"""Turns decoded frames of any format into the two forms the library works on."""

from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from madang.speech.audio import RATE, Samples

METER_RATE = 48_000
METER_CHANNELS = 8
"""Beyond 7.1 the meter reads the mono mix: BS.1770 gives no weights and the cost grows with every channel."""
CEILING = 4.0
"""Float files may hold anything, infinity included; 12 dB above full scale is the most that is kept."""

NO_CHANNELS = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Block:
    """`samples`: 16 kHz mono [n]; `channels`: 48 kHz [channels, m], empty for inserted silence; `names`: FL, FR, FC…"""

    samples: Samples
    channels: Samples
    names: tuple[str, ...]


@dataclass(slots=True)
class Converter:
    """The resamplers for frames of one format; a change of format needs a new one."""

    source: tuple[str, str, int]
    names: tuple[str, ...]
    mono: AudioResampler
    meter: AudioResampler

    @classmethod
    def of(cls, frame: AudioFrame) -> "Converter":
        """Build the resamplers for frames like this one."""
        layout = frame.layout if len(frame.layout.channels) <= METER_CHANNELS else "mono"
        names = ("FC",) if layout == "mono" else tuple(channel.name for channel in frame.layout.channels)
        # Without the limit a float mix of two equal channels comes out 3 dB louder than either of them.
        mono = AudioResampler("flt", "mono", RATE, options={"rematrix_maxval": "1.0"})
        return cls(_format(frame), names, mono, AudioResampler("fltp", layout, METER_RATE))

    def fits(self, frame: AudioFrame) -> bool:
        """Tell whether the frame has the format these resamplers were built for."""
        return self.source == _format(frame)

    def convert(self, frame: AudioFrame | None) -> list[Block]:
        """Return what the frame completes; the resamplers keep a few samples back until they are given None."""
        if frame is not None:
            frame.pts = None  # the timeline has placed it already
        channels = _join(self.meter, frame, len(self.names))
        samples = _join(self.mono, frame, 1)[0]
        return [Block(samples, channels, self.names)] if samples.size or channels.size else []


def _format(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _join(resampler: AudioResampler, frame: AudioFrame | None, channels: int) -> Samples:
    parts = [part.to_ndarray().astype(np.float32, copy=False) for part in resampler.resample(frame)]
    joined = np.concatenate([np.zeros((channels, 0), np.float32), *parts], axis=1)
    clipped: Samples = np.clip(np.nan_to_num(joined, copy=False), -CEILING, CEILING)
    return clipped

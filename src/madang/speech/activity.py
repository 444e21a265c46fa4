"""Voice activity: which frames hold speech (WebRTC's detector), and the spans of audio worth recognising."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import webrtcvad

from madang.speech.audio import RATE, Flags, Samples, silence, to_pcm

FRAME = RATE * 30 // 1000
"""Samples of one decision: 30 ms, the longest frame the detector takes."""
MODE = 2
"""0..3, how readily a frame is called noise."""
PAD = 10
"""Frames (300 ms) kept before and after speech, so that soft onsets stay inside."""
ONSET = 4
"""Speech frames among the last PAD that open a span."""
HANGOVER = 20
"""Frames (600 ms) without speech that close a span."""
LONGEST = 20 * RATE // FRAME
"""Frames (20 s) after which a span is cut at its quietest frame, so that memory stays flat."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of audio with speech: `start` in seconds, `samples` 16 kHz mono, `speech` one decision per 30 ms."""

    start: float
    samples: Samples
    speech: Flags


@dataclass(slots=True)
class ActivityDetector:
    """Decides frame by frame; keeps a noise estimate, so one detector belongs to one stream."""

    vad: webrtcvad.Vad = field(default_factory=lambda: webrtcvad.Vad(MODE))

    def is_speech(self, frame: Samples) -> bool:
        """Decide on exactly one frame of 480 samples."""
        return bool(self.vad.is_speech(to_pcm(frame), RATE))


def speech_frames(samples: Samples) -> Flags:
    """Return one decision per full 30 ms frame."""
    detector = ActivityDetector()
    whole = len(samples) // FRAME * FRAME
    return np.array([detector.is_speech(frame) for frame in samples[:whole].reshape(-1, FRAME)], np.bool_)


@dataclass(slots=True)
class SpanSplitter:
    """Cuts a stream into speech spans: `add` blocks of any length, then `finish`."""

    detector: ActivityDetector = field(default_factory=ActivityDetector)
    rest: Samples = field(default_factory=lambda: silence(0))
    frames: list[Samples] = field(default_factory=list)
    speech: list[bool] = field(default_factory=list)
    first: int = 0
    is_open: bool = False

    def add(self, samples: Samples) -> Iterator[Span]:
        """Yield the spans that these samples complete."""
        joined = np.concatenate([self.rest, samples])
        whole = len(joined) // FRAME * FRAME
        self.rest = joined[whole:].copy()
        for frame in joined[:whole].reshape(-1, FRAME):
            yield from self._push(frame)

    def finish(self) -> Iterator[Span]:
        """Yield the span that is still open."""
        if self.rest.size:
            yield from self._push(np.concatenate([self.rest, silence(FRAME - len(self.rest))]))
        if self.is_open:
            yield self._cut(len(self.frames))

    def _push(self, frame: Samples) -> Iterator[Span]:
        self.frames.append(frame.copy())
        self.speech.append(self.detector.is_speech(frame))
        if not self.is_open:
            self._wait()
        elif not any(self.speech[-HANGOVER:]):
            yield self._cut(max(1, len(self.frames) - HANGOVER + PAD))
            self.is_open = False
        elif len(self.frames) >= LONGEST:
            yield self._cut(self._quietest())

    def _wait(self) -> None:
        self.is_open = sum(self.speech[-PAD:]) >= ONSET
        if not self.is_open:
            self._drop(max(0, len(self.frames) - PAD))

    def _quietest(self) -> int:
        """Return where to cut: the middle of the quietest 90 ms of the last quarter."""
        energies = [float(np.dot(frame, frame)) for frame in self.frames[-LONGEST // 4 :]]
        smooth = np.convolve(energies, np.ones(3), mode="valid")
        return len(self.frames) - len(energies) + int(smooth.argmin()) + 1

    def _cut(self, count: int) -> Span:
        start = self.first * FRAME / RATE
        span = Span(start, np.concatenate(self.frames[:count]), np.array(self.speech[:count], np.bool_))
        self._drop(count)
        return span

    def _drop(self, count: int) -> None:
        del self.frames[:count], self.speech[:count]
        self.first += count

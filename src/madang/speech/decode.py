"""Streams a media file as blocks of samples; memory does not grow with the length of the file.

One pass over the packets feeds two resamplers: 16 kHz mono for speech, and 48 kHz with the original channels for the
BS.1770 meter, whose filter coefficients are given at that rate. Nothing is spooled: later stages keep at most one
speech span, so neither memory nor disk grows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from madang.speech.audio import RATE, Samples, silence
from madang.speech.errors import CorruptMedia, MediaTooLong
from madang.speech.media import best_audio, declared_duration, declared_end, is_bare, open_media, origin
from madang.speech.resample import NO_CHANNELS, Block, Converter
from madang.speech.settings import SpeechSettings
from madang.speech.timeline import Timeline
from madang.speech.transcript import Finding

TRUNCATED = 1.0
"""Seconds of declared audio that may be missing before the file counts as cut off."""

APPEARING = 64
"""Streams that may appear in the middle of a file before reading stops."""


@contextmanager
def open_audio(path: Path, settings: SpeechSettings) -> Iterator["AudioSource"]:
    """Open the audio of a file; raises what `open_media` and `best_audio` raise."""
    with open_media(path, settings) as container:
        yield AudioSource(container, best_audio(container), settings.max_duration)


@dataclass(slots=True)
class AudioSource:
    """The audio of one open file: iterate `blocks()` once, then read `duration` and `findings`."""

    container: InputContainer
    stream: AudioStream | None
    limit: float
    findings: list[Finding] = field(default_factory=list)
    failures: int = 0
    failure: str = "it holds no audio data"
    bytes_read: int = 0
    clock: float = 0.0

    @property
    def duration(self) -> float:
        """Seconds on the media's timeline: as declared, or as far as the audio went if that is all there is."""
        declared = declared_duration(self.container)
        cut = any(finding.code == "truncated" for finding in self.findings)
        return self.clock if declared is None or cut else max(declared, self.clock)

    @property
    def progress(self) -> float:
        """Share of the file read so far, 0..1: by time where the file declares its length, else by bytes."""
        declared = declared_duration(self.container)
        done, whole = (self.clock, declared) if declared else (self.bytes_read, self.container.size)
        return min(1.0, done / whole) if whole and whole > 0 else 0.0

    def blocks(self) -> Iterator[Block]:
        """Yield the audio from time zero without gaps: sample i of all blocks together is i / 16000 s.

        Raises CorruptMedia when damage leaves no audio at all, MediaTooLong beyond the limit.
        """
        if self.stream is None:
            return
        end = declared_end(self.container, self.stream)
        timeline = Timeline(self._report, end if end is None else min(end, self.limit))
        for block in self._converted(self.stream, timeline):
            self.clock += len(block.samples) / RATE
            if self.clock > self.limit:
                raise MediaTooLong(self.clock, self.limit)
            yield block
        self._conclude(end)

    def _converted(self, stream: AudioStream, timeline: Timeline) -> Iterator[Block]:
        converter: Converter | None = None
        for frame in self._frames(stream):
            gap = timeline.gap(self._time(frame))
            if gap is None:
                continue
            if converter is not None and (gap > 0 or not converter.fits(frame)):
                yield from self._convert(converter, None)
                converter = None
            yield from _silence(gap)
            converter = converter or Converter.of(frame)
            timeline.advance(gap + frame.samples / frame.sample_rate)
            yield from self._convert(converter, frame)
        if converter is not None:
            yield from self._convert(converter, None)

    def _frames(self, stream: AudioStream) -> Iterator[AudioFrame]:
        try:
            for packet in self._packets(stream):
                self.bytes_read = max(self.bytes_read, packet.pos or 0)
                yield from self._decode(stream, packet)
        except (av.FFmpegError, OSError) as error:
            self._report("truncated", self.clock, f"the file cannot be read further: {error.strerror}")

    def _packets(self, stream: AudioStream) -> "Iterator[Packet[AudioStream]]":
        """Demux on over streams that appear after opening, as in broadcasts: PyAV stumbles over the first packet."""
        for _ in range(APPEARING):
            try:
                yield from self.container.demux(stream)
            except IndexError:
                continue
            return

    def _decode(self, stream: AudioStream, packet: "Packet[AudioStream]") -> list[AudioFrame]:
        try:
            return stream.decode(packet)
        except av.FFmpegError as error:
            self._skip(error)
            return []

    def _convert(self, converter: Converter, frame: AudioFrame | None) -> list[Block]:
        try:
            return converter.convert(frame)
        except av.FFmpegError as error:  # no resampler for what a damaged header says: a rate of 4 GHz, no channel
            self._skip(error)
            return []

    def _skip(self, error: av.FFmpegError) -> None:
        self.failures += 1
        if self.failures == 1:
            self._report("damaged", self.clock, "a part of the audio cannot be decoded and is left out")
            self.failure = error.strerror or type(error).__name__

    def _time(self, frame: AudioFrame) -> float | None:
        if frame.pts is None or frame.time_base is None or is_bare(self.container):
            return None
        return float(frame.pts * frame.time_base) - origin(self.container)

    def _conclude(self, end: float | None) -> None:
        missing = 0.0 if end is None else end - self.clock
        empty = self.clock == 0.0
        if empty and (self.findings or missing > TRUNCATED):
            raise CorruptMedia(self.failure)
        cut = any(finding.code == "truncated" for finding in self.findings)
        if missing > TRUNCATED and not cut:
            self._report("truncated", self.clock, f"the last {missing:.1f} s of the audio are missing")

    def _report(self, code: str, time: float, detail: str) -> None:
        self.findings.append(Finding(code, time, time, detail))


def _silence(seconds: float) -> Iterator[Block]:
    count = round(seconds * RATE)
    for start in range(0, count, RATE):
        yield Block(silence(min(RATE, count - start)), NO_CHANNELS, ())


def read_samples(path: Path, settings: SpeechSettings | None = None) -> Samples:
    """Return the whole file as 16 kHz mono; for short files only, such as test recordings."""
    with open_audio(path, settings or SpeechSettings()) as source:
        return np.concatenate([silence(0), *(block.samples for block in source.blocks())])

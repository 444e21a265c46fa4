"""What an analysis yields. Plain frozen data: cheap to import, picklable, JSON-able by `dataclasses.asdict`.

The one rule of this library: no invented value. Each measure of each word says whether it was `measured` on the audio,
`estimated` (derived, for instance a corrected time) or is `missing`; a value is None if and only if its mark is
`missing`. `centroid_hz` and `harmonic_ratio` share the mark of loudness: they need audible sound and nothing more.
"""

from dataclasses import dataclass
from typing import Literal

Mark = Literal["measured", "estimated", "missing"]
Reason = Literal["no-audio", "no-speech"]


@dataclass(frozen=True, slots=True)
class Marks:
    """How each measure of a word came about."""

    time: Mark
    loudness: Mark
    pitch: Mark
    speaker: Mark


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word as recognised: seconds from the start of its audio; confidence 0..1, None where the engine gives none."""

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its measures.

    `start` and `end` are seconds on the media's own timeline. `loudness_dbfs` is the RMS level in dB relative to full
    scale (a full-scale square wave is 0 dBFS, a full-scale sine -3 dBFS), `loudness_db` the same relative to the
    median of the speaker's words. `pitch_hz` is the median F0, `centroid_hz` the spectral centroid and
    `harmonic_ratio` the periodic share of the energy, 0..1.
    """

    text: str
    start: float
    end: float
    confidence: float | None
    speaker: str | None
    loudness_db: float | None
    loudness_dbfs: float | None
    pitch_hz: float | None
    centroid_hz: float | None
    harmonic_ratio: float | None
    marks: Marks
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Engine:
    """The recogniser that heard the words; travels with the result."""

    name: str
    version: str
    model: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should know about the stretch `start`..`end` (seconds); `detail` is prose."""

    code: str
    start: float
    end: float
    detail: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """All words of one media file.

    `duration` is in seconds, `loudness_lufs` the integrated loudness of the audio (ITU-R BS.1770), None when the audio
    is shorter than one gating block or silent. `reason` says why a successful analysis has no words: `no-audio` (the
    file has no audio stream) or `no-speech` (voice activity found none).
    """

    words: tuple[Word, ...]
    duration: float
    language: str
    engine: Engine
    loudness_lufs: float | None
    reason: Reason | None
    findings: tuple[Finding, ...]

"""The caption document: the lossless form every other format is written from.

Times are seconds from the start of the media, levels decibels, frequencies hertz. No value is ever invented: each
measure says by its mark whether it was measured or estimated, and is null exactly when it is missing.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from madang.subtitles.text import clean

# One milliard seconds (31 years) is far beyond any media, and a float still resolves every millisecond there.
LATEST = 1e9

Mark = Literal["measured", "estimated", "missing"]
Seconds = Annotated[float, Field(ge=0, le=LATEST)]
Text = Annotated[str, AfterValidator(clean)]
ShownText = Annotated[str, AfterValidator(clean), Field(min_length=1)]
# An identifier stands alone on a line of WebVTT, where `NOTE`, `STYLE` and `-->` would be read as something else.
CueId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Marks(_Shape):
    """Where the values of a word come from."""

    time: Mark
    loudness: Mark
    pitch: Mark
    speaker: Mark


class Word(_Shape):
    """One word as it was heard. `loudness_db` is relative to the speaker's own median, `loudness_dbfs` absolute."""

    text: Text
    start: Seconds
    end: Seconds
    confidence: float | None = Field(default=None, ge=0, le=1)
    speaker: str | None = Field(default=None, min_length=1)
    loudness_db: float | None = None
    loudness_dbfs: float | None = None
    pitch_hz: float | None = Field(default=None, gt=0)
    centroid_hz: float | None = Field(default=None, ge=0)
    marks: Marks
    flags: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"a word must start before it ends, not {self.start} >= {self.end}")
        return self

    @model_validator(mode="after")
    def _is_null_exactly_when_missing(self) -> Self:
        if self.marks.time == "missing":
            raise ValueError("a word always has a time: its mark is 'measured' or 'estimated'")
        for name, mark in self._marked():
            if (getattr(self, name) is None) != (mark == "missing"):
                raise ValueError(f"{name} must be null exactly when its mark is 'missing', and the mark is {mark!r}")
        return self

    def _marked(self) -> tuple[tuple[str, Mark], ...]:
        return (
            ("loudness_db", self.marks.loudness),
            ("loudness_dbfs", self.marks.loudness),
            ("pitch_hz", self.marks.pitch),
            ("speaker", self.marks.speaker),
        )


class LintFinding(_Shape):
    """A limit of the profile that a cue breaks: the value found and the limit, in the rule's unit."""

    rule: str
    value: float
    limit: float


class Cue(_Shape):
    """What is on screen at one time: `lines` are shown, `text` is the same in one line."""

    id: CueId
    start: float = Field(ge=0)
    end: float = Field(ge=0)
    speaker: str | None = Field(default=None, min_length=1)
    text: ShownText
    lines: tuple[ShownText, ...] = Field(min_length=1)
    lint: tuple[LintFinding, ...] = ()
    words: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"a cue must start before it ends, not {self.start} >= {self.end}")
        return self


class Speaker(_Shape):
    """Someone who talks. `name`, `color` and `role` are null until somebody gives them."""

    id: str = Field(min_length=1)
    name: ShownText | None = None
    color: str | None = Field(default=None, pattern=r"^#[0-9A-Fa-f]{6}$")
    role: Literal["main", "supporting", "minor"] | None = None
    off_camera: bool = False


class Engine(_Shape):
    """What recognised the words."""

    name: str
    version: str
    model: str | None = None


class Finding(_Shape):
    """Something about a stretch of the media that a viewer or an operator should know."""

    code: str
    start: Seconds | None = None
    end: Seconds | None = None
    detail: str


class Spread(_Shape):
    """How one measure is distributed over the words that have it; null where none has."""

    min: float | None
    median: float | None
    max: float | None
    count: int = Field(ge=0)


class Statistics(_Shape):
    """Loudness (`loudness_db`, decibels about the speaker's median) and pitch (hertz) over all words."""

    loudness: Spread
    pitch: Spread


class Document(_Shape):
    """Captions of one media file. `reason` says why there are none, for example `no-audio`."""

    version: Literal[1] = 1
    revision: int = Field(ge=1)
    language: str | None
    duration: Seconds
    engine: Engine
    reason: str | None = None
    speakers: tuple[Speaker, ...] = ()
    cues: tuple[Cue, ...] = ()
    statistics: Statistics
    findings: tuple[Finding, ...] = ()

    @model_validator(mode="after")
    def _names_things_once(self) -> Self:
        for kind, ids in (("cue", [c.id for c in self.cues]), ("speaker", [s.id for s in self.speakers])):
            if len(set(ids)) < len(ids):
                raise ValueError(f"every {kind} needs an id of its own")
        return self

    @model_validator(mode="after")
    def _knows_every_speaker(self) -> Self:
        used = {word.speaker for cue in self.cues for word in cue.words} | {cue.speaker for cue in self.cues}
        unknown = used - {speaker.id for speaker in self.speakers} - {None}
        if unknown:
            raise ValueError(f"cues name speakers that are not listed: {', '.join(sorted(map(str, unknown)))}")
        return self

    @model_validator(mode="after")
    def _keeps_cues_in_order(self) -> Self:
        for before, after in pairwise(self.cues):
            if after.start < before.start:
                raise ValueError(f"cues stand in order of start, but {after.id} starts before {before.id}")
        return self

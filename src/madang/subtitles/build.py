"""From words to the caption document."""

from collections.abc import Iterable, Sequence
from statistics import median

from madang.subtitles.document import Document, Engine, Finding, Speaker, Spread, Statistics, Word
from madang.subtitles.profiles import profile_for, profile_named
from madang.subtitles.segment import segment


def build_document(
    words: Iterable[Word],
    *,
    language: str | None,
    duration: float,
    engine: Engine,
    reason: str | None,
    findings: Iterable[Finding],
    profile: str | None = None,
) -> Document:
    """Revision 1 of the captions of one media file, cut and linted by a profile.

    `language` is a BCP 47 tag and chooses the profile unless `profile` names one (`UnknownProfile` if there is none
    of that name). `duration` is the media's, in seconds. A word without text cannot be shown: it is left out, and a
    finding `blank-word` says where.
    """
    limits = profile_for(language) if profile is None else profile_named(profile)
    heard = list(words)
    spoken = [word for word in heard if word.text]
    return Document(
        revision=1,
        language=language,
        duration=duration,
        engine=engine,
        reason=reason,
        speakers=_speakers(spoken),
        cues=tuple(segment(spoken, limits, duration=duration)),
        statistics=statistics(spoken),
        findings=(*findings, *(_blank(word) for word in heard if not word.text)),
    )


def statistics(words: Sequence[Word]) -> Statistics:
    """How loudness (dB about the speaker's median) and pitch (Hz) spread over the words that have them."""
    return Statistics(
        loudness=_spread([word.loudness_db for word in words if word.loudness_db is not None]),
        pitch=_spread([word.pitch_hz for word in words if word.pitch_hz is not None]),
    )


def _spread(values: Sequence[float]) -> Spread:
    if not values:
        return Spread(min=None, median=None, max=None, count=0)
    return Spread(min=min(values), median=round(median(values), 2), max=max(values), count=len(values))


def _speakers(words: Sequence[Word]) -> tuple[Speaker, ...]:
    """Everybody who speaks, in order of appearance."""
    return tuple(Speaker(id=name) for name in dict.fromkeys(word.speaker for word in words) if name)


def _blank(word: Word) -> Finding:
    return Finding(code="blank-word", start=word.start, end=word.end, detail="The engine gave a word without text.")

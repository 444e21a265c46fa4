"""What a format could not carry of a document.

The names are short and stable, so that they fit into a response header: `loudness`, `pitch`, `centroid`,
`confidence`, `word-speakers`, `marks`, `flags`, `lint`, `findings`, `statistics`, `speaker-details`, `duration`.
Only what the document really holds can be lost.
"""

from collections.abc import Iterator

from madang.subtitles.document import Cue, Document, Word


def lost_measures(document: Document) -> Iterator[str]:
    """Losses of every format that keeps nothing but text, times and the speaker of a cue."""
    words = [(cue, word) for cue in document.cues for word in cue.words]
    for name, holds in _WORD_FIELDS:
        if any(holds(cue, word) for cue, word in words):
            yield name
    if any(cue.lint for cue in document.cues):
        yield "lint"
    if document.findings:
        yield "findings"
    if document.statistics.loudness.count or document.statistics.pitch.count:
        yield "statistics"
    if any(speaker.color or speaker.role or speaker.off_camera for speaker in document.speakers):
        yield "speaker-details"
    yield "duration"


def _has_other_voice(cue: Cue, word: Word) -> bool:
    return word.speaker != cue.speaker


_WORD_FIELDS = (
    ("loudness", lambda _, word: word.loudness_db is not None),
    ("pitch", lambda _, word: word.pitch_hz is not None),
    ("centroid", lambda _, word: word.centroid_hz is not None),
    ("confidence", lambda _, word: word.confidence is not None),
    ("word-speakers", _has_other_voice),
    ("marks", lambda _cue, _word: True),
    ("flags", lambda _, word: bool(word.flags)),
)

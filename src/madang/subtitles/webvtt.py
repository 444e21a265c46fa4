"""Writing WebVTT (W3C, https://www.w3.org/TR/webvtt1/), with voice spans and the time of every word."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from madang.subtitles.document import Cue, Document, Word
from madang.subtitles.losses import lost_measures
from madang.subtitles.text import clean, join, separator


class WebVtt(NamedTuple):
    """A WebVTT file as text, and the names of what it could not carry."""

    text: str
    losses: tuple[str, ...]


def to_webvtt(document: Document) -> WebVtt:
    """The document as WebVTT. Times are rounded to milliseconds, the finest the format has.

    Lines of a cue are written as they stand; its words add their times where they spell the same lines, otherwise
    `word-times` is among the losses.
    """
    voices = {speaker.id: speaker.name or speaker.id for speaker in document.speakers}
    blocks = ["WEBVTT", _note(document), *(_block(cue, voices) for cue in document.cues)]
    return WebVtt("\n\n".join(blocks) + "\n", (*_lost_times(document), *lost_measures(document)))


def timestamp(milliseconds: int) -> str:
    """A WebVTT timestamp (§3.3); hours have two digits or, past 99, as many as they need."""
    seconds, fraction = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{fraction:03}"


def escape(text: str) -> str:
    """Text safe in a cue, a voice name or a comment (§3.4): no markup, no `-->`, no line end, no NUL."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _note(document: Document) -> str:
    engine = document.engine
    model = f" ({engine.model})" if engine.model else ""
    lines = [f"Engine: {engine.name} {engine.version}{model}"]
    lines += [f"Language: {document.language}"] if document.language else []
    lines += [f"Reason: {document.reason}"] if document.reason else []
    lines += [f"Document: version {document.version}, revision {document.revision}"]
    return "\n".join(["NOTE", *map(escape, lines)])


def _block(cue: Cue, voices: Mapping[str, str]) -> str:
    start, end = _cue_times(cue)
    voice = f"<v {escape(voices[cue.speaker])}>" if cue.speaker else ""
    timing = f"{timestamp(start)} --> {timestamp(end)}"
    return f"{cue.id}\n{timing}\n{voice}{_payload(cue, start, end)}"


def _cue_times(cue: Cue) -> tuple[int, int]:
    """Start and end in milliseconds; the end is always after the start (§3.3), however short the cue."""
    start, end = _milliseconds(cue.start), _milliseconds(cue.end)
    return start, max(end, start + 1)


def _payload(cue: Cue, start: int, end: int) -> str:
    rows = _words_by_line(cue)
    if rows is None:
        return "\n".join(map(escape, cue.lines))
    clock = _Clock(start, end)
    return "\n".join(_timed_line(row, clock) for row in rows)


def _timed_line(words: Sequence[Word], clock: "_Clock") -> str:
    line, last = "", ""
    for word in words:
        line += separator(last, word.text) + clock.tag(word) + escape(word.text)
        last = word.text
    return line


class _Clock:
    """Gives inline timestamps, each within the cue and later than the one before, as §3.4 demands."""

    def __init__(self, start: int, end: int) -> None:
        self._last = start
        self._end = end

    def tag(self, word: Word) -> str:
        moment = _milliseconds(word.start)
        if not self._last < moment < self._end:
            return ""
        self._last = moment
        return f"<{timestamp(moment)}>"


def _words_by_line(cue: Cue) -> list[list[Word]] | None:
    """The words standing on each line, or nothing where lines and words were edited apart."""
    words = [word for word in cue.words if word.text]
    rows: list[list[Word]] = []
    for line in cue.lines:
        row: list[Word] = []
        while words and len(join(word.text for word in row)) < len(line):
            row.append(words.pop(0))
        if join(word.text for word in row) != line:
            return None
        rows.append(row)
    return None if words else rows


def _lost_times(document: Document) -> Iterator[str]:
    if any(cue.words and _words_by_line(cue) is None for cue in document.cues):
        yield "word-times"
    if any(cue.words for cue in document.cues):
        yield "word-ends"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)

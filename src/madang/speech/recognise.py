"""One speech span to measured words: recognise, guard the times, measure, place on the media's timeline."""

from collections.abc import Callable
from dataclasses import replace

from madang.speech.activity import Span
from madang.speech.engines import Recogniser
from madang.speech.guards import GuardedWord, guard_times
from madang.speech.measure import Features, measure_word
from madang.speech.transcript import Word


def hear(recogniser: Recogniser, span: Span, on_progress: Callable[[float], None]) -> list[Word]:
    """Return the words of a span at media time; loudness is absolute until all spans are heard."""
    words = guard_times(recogniser.recognise(span.samples, on_progress), span.speech)
    if not words:
        return []
    features = Features.of(span.samples)
    return [_placed(word, measure_word(features, word.word), span.start) for word in words]


def _placed(guarded: GuardedWord, word: Word, offset: float) -> Word:
    marks = replace(word.marks, time="estimated") if guarded.is_corrected else word.marks
    start, end = round(word.start + offset, 3), round(word.end + offset, 3)
    return replace(word, start=start, end=end, marks=marks, flags=guarded.flags)

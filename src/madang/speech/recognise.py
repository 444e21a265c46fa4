"""One speech span to measured words: recognise, guard the times, measure, place on the media's timeline."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from madang.speech.activity import Span
from madang.speech.audio import Flags
from madang.speech.engines import Recogniser
from madang.speech.guards import GuardedWord, guard_times
from madang.speech.measure import Features, measure_word
from madang.speech.transcript import Word

NEAR = 17
"""Frames of 30 ms: half a second."""


def hear(recogniser: Recogniser, span: Span, on_progress: Callable[[float], None]) -> list[Word]:
    """Return the words of a span at media time; loudness is absolute until all spans are heard."""
    words = recogniser.recognise(span.samples, on_progress)
    if not words:
        return []
    features = Features.of(span.samples)
    guarded = guard_times(words, voiced_speech(span.speech, features.pitch.voiced))
    return [_placed(word, measure_word(features, word.word), span.start) for word in guarded]


def voiced_speech(speech: Flags, voiced: Flags) -> Flags:
    """Return the decisions of voice activity with a pitch within half a second.

    The detector takes steady loud noise for speech, and a recogniser then finds words in it; speech is never without
    voice that long, unless it is whispered. `speech` has one frame per 30 ms, `voiced` one per 10 ms.
    """
    has_pitch = np.logical_or.reduceat(voiced, np.arange(0, len(speech) * 3, 3))
    nearby = np.convolve(has_pitch, np.ones(2 * NEAR + 1), mode="full")[NEAR : NEAR + len(speech)]
    return speech & (nearby > 0)


def _placed(guarded: GuardedWord, word: Word, offset: float) -> Word:
    marks = replace(word.marks, time="estimated") if guarded.is_corrected else word.marks
    start, end = round(word.start + offset, 3), round(word.end + offset, 3)
    return replace(word, start=start, end=end, marks=marks, flags=guarded.flags)

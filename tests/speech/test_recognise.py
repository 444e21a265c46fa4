"""One span to words: what the recogniser says is checked against the sound."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from madang.speech.activity import FRAME, Span
from madang.speech.engines import open_engine
from madang.speech.recognise import hear, voiced_speech
from madang.speech.transcript import Engine, TimedWord
from tests.speech.synthesis import SpokenWord, record


@dataclass
class Prompter:
    """An engine that says what it was given, whatever it hears: what a looping or dreaming recogniser does."""

    words: list[TimedWord]
    engine: Engine = field(default_factory=lambda: Engine("prompter", "1", "none"))
    languages: ClassVar[tuple[str, ...]] = ("en",)

    def recognise(self, samples: NDArray[np.float32], on_progress: Callable[[float], None]) -> list[TimedWord]:
        on_progress(float(samples.size > 0))
        return self.words


def ignore(share: float) -> None:
    """Take a report of progress and do nothing."""


def span_of(samples: NDArray[np.float32], start: float = 0.0) -> Span:
    """A span the detector took for speech from end to end."""
    whole = samples[: len(samples) // FRAME * FRAME]
    return Span(start, whole, np.ones(len(whole) // FRAME, np.bool_))


def test_words_are_placed_on_the_time_of_the_media() -> None:
    recording = record([SpokenWord("mother", 100, 50), SpokenWord("father", 100, 50)])
    words = hear(Prompter([truth.timed for truth in recording.words]), span_of(recording.samples, 100.0), ignore)
    assert [word.start for word in words] == [pytest.approx(100 + truth.start, abs=0.001) for truth in recording.words]
    assert [word.flags for word in words] == [(), ()]


def test_words_dreamt_up_over_noise_are_flagged() -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 10 * 16_000).astype(np.float32)
    dreamt = Prompter([TimedWord("if", 0.1, 3.9), TimedWord("only", 4.0, 4.4)])
    long, short = hear(dreamt, span_of(noise), ignore)
    assert "over-silence" in long.flags
    assert "over-silence" in short.flags
    assert long.end - long.start <= 2.5
    assert long.marks.time == "estimated"


def test_corrected_time_is_marked_as_estimated() -> None:
    recording = record([SpokenWord("mother", 100, 50)])
    start, end = recording.words[0].start, recording.words[0].end
    said = Prompter([TimedWord("mother", start, end), TimedWord("mother", start, end)])
    first, second = hear(said, span_of(recording.samples), ignore)
    assert (first.marks.time, second.marks.time) == ("measured", "estimated")


def test_voice_half_a_second_away_still_counts() -> None:
    speech, voiced = np.ones(100, np.bool_), np.zeros(300, np.bool_)
    voiced[150:160] = True
    kept = np.flatnonzero(voiced_speech(speech, voiced)) * 0.03
    assert kept[0] == pytest.approx(1.0, abs=0.04)
    assert kept[-1] == pytest.approx(2.1, abs=0.04)


@pytest.mark.parametrize("count", [0, 1, 479, 8000])
def test_embedded_engine_takes_any_length(count: int) -> None:
    assert open_engine("pocketsphinx").recognise(np.zeros(count, np.float32), ignore) == []


def test_engine_hears_the_same_again() -> None:
    recording = record([SpokenWord(text, 100, 50) for text in ("open", "the", "window", "before", "the", "rain")])
    noise = np.random.default_rng(1).normal(0, 0.1, 4 * 16_000).astype(np.float32)
    engine = open_engine("pocketsphinx")
    samples = np.tile(recording.samples, 2)
    before = engine.recognise(samples, ignore)
    engine.recognise(noise, ignore)
    assert engine.recognise(samples, ignore) == before

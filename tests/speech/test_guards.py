"""Doubtful words are corrected or flagged, never silently believed and never deleted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.speech.guards import find_loops, findings_of, flag_loops, guard_times
from madang.speech.transcript import Marks, TimedWord, Word

SPEECH = np.ones(400, np.bool_)  # 12 s
MARKS = Marks("measured", "missing", "missing", "missing")


def words_of(text: str) -> tuple[Word, ...]:
    """Words of half a second each."""
    return tuple(
        Word(token, index / 2, index / 2 + 0.5, None, None, None, None, None, None, None, MARKS)
        for index, token in enumerate(text.split())
    )


def test_good_times_pass_untouched() -> None:
    words = [TimedWord("ask", 0.5, 0.9), TimedWord("not", 0.9, 1.2)]
    guarded = guard_times(words, SPEECH)
    assert [item.word for item in guarded] == words
    assert not any(item.is_corrected or item.flags for item in guarded)


@pytest.mark.parametrize(("start", "end"), [(1.0, 1.0), (1.0, 0.5), (-1.0, 0.2), (0.2, 0.6)])
def test_times_out_of_order_are_corrected_and_flagged(start: float, end: float) -> None:
    first, second = guard_times([TimedWord("so", 0.4, 0.8), TimedWord("my", start, end)], SPEECH)
    assert first.word.end <= second.word.start < second.word.end
    assert second.is_corrected
    assert "time-corrected" in second.flags


@given(st.lists(st.tuples(st.floats(-1, 12), st.floats(-1, 12)), max_size=20))
def test_guarded_times_are_always_monotonic(times: list[tuple[float, float]]) -> None:
    guarded = [item.word for item in guard_times([TimedWord("x", *pair) for pair in times], SPEECH)]
    edges = [edge for word in guarded for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(word.start < word.end for word in guarded)


def test_long_word_over_mostly_silence_is_shortened_to_its_sound() -> None:
    speech = np.zeros(400, np.bool_)
    speech[30:50] = True  # 0.9 s to 1.5 s
    (item,) = guard_times([TimedWord("country", 0.9, 5.0)], speech)
    assert item.word.end == pytest.approx(1.5, abs=0.031)
    assert item.is_corrected
    assert item.flags == ("shortened",)


def test_truly_stretched_word_keeps_its_length() -> None:
    (item,) = guard_times([TimedWord("goal", 1.0, 6.0)], SPEECH)
    assert item.word.end == 6.0
    assert item.flags == ()


@pytest.mark.parametrize("start", [2.0, 50.0])
def test_word_over_silence_or_beyond_the_audio_is_flagged(start: float) -> None:
    (item,) = guard_times([TimedWord("ghost", start, start + 0.4)], np.zeros(400, np.bool_))
    assert item.flags == ("over-silence",)


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        ("thank you thank you thank you thank you goodbye", range(8)),
        ("well no no no no no then", range(1, 6)),
        ("and ask what you can ask what you can ask what you can do", range(1, 13)),
    ],
)
def test_loops_are_found(text: str, loop: range) -> None:
    assert find_loops(words_of(text)) == [loop]


@pytest.mark.parametrize("text", ["no no no never", "ask not what your country can do ask what you can do", ""])
def test_ordinary_repetition_is_no_loop(text: str) -> None:
    assert find_loops(words_of(text)) == []


def test_loop_is_flagged_on_its_words_and_reported_once() -> None:
    words = flag_loops(words_of("yes la la la la la la end"))
    assert [word.flags for word in words] == [(), *[("repeated",)] * 6, ()]
    (finding,) = findings_of(words)
    assert (finding.code, finding.start, finding.end) == ("repeated-words", 0.5, 3.5)

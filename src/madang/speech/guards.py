"""Checks on what a recogniser says: times in order, no word over silence, no endless word, no loop.

Nothing is deleted. A corrected time is marked `estimated`; everything doubtful is flagged on the word and reported as
a finding, so that a person can look.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from madang.speech.activity import FRAME
from madang.speech.audio import RATE, Flags
from madang.speech.transcript import Finding, TimedWord, Word

SHORTEST = 0.01
LONGEST = 2.5
"""Seconds a word may last unless speech truly fills it."""
STRETCHED = 0.6
"""Share of speech frames from which a long word counts as stretched."""
SILENT = 0.25
"""Share of speech frames below which a word lies over silence."""
REPEATS = {1: 5, 2: 4, 3: 3, 4: 3, 5: 3, 6: 3, 7: 3, 8: 3}
"""Repetitions in a row, by words in the phrase, that people hardly ever say and recognisers fall into."""


@dataclass(frozen=True, slots=True)
class GuardedWord:
    """A word whose times hold, with what had to be done or doubted."""

    word: TimedWord
    is_corrected: bool
    flags: tuple[str, ...]


def guard_times(words: Sequence[TimedWord], speech: Flags) -> list[GuardedWord]:
    """Make start < end and starts and ends never step back; flag words over silence and shorten endless ones.

    `words` are in seconds from the first frame of `speech` (30 ms each, voice activity).
    """
    guarded: list[GuardedWord] = []
    previous = 0.0
    for word in words:
        guarded.append(_guarded(word, previous, speech))
        previous = guarded[-1].word.end
    return guarded


def find_loops(words: Sequence[Word]) -> list[range]:
    """Return the index ranges in which a phrase of one to eight words repeats more often than people say it."""
    texts = [word.text.casefold() for word in words]
    loops: list[range] = []
    index = 0
    while index < len(texts):
        length = max((_loop_length(texts, index, size) for size in REPEATS), default=0)
        if length:
            loops.append(range(index, index + length))
        index += max(1, length)
    return loops


def flag_loops(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words with `repeated` on those inside a loop."""
    inside = {index for loop in find_loops(words) for index in loop}
    return tuple(
        replace(word, flags=(*word.flags, "repeated")) if index in inside else word for index, word in enumerate(words)
    )


def findings_of(words: Sequence[Word]) -> list[Finding]:
    """Return one finding per loop and per flagged word, in order of time."""
    found = [
        Finding("repeated-words", words[loop[0]].start, words[loop[-1]].end, "the same words repeat; is this a loop?")
        for loop in find_loops(words)
    ]
    found += [
        Finding(flag, word.start, word.end, DETAILS[flag].format(word.text))
        for word in words
        for flag in word.flags
        if flag in DETAILS
    ]
    return sorted(found, key=lambda finding: finding.start)


DETAILS = {
    "over-silence": "the word {0!r} lies where no voice was found",
    "time-corrected": "the time of the word {0!r} was out of order and is estimated",
    "shortened": "the word {0!r} lasted longer than its sound; its end is estimated",
}


def _guarded(word: TimedWord, previous: float, speech: Flags) -> GuardedWord:
    flags: list[str] = []
    start = max(word.start, previous)
    end = max(word.end, start + SHORTEST)
    if (start, end) != (word.start, word.end):
        flags.append("time-corrected")
    inside = _inside(speech, start, end)
    if end - start > LONGEST and inside.mean() < STRETCHED:
        end = start + _sounding(inside)
        flags.append("shortened")
    if _inside(speech, start, end).mean() < SILENT:
        flags.append("over-silence")
    is_corrected = "time-corrected" in flags or "shortened" in flags
    return GuardedWord(replace(word, start=start, end=end), is_corrected, tuple(flags))


def _inside(speech: Flags, start: float, end: float) -> Flags:
    """Return the decisions from `start` to `end`; beyond the audio there is no speech."""
    first = int(start * RATE / FRAME)
    last = max(first + 1, int(np.ceil(end * RATE / FRAME)))
    return np.pad(speech[first:last], (0, last - first - len(speech[first:last])))


def _sounding(inside: Flags) -> float:
    """Return the seconds up to the end of the word's first stretch of speech, at most LONGEST."""
    frames = np.flatnonzero(inside)
    if not frames.size:
        return LONGEST
    gaps = np.flatnonzero(np.diff(frames) > 1)
    last = frames[gaps[0]] if gaps.size else frames[-1]
    return min(LONGEST, float(last + 1) * FRAME / RATE)


def _loop_length(texts: Sequence[str], index: int, size: int) -> int:
    """Return how many words from `index` on repeat the phrase of `size` words there; 0 when that is no loop."""
    end = index + size
    while end < len(texts) and texts[end] == texts[end - size]:
        end += 1
    repeats = (end - index) // size
    return repeats * size if repeats >= REPEATS[size] else 0

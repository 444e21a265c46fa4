"""Cutting recognised words into cues.

Speakers and long silences always end a cue. Within such a run the cheapest division is found by dynamic programming:
cues end where the text or a pause ends a phrase, hold as much as the profile allows, and are long enough to be read.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise

from madang.subtitles.boundaries import strength
from madang.subtitles.document import Cue, Word
from madang.subtitles.lines import LineFiller, break_lines
from madang.subtitles.lint import linted
from madang.subtitles.profiles import Profile
from madang.subtitles.text import join

# Longer than the shortest cue plus its gap, so that a cue before such a silence always has room to be read.
_SILENCE = 1.0
# An unknown voice of at most so many words between words of one speaker is a slip of the speaker detection.
_SLIP = 2
_FRAME = 1 / 24

# Costs are relative to one more cue (cost 1).
_CUT = 3.0
_RUN_ON = 2.5
_TOO_SHORT = 3.0
_EMPTINESS = 0.5


def segment(words: Iterable[Word], profile: Profile, *, duration: float | None = None) -> list[Cue]:
    """Cues that hold every word with text exactly once, in order of start, linted by the profile.

    No cue overlaps the next. A cue ends with its last word; it stays longer only to reach the profile's shortest
    duration, as far as the next cue and the end of the media (`duration`, seconds) leave room, and ends up to one gap
    earlier where the next cue follows at once. Where voices overlap, the later cue waits until the earlier was visible.
    """
    spoken = sorted((word for word in words if word.text), key=lambda word: word.start)
    groups = [group for run in _runs(spoken) for group in _divide(run, profile)]
    return linted(_timed(groups, profile, duration), profile)


def _runs(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Stretches of one voice without a long silence."""
    run: list[Word] = []
    voices = _voices(words)
    for index, word in enumerate(words):
        if run and (voices[index] != voices[index - 1] or word.start - run[-1].end >= _SILENCE):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _voices(words: Sequence[Word]) -> list[str | None]:
    """Who speaks at each word, with slips of the speaker detection bridged. The words themselves keep theirs."""
    turns = [(speaker, len(list(turn))) for speaker, turn in groupby(words, key=lambda word: word.speaker)]
    voices: list[str | None] = []
    for index, (speaker, length) in enumerate(turns):
        between = 0 < index < len(turns) - 1 and turns[index - 1][0] == turns[index + 1][0]
        is_slip = speaker is None and length <= _SLIP and between
        voices += [turns[index - 1][0] if is_slip else speaker] * length
    return voices


def _divide(run: Sequence[Word], profile: Profile) -> list[list[Word]]:
    """The run as groups of words, one per cue, at least cost."""
    strengths = [strength(left, right) for left, right in pairwise(run)]
    run_on = [0.0, *accumulate(_RUN_ON * value**2 for value in strengths)]
    widths = [profile.measure(word.text) for word in run]
    best = [0.0] + [float("inf")] * len(run)
    origin = [0] * (len(run) + 1)
    for start in range(len(run)):
        for end, fill in _reach(run, widths, start, profile):
            cut = _CUT * (1 - strengths[end - 1]) if end < len(run) else 0.0
            cost = best[start] + 1 + cut + run_on[end - 1] - run_on[start] + _EMPTINESS * (1 - fill) ** 2
            cost += _TOO_SHORT * _is_too_short(run, start, end, profile)
            if cost < best[end]:
                best[end], origin[end] = cost, start
    return _trace(run, origin)


def _trace(run: Sequence[Word], origin: Sequence[int]) -> list[list[Word]]:
    groups: list[list[Word]] = []
    end = len(run)
    while end:
        groups.append(list(run[origin[end] : end]))
        end = origin[end]
    return groups[::-1]


def _reach(run: Sequence[Word], widths: Sequence[float], start: int, profile: Profile) -> Iterator[tuple[int, float]]:
    """How far a cue from `start` may reach, with the share of its room it then fills; one word is always allowed."""
    filler = LineFiller(profile)
    room = profile.characters_per_line * profile.lines
    filled = latest = 0.0
    for end in range(start + 1, len(run) + 1):
        word = run[end - 1]
        filler.add(word.text, widths[end - 1])
        filled += widths[end - 1]
        latest = max(latest, word.end)
        too_long = latest - run[start].start > profile.max_duration
        if end > start + 1 and (filler.lines > profile.lines or too_long):
            return
        yield end, min(1.0, filled / room)


def _is_too_short(run: Sequence[Word], start: int, end: int, profile: Profile) -> bool:
    """Whether the cue could not be shown for the shortest duration before the run goes on."""
    return end < len(run) and run[end].start - profile.gap - run[start].start < profile.min_duration


def _timed(groups: Sequence[Sequence[Word]], profile: Profile, duration: float | None) -> list[Cue]:
    starts = _starts(groups, profile)
    ends = _ends(groups, starts, profile, duration)
    return [
        _cue(f"c{number}", group, start, end, profile)
        for number, (group, start, end) in enumerate(zip(groups, starts, ends, strict=True), 1)
    ]


def _starts(groups: Sequence[Sequence[Word]], profile: Profile) -> list[float]:
    """When each cue appears: with its first word, or just after the one before it could be seen at all."""
    starts: list[float] = []
    for group in groups:
        earliest = starts[-1] + profile.gap + _FRAME if starts else 0.0
        starts.append(max(group[0].start, earliest))
    return starts


def _ends(
    groups: Sequence[Sequence[Word]], starts: Sequence[float], profile: Profile, duration: float | None
) -> list[float]:
    ends = []
    for index, (group, start) in enumerate(zip(groups, starts, strict=True)):
        spoken = max(word.end for word in group)
        readable = start + profile.min_duration
        if duration is not None:
            readable = min(readable, duration)
        end = max(spoken, readable, start + _FRAME)
        if index + 1 < len(starts):
            end = min(end, starts[index + 1] - profile.gap)
        ends.append(round(end, 3))
    return ends


def _cue(identifier: str, group: Sequence[Word], start: float, end: float, profile: Profile) -> Cue:
    texts = [word.text for word in group]
    return Cue(
        id=identifier,
        start=start,
        end=end,
        speaker=next((word.speaker for word in group if word.speaker), None),
        text=join(texts),
        lines=break_lines(texts, profile),
        words=tuple(group),
    )

"""Breaking the text of a cue into lines."""

from collections.abc import Iterator, Sequence

from madang.subtitles.boundaries import text_strength
from madang.subtitles.profiles import Profile
from madang.subtitles.text import join, separator

# Costs are relative to one line that misses the ideal width by the whole limit (cost 1).
_BREAK = 0.4
_ORPHAN = 0.5
_TOP_HEAVY = 0.05


def break_lines(words: Sequence[str], profile: Profile) -> tuple[str, ...]:
    """The fewest lines that hold the words, balanced, broken where the text breaks most naturally.

    One line stays one line while it fits; a word wider than a line stands alone on its own. The result may have more
    lines than the profile allows when the text is too long for it: the lint says so.
    """
    filler = LineFiller(profile)
    for word in words:
        filler.add(word, profile.measure(word))
    if filler.lines <= 1:
        return (join(words),) if words else ()
    return tuple(join(words[start:end]) for start, end in _cheapest(words, filler.lines, profile))


class LineFiller:
    """Counts the fewest lines words need while they arrive one by one, filling each line before the next."""

    def __init__(self, profile: Profile) -> None:
        self.lines = 0
        self.width = 0.0
        self._profile = profile
        self._space = profile.measure(" ")
        self._last = ""

    def add(self, word: str, width: float) -> None:
        """Place a word of this width on the current line, or on a new one if it does not fit."""
        longer = self.width + width + (self._space if separator(self._last, word) else 0.0)
        if self.lines and longer <= self._profile.characters_per_line:
            self.width = longer
        else:
            self.lines += 1
            self.width = width
        self._last = word


_Plan = tuple[float, list[tuple[int, int]]]


def _cheapest(words: Sequence[str], count: int, profile: Profile) -> list[tuple[int, int]]:
    """Spans of words per line, by dynamic programming over (number of lines, words placed)."""
    limit = profile.characters_per_line
    ideal = profile.measure(join(words)) / count
    best: dict[int, _Plan] = {0: (0.0, [])}
    for _ in range(count):
        placed: dict[int, _Plan] = {}
        for start, (cost, spans) in best.items():
            for end, width in _line_ends(words, start, profile):
                total = cost + _line_cost(words, start, end, missed=(width - ideal) / limit, is_wide=width >= limit / 4)
                if end not in placed or total < placed[end][0]:
                    placed[end] = (total, [*spans, (start, end)])
        best = placed
    return best[len(words)][1]


def _line_ends(words: Sequence[str], start: int, profile: Profile) -> Iterator[tuple[int, float]]:
    """Every end a line from `start` may have, with the width it then has; one word is always allowed."""
    filler = LineFiller(profile)
    for end in range(start + 1, len(words) + 1):
        filler.add(words[end - 1], profile.measure(words[end - 1]))
        if filler.lines > 1:
            return
        yield end, filler.width


def _line_cost(words: Sequence[str], start: int, end: int, *, missed: float, is_wide: bool) -> float:
    """Cost of one line; `missed` is how far it is from the ideal width, in widths of a full line."""
    cost = missed**2
    if end - start == 1 and not is_wide:
        cost += _ORPHAN
    if start:
        cost += _BREAK * (1 - text_strength(words[start - 1], words[start]))
    elif missed > 0:
        cost += _TOP_HEAVY
    return cost

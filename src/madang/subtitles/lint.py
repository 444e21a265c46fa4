"""Judging a cue by the limits of a profile."""

from collections.abc import Iterator, Sequence

from madang.subtitles.document import Cue, LintFinding
from madang.subtitles.profiles import Profile

# Formats write milliseconds, so a smaller transgression is nothing but rounding.
_TOLERANCE = 0.001


def lint(cue: Cue, following: Cue | None, profile: Profile) -> list[LintFinding]:
    """Every limit the cue breaks, in a fixed order.

    Rules: `characters-per-line`, `lines`, `characters-per-second`, `minimum-duration`, `maximum-duration` (seconds)
    and `gap` (seconds to the following cue, negative where they overlap).
    """
    return [*_layout(cue, profile), *_timing(cue, profile), *_gap(cue, following, profile)]


def linted(cues: Sequence[Cue], profile: Profile) -> list[Cue]:
    """The same cues with their findings stored in them."""
    followers = [*cues[1:], None]
    return [
        cue.model_copy(update={"lint": tuple(lint(cue, following, profile))})
        for cue, following in zip(cues, followers, strict=False)
    ]


def _layout(cue: Cue, profile: Profile) -> Iterator[LintFinding]:
    widest = max(profile.measure(line) for line in cue.lines)
    if widest > profile.characters_per_line:
        yield LintFinding(rule="characters-per-line", value=widest, limit=profile.characters_per_line)
    if len(cue.lines) > profile.lines:
        yield LintFinding(rule="lines", value=len(cue.lines), limit=profile.lines)


def _timing(cue: Cue, profile: Profile) -> Iterator[LintFinding]:
    duration = cue.end - cue.start
    speed = profile.measure(cue.text) / duration
    if profile.measure(cue.text) > profile.characters_per_second * (duration + _TOLERANCE):
        yield LintFinding(rule="characters-per-second", value=round(speed, 3), limit=profile.characters_per_second)
    if duration < profile.min_duration - _TOLERANCE:
        yield LintFinding(rule="minimum-duration", value=round(duration, 3), limit=round(profile.min_duration, 3))
    if duration > profile.max_duration + _TOLERANCE:
        yield LintFinding(rule="maximum-duration", value=round(duration, 3), limit=profile.max_duration)


def _gap(cue: Cue, following: Cue | None, profile: Profile) -> Iterator[LintFinding]:
    if following is None:
        return
    gap = following.start - cue.end
    if gap < profile.gap - _TOLERANCE:
        yield LintFinding(rule="gap", value=round(gap, 3), limit=round(profile.gap, 3))

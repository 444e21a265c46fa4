"""The limits a caption is cut and judged by, one profile per style guide."""

from collections.abc import Callable
from dataclasses import dataclass

from madang.subtitles.errors import UnknownProfile
from madang.subtitles.text import characters, half_width_characters

# Two frames at 23.976 frames/s, the slowest usual rate, so the gap is wide enough at every faster one.
_TWO_FRAMES = 2 * 1001 / 24000


@dataclass(frozen=True)
class Profile:
    """Limits of one style guide. Times in seconds; `measure` counts characters the guide's way."""

    name: str
    characters_per_line: float
    lines: int
    characters_per_second: float
    min_duration: float
    max_duration: float
    gap: float
    italics: bool
    measure: Callable[[str], float]


# Source: Netflix Timed Text Style Guide, General Requirements and the English guide (adult programmes).
NETFLIX_GENERAL = Profile(
    name="netflix-general",
    characters_per_line=42,
    lines=2,
    characters_per_second=20,
    min_duration=5 / 6,
    max_duration=7,
    gap=_TWO_FRAMES,
    italics=True,
    measure=characters,
)

# Source: Netflix Korean Timed Text Style Guide (adult programmes).
NETFLIX_KOREAN = Profile(
    name="netflix-korean",
    characters_per_line=16,
    lines=2,
    characters_per_second=12,
    min_duration=5 / 6,
    max_duration=7,
    gap=_TWO_FRAMES,
    italics=False,
    measure=half_width_characters,
)

PROFILES = {profile.name: profile for profile in (NETFLIX_GENERAL, NETFLIX_KOREAN)}
_BY_LANGUAGE = {"ko": NETFLIX_KOREAN, "kor": NETFLIX_KOREAN}


def profile_named(name: str) -> Profile:
    """The profile of this name; raises `UnknownProfile` with the names that exist."""
    if name not in PROFILES:
        raise UnknownProfile(name, PROFILES)
    return PROFILES[name]


def profile_for(language: str | None) -> Profile:
    """The profile of a BCP 47 language tag (`ko`, `ko-KR`, `en`…); the general one where none is specific."""
    primary = (language or "").replace("_", "-").split("-")[0].lower()
    return _BY_LANGUAGE.get(primary, NETFLIX_GENERAL)

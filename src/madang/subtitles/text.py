"""Text as captions need it: clean, joined as its script is written, and counted as style guides count."""

import re
import unicodedata
from collections.abc import Iterable

from wcwidth import iter_graphemes, wcswidth

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Scripts written without spaces between words: Thai, Lao, Myanmar, Khmer, and the ideographs, kana and full-width
# forms of Chinese and Japanese. Hangul is absent because Korean puts spaces between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uffef\U00020000-\U0003134f]"
)


def clean(text: str) -> str:
    """One line of displayable text.

    Every run of white space, line ends included, becomes one space. Any other control character becomes U+FFFD, as
    the WebVTT parser does with NUL (W3C WebVTT §6.1): XML, PostgreSQL and terminals refuse or obey the raw ones.
    """
    return _CONTROL.sub("\ufffd", " ".join(text.split()))


def join(words: Iterable[str]) -> str:
    """Words as one text, with a space between them unless both neighbours belong to a script without spaces."""
    text = ""
    for word in words:
        text = f"{text}{separator(text, word)}{word}"
    return text


def separator(left: str, right: str) -> str:
    """What stands between two neighbouring words: a space or nothing."""
    if not left or not right:
        return ""
    return "" if _UNSPACED.match(left[-1]) and _UNSPACED.match(right[0]) else " "


def characters(text: str) -> float:
    """Characters as a reader sees them: extended grapheme clusters (Unicode UAX #29)."""
    return float(sum(1 for _ in iter_graphemes(text)))


def half_width_characters(text: str) -> float:
    """Characters as the Korean style guide counts them: narrow ones (Latin, digits, spaces) and punctuation half.

    Source: Netflix Korean Timed Text Style Guide, "Character Limitation".
    """
    return sum(0.5 if _is_half(grapheme) else 1.0 for grapheme in iter_graphemes(text))


def _is_half(grapheme: str) -> bool:
    return wcswidth(grapheme) <= 1 or unicodedata.category(grapheme[0]).startswith("P")

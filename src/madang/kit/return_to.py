"""Where a sign-in leads back to: a place on our own origins, and nothing that a browser could read as another."""

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from madang.kit.urls import origin_of

LONGEST_RETURN = 2000
_LAYERS = 3
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029]")


def is_safe_return(target: str, origins: Collection[str]) -> bool:
    """Whether it is a local path with one leading slash, or an absolute URL on one of the origins.

    Browsers drop control characters, read `\\` as `/` and take `//host` for another site, so all three are refused,
    also when they are percent-encoded, since whoever receives the path may decode it (RFC 9700 §4.11).
    """
    if len(target) > LONGEST_RETURN:
        return False
    try:
        return all(_is_safe(reading, origins) for reading in _readings(target))
    except ValueError:
        return False


def _readings(target: str) -> list[str]:
    """The text itself, and its path decoded once, twice and so on; the query is data and is not decoded."""
    path, mark, query = target.partition("?")
    readings = [path + mark + query]
    for _ in range(_LAYERS):
        path = unquote(path)
        readings.append(path)
    return readings


def _is_safe(target: str, origins: Collection[str]) -> bool:
    if _FORBIDDEN.search(target):
        return False
    parts = urlsplit(target)
    if "//" in parts.path:
        return False
    if target.startswith("/"):
        return not target.startswith("//")
    return "@" not in parts.netloc and origin_of(target) in origins

"""Keys of stored files: relative paths of our own making, never a client's text."""

import re

from madang.backends.storage.base import InvalidKey

_LONGEST_KEY = 200
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def check_key(key: str) -> str:
    """The key itself; no segment may be empty or start with a dot, so none climbs out. Raises `InvalidKey`."""
    if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
        raise InvalidKey(key)
    return key

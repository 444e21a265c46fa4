"""What the port of breached passwords promises."""

import hashlib
from typing import Protocol

PREFIX_LENGTH = 5


class BreachesUnavailable(Exception):
    """The corpus could not be asked; says why."""


class Breaches(Protocol):
    """A corpus of passwords that were seen in breaches, asked by k-anonymity: it never learns the password."""

    async def contains(self, password: str) -> bool:
        """Whether the password was seen; raises `BreachesUnavailable`."""


def split_hash(password: str) -> tuple[str, str]:
    """The first five hexadecimal digits of the SHA-1, which may be told, and the other 35, which stay here."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    return digest[:PREFIX_LENGTH], digest[PREFIX_LENGTH:]


def lists(answer: str, suffix: str) -> bool:
    """Whether a range's lines `SUFFIX:COUNT` name that suffix; padding has the count 0."""
    for line in answer.splitlines():
        found, _, count = line.partition(":")
        if found.strip().upper() == suffix:
            return count.strip() != "0"
    return False

"""Identifiers: UUIDv7 (RFC 9562 §5.7), so that primary keys grow with time."""

import hashlib
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    return uuid7()


def derived_id(at: datetime, text: str) -> UUID:
    """The same UUIDv7 wherever it is made: its time is `at`, and a hash of the text stands for chance."""
    chance = int.from_bytes(hashlib.sha256(text.encode()).digest()[:10])
    high = int(at.timestamp() * 1000) << 16 | 0x7000 | chance >> 64 & 0x0FFF
    low = 0x8000000000000000 | chance & 0x3FFFFFFFFFFFFFFF
    return UUID(int=high << 64 | low)

"""A chain of hashes: each link holds the one before it, so that no link can be changed, left out or put in between.

The last link is sealed under a key that the database does not hold; whoever has the database alone can't make another
chain look like the first.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

GENESIS = bytes(32)


def link(previous: bytes, number: int, fields: Sequence[Any]) -> bytes:
    """SHA-256 over the link before, its number and the fields as canonical JSON."""
    text = json.dumps([number, *fields], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


def seal(key: bytes, number: int, last: bytes) -> bytes:
    return hmac.digest(key, number.to_bytes(8) + last, hashlib.sha256)


def is_sealed(keys: Sequence[bytes], number: int, last: bytes, given: bytes) -> bool:
    return any(hmac.compare_digest(seal(key, number, last), given) for key in keys)


def concealed(salt: bytes, fields: Sequence[Any]) -> bytes:
    """What may stay in the chain of fields that will go: nothing can be told from it once the salt is gone."""
    return hashlib.sha256(salt + json.dumps(list(fields), ensure_ascii=False).encode()).digest()

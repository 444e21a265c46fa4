"""Codes and links of mails, recomputed from a row's id rather than stored: a keyed hash (RFC 2104) gives both.

The code is what people type: ten letters and digits without 0/O and 1/I, fifty bits, good for minutes. The link's
token holds the id and 128 bits, good for longer.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from madang.kit import tokens
from madang.kit.secrets import Keyring

PREFIX = "mdl_"
CODE_LENGTH = 10
_MAC_BYTES, _ID_BYTES = 16, 16
_PURPOSE, _INDEX = "mail proof", "mail code"


@dataclass(frozen=True, slots=True)
class MailCode:
    """What one letter carries."""

    code: str
    token: str

    @classmethod
    def of(cls, keyring: Keyring, key_id: bytes, proof_id: UUID) -> Self | None:
        """None when the secret of that id was retired."""
        key = keyring.key(key_id, _PURPOSE)
        if key is None:
            return None
        mac = hmac.digest(key, proof_id.bytes, hashlib.sha256)
        code = tokens.readable(mac[_MAC_BYTES:][:CODE_LENGTH])
        token = tokens.encode(PREFIX, proof_id.bytes + mac[:_MAC_BYTES])
        return cls(code, token)


def proof_of(token: str) -> UUID | None:
    """The row that a link's token names, proven or not; None for what is no such token."""
    try:
        payload = tokens.decode(PREFIX, token)
    except tokens.MalformedToken:
        return None
    return UUID(bytes=payload[:_ID_BYTES]) if len(payload) == _ID_BYTES + _MAC_BYTES else None


def digests_of(keyring: Keyring, typed: str) -> list[bytes]:
    """How a code is stored, under each secret of the installation, the newest first."""
    return keyring.digests(_INDEX, tokens.as_typed(typed))

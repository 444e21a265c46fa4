"""The refresh token: opaque to clients, needs no row of its own, and nothing stored can make one.

Layout: version (1 byte), key id (4), session id (16), counter (8), HMAC-SHA256 (32), then a CRC-32, in base64url.
The HMAC covers salt ‖ session id ‖ counter under a key derived from the installation's secret; the session's row
holds salt and counter. A token is thus recomputed, not looked up, and the answer to a repeated refresh is stable.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from uuid import UUID

from madang.kit import tokens
from madang.kit.secrets import Keyring

PREFIX = "mdr_"
SALT_BYTES = 32
_VERSION = 1
_LAYOUT = struct.Struct(">B4s16sQ32s")
_PURPOSE = "refresh token"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    key_id: bytes
    session_id: UUID
    counter: int
    mac: bytes

    def encode(self) -> str:
        return tokens.encode(PREFIX, _LAYOUT.pack(_VERSION, self.key_id, self.session_id.bytes, self.counter, self.mac))


def parse(text: str) -> RefreshToken:
    """Read a token without proving it; raises `tokens.MalformedToken`."""
    payload = tokens.decode(PREFIX, text)
    if len(payload) != _LAYOUT.size:
        raise tokens.MalformedToken
    version, key_id, session_id, counter, mac = _LAYOUT.unpack(payload)
    if version != _VERSION:
        raise tokens.MalformedToken
    return RefreshToken(key_id, UUID(bytes=session_id), counter, mac)


def make(keyring: Keyring, key_id: bytes, salt: bytes, session_id: UUID, counter: int) -> RefreshToken | None:
    """The token of that counter; None when the secret it was made under has been retired."""
    key = keyring.key(key_id, _PURPOSE)
    if key is None:
        return None
    message = salt + session_id.bytes + struct.pack(">Q", counter)
    return RefreshToken(key_id, session_id, counter, hmac.digest(key, message, hashlib.sha256))


def proves(keyring: Keyring, token: RefreshToken, salt: bytes) -> bool:
    """Whether this installation made the token for the session with that salt."""
    genuine = make(keyring, token.key_id, salt, token.session_id, token.counter)
    return genuine is not None and hmac.compare_digest(genuine.mac, token.mac)

"""Printable tokens whose garbage is recognised without a database: prefix, payload, CRC-32.

The checksum is no secret and proves nothing; it only tells a mistyped token from one worth looking up.
"""

import base64
import binascii
import secrets
import zlib

_LONGEST_TOKEN = 1024
_CHECKSUM_BYTES = 4
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class MalformedToken(ValueError):
    """The text is no token of this kind: wrong prefix, alphabet, length or checksum."""


def encode(prefix: str, payload: bytes) -> str:
    checksum = zlib.crc32(payload).to_bytes(_CHECKSUM_BYTES, "big")
    return prefix + base64.urlsafe_b64encode(payload + checksum).rstrip(b"=").decode()


def decode(prefix: str, token: str) -> bytes:
    if not token.startswith(prefix) or not token.isascii() or len(token) > _LONGEST_TOKEN:
        raise MalformedToken
    body = token[len(prefix) :]
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise MalformedToken from None
    payload, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    if (
        len(raw) <= _CHECKSUM_BYTES
        or zlib.crc32(payload).to_bytes(_CHECKSUM_BYTES, "big") != checksum
        or encode(prefix, payload) != token
    ):
        raise MalformedToken
    return payload


def readable_code(groups: int = 3, length: int = 4) -> str:
    """A code people can type: no 0/O or 1/I, five bits a character, `ABCD-EFGH-JKLM`."""
    return "-".join(readable(secrets.token_bytes(length)) for _ in range(groups))


def readable(random: bytes) -> str:
    """A character for each random byte; 256 is a multiple of the alphabet's 32, so all are as likely."""
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in random)


def as_typed(code: str) -> str:
    """A code as people type it, without what they add or leave out: spaces, dashes, case."""
    return "".join(sign for sign in code.upper() if sign.isalnum())

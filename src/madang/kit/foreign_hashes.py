"""Password hashes that other systems made, verified until their owner signs in and the hash is made anew.

Known: Argon2, bcrypt, Django's `pbkdf2_sha256` and `scrypt`, MD5-crypt. What an attacker could make
expensive has a bound, since a verifier spends whatever the stored hash asks for.
"""

import base64
import binascii
import hashlib
import hmac
import re

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from passlib.hash import md5_crypt
from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.base import ensure_str
from pwdlib.hashers.bcrypt import BcryptHasher

_BCRYPT = re.compile(r"\$2[abxy]\$(?P<rounds>\d\d)\$[A-Za-z0-9+/.]{53}")
_PBKDF2 = re.compile(r"pbkdf2_sha256\$(?P<rounds>\d{1,10})\$(?P<salt>[^$]+)\$(?P<hash>[A-Za-z0-9+/=]+)")
_SCRYPT = re.compile(
    r"scrypt\$(?P<salt>[^$]+)\$(?P<n>\d{1,10})\$(?P<r>\d{1,5})\$(?P<p>\d{1,5})\$(?P<hash>[A-Za-z0-9+/=]+)"
)
_MD5_CRYPT = re.compile(r"\$1\$[./A-Za-z0-9]{0,8}\$[./A-Za-z0-9]{22}")
_BCRYPT_BYTES = 72
_MAX_BCRYPT_ROUNDS = 15
_MAX_PBKDF2_ROUNDS = 3_000_000
_MAX_SCRYPT_BYTES = 256 << 20
_MAX_SCRYPT_LANES = 16
_MAX_ARGON2_KIB = 256 << 10
_MAX_ARGON2_PASSES = 16
_MAX_ARGON2_LANES = 16


class UnusableHash(ValueError):
    """A hash that is of no known kind, or would cost too much to verify; says which."""


class Bcrypt(BcryptHasher):
    """bcrypt reads 72 bytes at most and makers cut there, so the first sign-in does too, and the new hash is whole."""

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - pwdlib's name
        return super().verify(ensure_str(password).encode()[:_BCRYPT_BYTES], hash)


class _Foreign(HasherProtocol):
    """What is only ever verified."""

    pattern: re.Pattern[str]

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002 - pwdlib's name
        return cls.pattern.fullmatch(ensure_str(hash)) is not None

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:  # noqa: ARG002 - pwdlib's protocol
        raise TypeError("new hashes are Argon2id")

    def check_needs_rehash(self, _hash: str | bytes) -> bool:
        return True

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - pwdlib's name
        found = self.pattern.fullmatch(ensure_str(hash))
        if found is None:
            return False
        expected = base64.b64decode(found["hash"])
        return hmac.compare_digest(self._derive(ensure_str(password).encode(), found, len(expected)), expected)

    def _derive(self, password: bytes, found: re.Match[str], length: int) -> bytes:
        raise NotImplementedError


class DjangoPbkdf2(_Foreign):
    pattern = _PBKDF2

    def _derive(self, password: bytes, found: re.Match[str], length: int) -> bytes:
        return hashlib.pbkdf2_hmac("sha256", password, found["salt"].encode(), int(found["rounds"]), length)


class DjangoScrypt(_Foreign):
    pattern = _SCRYPT

    def _derive(self, password: bytes, found: re.Match[str], length: int) -> bytes:
        n, r, p = (int(found[name]) for name in "nrp")
        salt, room = found["salt"].encode(), 2 * _MAX_SCRYPT_BYTES
        return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=room, dklen=length)


class Md5Crypt(_Foreign):
    """The `$1$` hashes of old Unix systems; their cost is fixed."""

    pattern = _MD5_CRYPT

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - pwdlib's name
        try:
            return bool(md5_crypt.verify(ensure_str(password), ensure_str(hash)))
        except ValueError:  # longer than such a system took, or with a NUL in it
            return False


def check_importable(stored: str) -> None:
    """Raises `UnusableHash` unless the hash is of a known kind, whole, and within the bounds of cost."""
    if stored.startswith("$argon2"):
        return _check_argon2(stored)
    if found := _BCRYPT.fullmatch(stored):
        return _bound("bcrypt rounds", int(found["rounds"]), 4, _MAX_BCRYPT_ROUNDS)
    if _MD5_CRYPT.fullmatch(stored):
        return None
    if found := _PBKDF2.fullmatch(stored):
        _bound("PBKDF2 iterations", int(found["rounds"]), 1, _MAX_PBKDF2_ROUNDS)
        return _check_base64(found["hash"])
    if found := _SCRYPT.fullmatch(stored):
        return _check_scrypt(found)
    raise UnusableHash("no Argon2, bcrypt, pbkdf2_sha256, scrypt or MD5-crypt hash")


def _check_argon2(stored: str) -> None:
    try:
        parameters = extract_parameters(stored)
    except (InvalidHashError, ValueError, KeyError):
        raise UnusableHash("an Argon2 hash that can't be read") from None
    _bound("Argon2 memory in KiB", parameters.memory_cost, 8, _MAX_ARGON2_KIB)
    _bound("Argon2 passes", parameters.time_cost, 1, _MAX_ARGON2_PASSES)
    _bound("Argon2 lanes", parameters.parallelism, 1, _MAX_ARGON2_LANES)


def _check_scrypt(found: re.Match[str]) -> None:
    n, r, p = (int(found[name]) for name in "nrp")
    if n < 2 or n & (n - 1):  # noqa: PLR2004 - RFC 7914 §2: a power of two above 1
        raise UnusableHash(f"scrypt's N is {n}, which is no power of two")
    _bound("scrypt memory in bytes", 128 * n * r, 1, _MAX_SCRYPT_BYTES)
    _bound("scrypt lanes", p, 1, _MAX_SCRYPT_LANES)
    _check_base64(found["hash"])


def _check_base64(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        raise UnusableHash("the hash is no base64") from None


def _bound(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UnusableHash(f"{what}: {value}, must be {least} to {most}")

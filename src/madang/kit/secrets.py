"""Keys derived from the one secret of the installation, and encryption of secrets at rest.

`MADANG_SECRET_KEY` is a comma list: the first secret is used for new work, all are accepted. Every purpose gets
its own key by HKDF-SHA256 (RFC 5869), so no key serves two ends.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_ID_BYTES = 4


class UnreadableSecret(Exception):
    """What was stored was sealed under a secret that `MADANG_SECRET_KEY` no longer lists."""


class Keyring:
    """The secrets of the installation, newest first."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("at least one secret is needed")
        self._secrets = {_key_id(secret): secret.encode() for secret in secrets}
        self.current_id = _key_id(secrets[0])
        self._derived: dict[tuple[bytes, str], bytes] = {}
        self._box = MultiFernet([self._fernet(key_id) for key_id in self._secrets])

    def key(self, key_id: bytes, purpose: str) -> bytes | None:
        """The 32-byte key for a purpose under the secret of that id; None when that secret was retired."""
        secret = self._secrets.get(key_id)
        if secret is None:
            return None
        cached = self._derived.get((key_id, purpose))
        if cached is None:
            hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"madang:" + purpose.encode())
            cached = self._derived[key_id, purpose] = hkdf.derive(secret)
        return cached

    def current_key(self, purpose: str) -> bytes:
        key = self.key(self.current_id, purpose)
        assert key is not None, "the current secret is always known"  # noqa: S101 - narrows the type
        return key

    def keys(self, purpose: str) -> list[bytes]:
        """The keys of a purpose, newest first."""
        return [key for key_id in self._secrets if (key := self.key(key_id, purpose)) is not None]

    def digests(self, purpose: str, text: str) -> list[bytes]:
        """What may be stored of a code that is looked up by itself: its hash under each secret, the newest first."""
        return [hmac.digest(key, text.encode(), hashlib.sha256) for key in self.keys(purpose)]

    def seal(self, plaintext: bytes) -> bytes:
        return self._box.encrypt(plaintext)

    def unseal(self, sealed: bytes) -> bytes:
        try:
            return self._box.decrypt(sealed)
        except InvalidToken:
            raise UnreadableSecret(
                "a stored secret can't be read: add the former value of MADANG_SECRET_KEY to its comma list"
            ) from None

    def reseal(self, sealed: bytes) -> bytes | None:
        """Sealed anew under the current secret; None when it is already. Raises `UnreadableSecret`."""
        try:
            self._fernet(self.current_id).decrypt(sealed)
        except InvalidToken:
            return self.seal(self.unseal(sealed))
        return None

    def _fernet(self, key_id: bytes) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self.key(key_id, "at rest") or b""))


def _key_id(secret: str) -> bytes:
    return hashlib.sha256(b"madang key id:" + secret.encode()).digest()[:KEY_ID_BYTES]

"""The keys that sign access tokens: one algorithm each, as JWK (RFC 7517, 7518, 8037)."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

# RFC 9864 prefers the name `Ed25519`; the libraries that check tokens today know `EdDSA`.
warnings.filterwarnings("ignore", message="EdDSA is deprecated")

Algorithm = Literal["EdDSA", "ES256", "RS256", "HS256"]
ALGORITHMS: tuple[Algorithm, ...] = ("EdDSA", "ES256", "RS256", "HS256")
_KINDS: Mapping[str, type[Key]] = {"EdDSA": OKPKey, "ES256": ECKey, "RS256": RSAKey, "HS256": OctKey}


@dataclass(frozen=True)
class TokenKey:
    """A private key, the one algorithm that it is for, and from when on it signs, in Unix seconds."""

    id: str
    algorithm: str
    jwk: bytes
    signs_from: float = 0

    @cached_property
    def key(self) -> Key:
        return _KINDS[self.algorithm].import_key(json.loads(self.jwk))

    @property
    def is_public(self) -> bool:
        """Whether it has a half that others may know."""
        return self.algorithm != "HS256"

    def public_jwk(self) -> dict[str, Any]:
        """The public half, with what it is for."""
        return {**self.key.as_dict(private=False), "kid": self.id, "use": "sig", "alg": self.algorithm}


def new_jwk(algorithm: Algorithm) -> bytes:
    """A fresh private key: Ed25519, P-256, RSA with 3072 bits, or 256 random bits."""
    return json.dumps(_new_key(algorithm).as_dict(private=True)).encode()


def _new_key(algorithm: Algorithm) -> Key:
    match algorithm:
        case "EdDSA":
            return OKPKey.generate_key("Ed25519")
        case "ES256":
            return ECKey.generate_key("P-256")
        case "RS256":
            return RSAKey.generate_key(3072)
        case "HS256":
            return OctKey.generate_key(256)

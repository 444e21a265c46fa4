"""The access token: a JWT after RFC 9068 (`typ: at+jwt`), signed with EdDSA.

Claims: iss, aud, sub (account), sid (session), jti, iat, nbf, exp, scope, client_id, auth_time, amr (RFC 8176).
"""

import json
import random
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, OKPKey

from madang.kit.ids import new_id

ALGORITHM = "Ed25519"
_TYPE = "at+jwt"
_CLIENT = "madang"
_JITTER = 0.03
_REMEMBERED = 20_000
_LONGEST_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The claims of a token whose signature, type, issuer and audience have been checked; times in Unix seconds."""

    subject: str
    session_id: UUID
    scopes: frozenset[str]
    not_before: int
    expires_at: int

    def is_live(self, now: float) -> bool:
        return self.not_before <= now < self.expires_at


def new_private_key() -> bytes:
    """A fresh signing key as private JWK (RFC 8037)."""
    return json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)).encode()


class AccessTokens:
    """Signs with the first key, verifies with all.

    A verified signature is remembered (a pure function of the token and the keys), so that a token which comes with
    every request costs one verification, not one each time; its times are compared on every use.
    """

    def __init__(self, keys: Mapping[str, bytes], issuer: str, ttl: timedelta) -> None:
        """`keys`: private keys as JWK by their ids, the signing one first."""
        self._keys = {key_id: OKPKey.import_key(json.loads(key)) for key_id, key in keys.items()}
        self._signing_id = next(iter(self._keys))
        self.issuer = issuer
        self._ttl = ttl.total_seconds()
        self._verified: OrderedDict[str, AccessToken] = OrderedDict()

    def public_keys(self) -> list[dict[str, Any]]:
        """The public halves as JWK (RFC 8037), with what they are for."""
        purpose = {"use": "sig", "alg": ALGORITHM}
        return [{**key.as_dict(private=False), "kid": key_id, **purpose} for key_id, key in self._keys.items()]

    def issue(
        self, *, subject: UUID, session_id: UUID, scopes: str, authenticated_at: float, methods: Sequence[str]
    ) -> tuple[str, int]:
        """A new token and its life in seconds, which varies a little so that tabs don't all refresh at once."""
        now = int(time.time())
        life = int(self._ttl * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - jitter is no secret
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": str(subject),
            "sid": str(session_id),
            "jti": new_id().hex,
            "iat": now,
            "nbf": now,
            "exp": now + life,
            "scope": scopes,
            "client_id": _CLIENT,
            "auth_time": int(authenticated_at),
            "amr": list(methods),
        }
        header = {"alg": ALGORITHM, "typ": _TYPE, "kid": self._signing_id}
        return jwt.encode(header, claims, self._keys[self._signing_id], algorithms=[ALGORITHM]), life

    def read(self, token: str) -> AccessToken | None:
        """The token's claims whether it is live or not; None when it proves nothing."""
        known = self._verified.get(token)
        if known is not None:
            return known
        read = self._verify(token)
        if read is not None:
            self._verified[token] = read
            if len(self._verified) > _REMEMBERED:
                self._verified.popitem(last=False)
        return read

    def _verify(self, token: str) -> AccessToken | None:
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        try:
            decoded = jwt.decode(token, self._key_of, algorithms=[ALGORITHM])
            session_id = UUID(decoded.claims["sid"])
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            return None
        claims = decoded.claims
        if decoded.header.get("typ") != _TYPE or "crit" in decoded.header:
            return None
        if claims.get("iss") != self.issuer or claims.get("aud") != self.issuer:
            return None
        return _access_token(claims, session_id)

    def _key_of(self, signed: GuestProtocol) -> OKPKey:
        """The key that the header's `kid` names; `jku`, `x5u` and `jwk` are never looked at (RFC 8725 §3.10)."""
        header = signed.headers()
        return self._keys[header["kid"]]


def _access_token(claims: Mapping[str, object], session_id: UUID) -> AccessToken | None:
    match claims:
        case {"exp": int(expires_at), "nbf": int(not_before), "iat": int(), "sub": str(subject), "scope": str(scope)}:
            return AccessToken(subject, session_id, frozenset(scope.split()), not_before, expires_at)
        case _:
            return None

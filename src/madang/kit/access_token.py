"""The access token: a JWT after RFC 9068 (`typ: at+jwt`).

Claims: iss, aud, sub (account), sid (session), jti, iat, nbf, exp, scope, client_id, auth_time, amr (RFC 8176), act
(RFC 8693).
"""

import random
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, Key

from madang.kit.ids import new_id
from madang.kit.token_keys import ALGORITHMS, TokenKey

_TYPE = "at+jwt"
_CLIENT = "madang"
JITTER = 0.03
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
    key_id: str

    def is_live(self, now: float) -> bool:
        return self.not_before <= now < self.expires_at


class AccessTokens:
    """Signs with the newest key that may sign by now, verifies with all.

    A verified signature is remembered (a pure function of the token and the keys), so that a token which comes with
    every request costs one verification, not one each time; its times are compared on every use.
    """

    def __init__(self, keys: Sequence[TokenKey], issuer: str, ttl: timedelta) -> None:
        self.issuer = issuer
        self._ttl = ttl.total_seconds()
        self._verified: OrderedDict[str, AccessToken] = OrderedDict()
        self.use(keys)

    def use(self, keys: Sequence[TokenKey]) -> None:
        """Go on with these keys; what others signed proves nothing from now on."""
        self._keys = {key.id: key for key in keys}
        self._newest_first = sorted(keys, key=lambda key: key.signs_from, reverse=True)
        for token in [token for token, read in self._verified.items() if read.key_id not in self._keys]:
            del self._verified[token]

    def public_keys(self) -> list[dict[str, Any]]:
        """Every public half: of keys that sign, will sign, or have signed what may still live."""
        return [key.public_jwk() for key in self._newest_first if key.is_public]

    def issue(
        self,
        *,
        subject: UUID,
        session_id: UUID,
        scopes: str,
        authenticated_at: float,
        methods: Sequence[str],
        actor: UUID | None = None,
    ) -> tuple[str, int]:
        """A new token and its life in seconds, which varies a little so that tabs don't all refresh at once.

        `actor` is somebody else who acts for the subject (RFC 8693 §4.1).
        """
        now = int(time.time())
        life = int(self._ttl * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - jitter is no secret
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
            **({"act": {"sub": str(actor)}} if actor else {}),
        }
        signing = self._signing()
        header = {"alg": signing.algorithm, "typ": _TYPE, "kid": signing.id}
        return jwt.encode(header, claims, signing.key, algorithms=[signing.algorithm]), life

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

    def names_unknown_key(self, token: str) -> bool:
        """Whether it has a token's form and a `kid` that is none of ours: another server may have made a new key."""
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            return False
        try:
            named = jws.extract_compact(token.encode()).headers().get("kid")
        except (JoseError, ValueError, TypeError, AttributeError):
            return False
        return isinstance(named, str) and named not in self._keys

    def _signing(self) -> TokenKey:
        """The newest that was published long enough; the oldest where none was yet."""
        now = time.time()
        return next((key for key in self._newest_first if key.signs_from <= now), self._newest_first[-1])

    def _verify(self, token: str) -> AccessToken | None:
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        try:
            decoded = jwt.decode(token, self._key_of, algorithms=list(ALGORITHMS))
            session_id = UUID(decoded.claims["sid"])
        except (JoseError, ValueError, KeyError, TypeError, AttributeError):
            return None
        claims = decoded.claims
        if decoded.header.get("typ") != _TYPE or "crit" in decoded.header:
            return None
        if claims.get("iss") != self.issuer or claims.get("aud") != self.issuer:
            return None
        return _access_token(claims, session_id, decoded.header["kid"])

    def _key_of(self, signed: GuestProtocol) -> Key:
        """The key that the header's `kid` names, for its own algorithm alone; `jku`, `x5u` and `jwk` are never looked
        at (RFC 8725 §3.1, §3.10)."""
        header = signed.headers()
        found = self._keys[header["kid"]]
        if header["alg"] != found.algorithm:
            raise KeyError(header["alg"])
        return found.key


def _access_token(claims: Mapping[str, object], session_id: UUID, key_id: str) -> AccessToken | None:
    match claims:
        case {"exp": int(expires_at), "nbf": int(not_before), "iat": int(), "sub": str(subject), "scope": str(scope)}:
            return AccessToken(subject, session_id, frozenset(scope.split()), not_before, expires_at, key_id)
        case _:
            return None

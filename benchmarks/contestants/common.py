"""What the contestants share, so that they differ only in what is measured: token check, query, pool, server."""

import argparse
import json
import os
import time
from typing import Any
from uuid import UUID

import asyncpg
import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ISSUER = os.environ.get("MADANG_PUBLIC_URL", "http://localhost:8000")
POOL = 10
_ALGORITHM = "EdDSA"
_REMEMBERED = 20_000

ME = """
SELECT a.id, a.account_id, a.email, a.email IS NOT NULL AS email_verified, a.name, a.language, a.time_zone, a.role,
       a.is_active, a.auth_provider, a.created_at, s.scope, s.ended_at, s.expires_at, s.idle_expires_at
FROM sessions AS s JOIN accounts AS a ON a.id = s.account_id WHERE s.id = $1
"""
SHOWN = (
    "id",
    "account_id",
    "email",
    "email_verified",
    "name",
    "language",
    "time_zone",
    "role",
    "is_active",
    "auth_provider",
    "created_at",
)


class TokenCheck:
    """EdDSA signature, issuer, audience and times of an access token; None when one of them is wrong.

    With `remember` a verified signature is kept, as the product does, and only the times are compared again.
    """

    def __init__(self, *, remember: bool) -> None:
        self.key_id, self.key = _signing_key()
        self._known: dict[str, dict[str, Any]] | None = {} if remember else None

    def __call__(self, authorization: str | None) -> dict[str, Any] | None:
        if authorization is None or not authorization.startswith("Bearer "):
            return None
        token = authorization[7:]
        claims = None if self._known is None else self._known.get(token)
        claims = claims or self._verify(token)
        return claims if claims and claims["nbf"] <= time.time() < claims["exp"] else None

    def _verify(self, token: str) -> dict[str, Any] | None:
        try:
            claims = jwt.decode(token, self.key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError):
            return None
        if claims["iss"] != ISSUER or claims["aud"] != ISSUER:
            return None
        claims["session"] = UUID(claims["sid"])
        if self._known is not None and len(self._known) < _REMEMBERED:
            self._known[token] = claims
        return claims

    def sign(self, claims: dict[str, Any]) -> str:
        header = {"alg": _ALGORITHM, "typ": "at+jwt", "kid": self.key_id}
        return jwt.encode(header, claims, self.key, algorithms=[_ALGORITHM])


def is_live(row: asyncpg.Record | None, now: Any) -> bool:
    return (
        row is not None
        and row["is_active"]
        and row["ended_at"] is None
        and row["expires_at"] > now
        and row["idle_expires_at"] > now
    )


async def open_pool(*, frugal: bool = True) -> "asyncpg.Pool[asyncpg.Record]":
    """A pool of `POOL` connections; a frugal one skips the statement that the driver sends when one is given back."""
    options: dict[str, Any] = {"reset": _nothing} if frugal else {}
    return await asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=POOL, max_size=POOL, **options)


def arguments(*flags: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    for flag in flags:
        parser.add_argument(f"--{flag}", action="store_true")
    return parser.parse_args()


def serve(app: Any, port: int) -> None:
    """One process, uvloop and httptools, no access log."""
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")


def _signing_key() -> tuple[str, OKPKey]:
    described = json.loads(os.environ["BENCH_SIGNING_KEY"])
    return described["kid"], OKPKey.import_key(described)


async def _nothing(_connection: Any) -> None:
    return

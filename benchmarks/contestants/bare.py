"""The bare limit: a raw ASGI callable and asyncpg. A token check, one query or one write, nothing else.

GET /me        token check, one SELECT, JSON.
POST /refresh  HMAC check, one committed UPDATE … RETURNING, a signed access token, JSON. The refresh token is a
               keyed hash of session id and counter, so it is proven before the database is asked.
"""

import base64
import hashlib
import hmac
import os
import struct
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from pydantic_core import from_json, to_json

from benchmarks.contestants.common import ISSUER, ME, SHOWN, TokenCheck, arguments, is_live, open_pool, serve

_LIFE_SECONDS = 900
_IDLE = timedelta(days=30)
_TOKEN = struct.Struct(">16sQ32s")
_ROTATE = """
UPDATE sessions SET counter = counter + 1, rotated_at = $3, last_used_at = $3, idle_expires_at = $4
WHERE id = $1 AND counter = $2 AND ended_at IS NULL AND expires_at > $3 AND idle_expires_at > $3
RETURNING account_id, scope
"""
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


def make_refresh_token(key: bytes, session_id: UUID, counter: int) -> str:
    message = session_id.bytes + counter.to_bytes(8, "big")
    mac = hmac.digest(key, message, hashlib.sha256)
    return base64.urlsafe_b64encode(_TOKEN.pack(session_id.bytes, counter, mac)).decode()


class Bare:
    def __init__(self, *, remember: bool) -> None:
        self._check = TokenCheck(remember=remember)
        self._key = bytes.fromhex(os.environ["BENCH_REFRESH_KEY"])
        self._pool: asyncpg.Pool[asyncpg.Record]

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        if scope["path"] == "/me":
            return await self._me(scope, send)
        if scope["path"] == "/refresh":
            return await self._refresh((await receive())["body"], send)
        return await _answer(send, 200 if scope["path"] == "/ready" else 404, b"{}")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pool = await open_pool()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _me(self, scope: dict[str, Any], send: Send) -> None:
        claims = self._check(_header(scope, b"authorization"))
        row = await self._pool.fetchrow(ME, claims["session"]) if claims else None
        if row is None or not is_live(row, datetime.now(UTC)):
            return await _answer(send, 401, b"{}")
        return await _answer(send, 200, to_json({name: row[name] for name in SHOWN}))

    async def _refresh(self, body: bytes, send: Send) -> None:
        session_id, counter, mac = _TOKEN.unpack(base64.urlsafe_b64decode(from_json(body)["refresh_token"]))
        expected = hmac.digest(self._key, session_id + counter.to_bytes(8, "big"), hashlib.sha256)
        if not hmac.compare_digest(mac, expected):
            return await _answer(send, 400, b"{}")
        family, now = UUID(bytes=session_id), datetime.now(UTC)
        row = await self._pool.fetchrow(_ROTATE, family, counter, now, now + _IDLE)
        if row is None:
            return await _answer(send, 400, b"{}")
        grant = {
            "access_token": self._check.sign(_claims(row, family)),
            "token_type": "bearer",
            "expires_in": _LIFE_SECONDS,
            "scope": row["scope"],
            "refresh_token": make_refresh_token(self._key, family, counter + 1),
        }
        return await _answer(send, 200, to_json(grant))


def _claims(row: asyncpg.Record, family: UUID) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": str(row["account_id"]),
        "sid": str(family),
        "jti": uuid4().hex,
        "iat": now,
        "nbf": now,
        "exp": now + _LIFE_SECONDS,
        "scope": row["scope"],
    }


def _header(scope: dict[str, Any], wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return None


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    given = arguments("remember")
    serve(Bare(remember=given.remember), given.port)

"""What a measurement needs before it starts: accounts, sessions, tokens, and the environment of every process."""

import argparse
import json
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.contestants.bare import make_refresh_token
from benchmarks.database import PASSWORD, SCOPE, account_name, add_accounts, add_sessions, settle
from madang.db.session import Database
from madang.kit.access_token import AccessTokens
from madang.kit.clock import utc_now
from madang.kit.refresh_token import parse
from madang.kit.secrets import Keyring
from madang.kit.token_keys import TokenKey
from madang.sessions.key_service import KeyPolicy, KeyService

ISSUER = "http://localhost:8000"
_TTL = timedelta(hours=12)  # longer than any run, so that no token dies within one


@dataclass(frozen=True)
class Fixtures:
    path: Path
    secret: str
    signing_key: dict[str, Any]
    refresh_key: bytes


async def prepare(url: str, given: argparse.Namespace, folder: Path) -> Fixtures:
    """Fill the database and write the tokens to a file for the load generator."""
    secret, refresh_key = secrets.token_hex(32), secrets.token_bytes(32)
    keyring = Keyring([secret])
    connection = await asyncpg.connect(url)
    accounts = await add_accounts(connection, given.accounts)
    readers = accounts[: given.sessions]
    first = await add_sessions(connection, readers, keyring)
    families = {name: await add_sessions(connection, accounts[-given.connections :], keyring) for name in ("bare", "p")}
    await settle(connection)
    await connection.close()
    key = await _signing_key(url, keyring)
    tokens = _issuer(key)
    written = {
        "access": [_access(tokens, owner, parse(one).session_id) for owner, one in zip(readers, first, strict=False)],
        "names": [account_name(number) for number in range(given.accounts)],
        "password": PASSWORD,
        "families": {
            "bare": [make_refresh_token(refresh_key, parse(one).session_id, 0) for one in families["bare"]],
            "product": families["p"],
        },
    }
    path = folder / "fixtures.json"
    path.write_text(json.dumps(written))
    return Fixtures(path, secret, key, refresh_key)


def environment_of(url: str, fixtures: Fixtures, folder: Path) -> dict[str, str]:
    """The product as deployed, limits raised but counted; the contestants get the same database and signing key."""
    product = dict.fromkeys(_LIMITS, "1000000000/minute")
    return {
        **product,
        "MADANG_DATABASE_URL": url,
        "MADANG_SECRET_KEY": fixtures.secret,
        "MADANG_DATA_DIR": str(folder / "var"),
        "MADANG_ACCESS_TTL": str(int(_TTL.total_seconds())),
        "BENCH_DATABASE_URL": url,
        "BENCH_SIGNING_KEY": json.dumps(fixtures.signing_key),
        "BENCH_REFRESH_KEY": fixtures.refresh_key.hex(),
        "USER": os.environ.get("USER", "root"),
    }


_LIMITS = ("MADANG_LIMITS__EVERYTHING", "MADANG_LIMITS__SIGN_IN_ADDRESS")


async def _signing_key(url: str, keyring: Keyring) -> dict[str, Any]:
    """The product's own first signing key, made as its first start makes it, and read for the contestants."""
    database = Database(url.replace("postgresql://", "postgresql+asyncpg://"))
    async with database.unit() as session:
        keys = KeyService(session, keyring, KeyPolicy("EdDSA", _TTL), utc_now)
        await keys.ensure()
        [made] = await keys.usable()
    await database.close()
    return {**json.loads(made.jwk), "kid": made.id}


def _issuer(key: dict[str, Any]) -> AccessTokens:
    return AccessTokens([TokenKey(key["kid"], "EdDSA", json.dumps(key).encode())], ISSUER, _TTL)


def _access(tokens: AccessTokens, account: UUID, session_id: UUID) -> str:
    now = utc_now().timestamp()
    token, _ = tokens.issue(subject=account, session_id=session_id, scopes=SCOPE, authenticated_at=now, methods=["pwd"])
    return token

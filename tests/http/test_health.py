"""Liveness and readiness, also while the database is away, and what the rest of the API answers then."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from madang.db import engine
from madang.db.session import Database
from tests.factories import PASSWORD, make_user
from tests.http.conftest import OpenApp, caller
from tests.http.test_problems import assert_problem
from tests.servers import free_port

ACCOUNTS = "/api/v1/accounts"
Unusable = Callable[[Path], str]


def refuses(_folder: Path) -> str:
    return f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/nowhere"


def is_a_folder(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}"


def is_no_database(folder: Path) -> str:
    (folder / "junk").write_bytes(b"no database" * 1000)
    return f"sqlite+aiosqlite:///{folder / 'junk'}"


AWAY = [refuses, is_a_folder]


def take_away(app: FastAPI, url: str) -> None:
    """From now on the application's units meet this database."""
    running = app.state.running
    app.state.running = replace(running, backends=replace(running.backends, database=Database(url)))


async def test_a_well_server_says_so(visitor: httpx2.AsyncClient) -> None:
    health, ready = await visitor.get("/health"), await visitor.get("/health/ready")
    assert (health.status_code, ready.status_code) == (200, 200)
    assert health.json() == ready.json()
    assert health.json()["status"] == "healthy"
    assert health.json()["checks"] == {"database": "ok"}
    assert set(health.json()) == {"status", "service", "version", "checks"}
    assert (await visitor.get("/health/live")).json() == {"status": "alive"}


@pytest.mark.parametrize("unusable", [*AWAY, is_no_database])
async def test_without_its_database_it_lives_but_is_not_ready(app: FastAPI, tmp_path: Path, unusable: Unusable) -> None:
    take_away(app, unusable(tmp_path))
    client = caller(app)
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "degraded")
    assert ready.json()["checks"] == {"database": "failed"}
    health = await client.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert (await client.get("/health/live")).status_code == 200
    assert str(tmp_path) not in ready.text


@pytest.mark.postgresql
async def test_a_wrong_name_or_password_is_a_missing_database(app: FastAPI, database_url: str) -> None:
    if not database_url.startswith("postgresql"):
        pytest.skip("needs a PostgreSQL server")
    take_away(app, f"{database_url.rpartition('/')[0]}/no_such_database")
    assert (await caller(app).get("/health/ready")).status_code == 503


async def test_a_database_that_never_answers_is_given_up(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_POOL_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        take_away(app, f"postgresql+asyncpg://nobody@127.0.0.1:{silent.getsockname()[1]}/nowhere?ssl=disable")
        started = time.monotonic()
        assert (await caller(app).get("/health/ready")).status_code == 503
        assert time.monotonic() - started < 5


async def test_a_stopping_server_is_not_ready(app: FastAPI) -> None:
    app.state.running.stopping.set()
    client = caller(app)
    assert (await client.get("/health/ready")).status_code == 503
    assert (await client.get("/health/live")).status_code == 200


@pytest.mark.parametrize("unusable", AWAY)
async def test_refresh_tells_garbage_from_a_database_that_is_away(
    app: FastAPI, tmp_path: Path, unusable: Unusable
) -> None:
    client = caller(app)
    person = await make_user(client)
    take_away(app, unusable(tmp_path))
    for path, field in (("refresh", "json"), ("token", "data")):
        grant = {"grant_type": "refresh_token"} if path == "token" else {}
        garbage = await client.post(f"{ACCOUNTS}/{path}", **{field: grant | {"refresh_token": "mdr_garbage"}})  # type: ignore[arg-type]
        assert (garbage.status_code, garbage.json()["error"]) == (400, "invalid_grant")
        genuine = grant | {"refresh_token": person.refresh_token}
        away = await client.post(f"{ACCOUNTS}/{path}", **{field: genuine})  # type: ignore[arg-type]
        assert away.status_code == 503
        assert away.headers["content-type"] == "application/problem+json"
        assert int(away.headers["retry-after"]) >= 1
        assert away.json()["error"] == "temporarily_unavailable"
        assert away.json()["code"] == "database-unavailable"
        assert "set-cookie" not in away.headers, "nobody is signed out because the database is away"


@pytest.mark.parametrize("unusable", AWAY)
async def test_everything_else_is_a_problem_with_a_time_to_come_back(
    open_app: OpenApp, tmp_path: Path, unusable: Unusable
) -> None:
    async with open_app() as app:
        client = caller(app)
        take_away(app, unusable(tmp_path))
        answers = [
            await client.post(ACCOUNTS, json={"account_id": "nobody", "password": PASSWORD}),
            await client.get(f"{ACCOUNTS}/exist/nobody"),
            await client.delete(f"{ACCOUNTS}/logout"),
        ]
    for answer in answers[:2]:
        assert_problem(answer, 503, "database-unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        for inside in (str(tmp_path), "nowhere", "INSERT", "SELECT", "sqlite", "asyncpg"):
            assert inside not in answer.text

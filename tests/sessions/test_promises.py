"""Promises about sessions that no other file has room for: fixation, secrets in logs, ends of a session, defaults."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, SECRET, make_user
from tests.servers import server_process

from madang.db.session import Database
from madang.kit.clock import utc_now

ACCOUNTS, ME, TOKEN = "/api/v1/accounts", "/api/v1/accounts/me", "/api/v1/accounts/token"
REFRESH = f"{ACCOUNTS}/refresh"


async def test_a_planted_session_is_never_adopted(client: httpx2.AsyncClient) -> None:
    attacker, victim = await make_user(client), await make_user(client)
    planted = {"madang_access": attacker.access_token, "madang_refresh": attacker.refresh_token}
    header = "; ".join(f"{name}={value}" for name, value in planted.items())
    form = {"username": victim.account_id, "password": PASSWORD}
    answer = await client.post(TOKEN, data=form, headers={"Cookie": header})
    assert answer.status_code == 200
    fresh = dict(client.cookies)
    assert all(fresh[name] != value for name, value in planted.items())
    assert (await client.get(ME)).json()["id"] == victim.id
    client.cookies.clear()
    shown = (await client.get("/api/v1/sessions", headers=attacker.headers)).json()["items"]
    assert len(shown) == 1, "the victim's sign-in is no session of the attacker's"


@pytest.mark.parametrize("end", ["idle_expires_at", "expires_at"])
async def test_a_session_past_its_end_opens_nothing_though_its_token_lives(
    client: httpx2.AsyncClient, database: Database, end: str
) -> None:
    person = await make_user(client)
    for _ in range(3):
        moved = await client.post(REFRESH, json={"refresh_token": person.refresh_token})
        client.cookies.clear()
        assert moved.status_code == 200
    async with database.unit() as session:
        past = {"past": utc_now() - timedelta(seconds=1)}
        await session.execute(text(f"UPDATE sessions SET {end} = :past"), past)
    assert (await client.get(ME, headers=person.headers)).status_code == 401
    refused = await client.post(REFRESH, json={"refresh_token": moved.json()["refresh_token"]})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_refreshing_never_moves_the_absolute_end(client: httpx2.AsyncClient, database: Database) -> None:
    person = await make_user(client)
    ends = []
    token = person.refresh_token
    for _ in range(2):
        async with database.read_unit() as session:
            ends.append((await session.execute(text("SELECT expires_at FROM sessions"))).scalar_one())
        token = (await client.post(REFRESH, json={"refresh_token": token})).json()["refresh_token"]
        client.cookies.clear()
    assert ends[0] == ends[1]


async def test_two_people_with_one_password_have_different_hashes(
    client: httpx2.AsyncClient, database: Database
) -> None:
    for _ in range(2):
        await make_user(client)
    async with database.read_unit() as session:
        hashes = (await session.scalars(text("SELECT password_hash FROM accounts"))).all()
    assert len(set(hashes)) == 2


@pytest.mark.parametrize("name", ["admin", "admin@example.com", "root", "madang", "user"])
async def test_no_credential_works_out_of_the_box(client: httpx2.AsyncClient, database: Database, name: str) -> None:
    for password in ("admin", "password", "admin123", "changeme", name):
        assert (await client.post(TOKEN, data={"username": name, "password": password})).status_code == 400
    async with database.read_unit() as session:
        assert (await session.execute(text("SELECT count(*) FROM accounts"))).scalar_one() == 0


async def test_no_secret_reaches_a_log_line_an_error_or_a_body(database_url: str, tmp_path: Path) -> None:
    environment = {"MADANG_DATABASE_URL": database_url, "MADANG_SECRET_KEY": SECRET, "MADANG_LOG_LEVEL": "debug"}
    with server_process(tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
            secrets, answers = await _a_day_of_secrets(client)
        await asyncio.to_thread(server.stop)
        log = server.log.read_text()
    assert '"path":"/api/v1/accounts/me"' in log.replace(" ", ""), "requests are logged"
    for name, secret in secrets.items():
        assert secret not in log, name
        assert not any(secret in answer for answer in answers), name


async def _a_day_of_secrets(client: httpx2.AsyncClient) -> tuple[dict[str, str], list[str]]:
    """What was secret, and the bodies and addresses of answers that must not hold it."""
    person = await make_user(client)
    made = await client.post("/api/v1/api-keys", json={"name": "x"}, headers=person.headers)
    quiet = await client.post(TOKEN, data={"username": person.account_id, "password": PASSWORD})
    secrets = {
        "password": PASSWORD,
        "access token": person.access_token,
        "refresh token": person.refresh_token,
        "cookie": client.cookies["madang_refresh"],
        "key": made.json()["key"],
    }
    wrong: list[dict[str, Any]] = [
        {"method": "GET", "url": ME, "headers": {"Authorization": f"Bearer {person.refresh_token}"}},
        {"method": "POST", "url": REFRESH, "json": {"refresh_token": person.access_token}},
        {"method": "POST", "url": REFRESH},
        {"method": "POST", "url": TOKEN, "data": {"grant_type": PASSWORD, "username": "x", "password": PASSWORD}},
        {"method": "GET", "url": ME, "params": {"access_token": "in the query"}},
        {"method": "POST", "url": "/oauth/introspect", "data": {"token": person.access_token}},
        {"method": "DELETE", "url": f"{ACCOUNTS}/logout", "headers": person.headers},
    ]
    answers = [await client.request(**one) for one in wrong]
    assert "refresh_token" not in quiet.json()
    return secrets, [str(one.url) + one.text for one in answers]

"""What others may ask about a token (RFC 7662)."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import SignedIn, forged, make_admin, make_user

from madang.db.session import Database
from madang.kit.clock import utc_now

INTROSPECT = "/oauth/introspect"
INACTIVE = {"active": False}


@pytest.fixture
async def asker(client: httpx2.AsyncClient) -> dict[str, str]:
    """The headers of a server that may introspect, with an API key for that alone."""
    admin = await make_admin(client)
    body = {"name": "gateway", "scopes": ["tokens:introspect"]}
    made = await client.post("/api/v1/api-keys", json=body, headers=admin.headers)
    return {"Authorization": f"Bearer {made.json()['key']}"}


async def ask(client: httpx2.AsyncClient, asker: dict[str, str], token: str, **more: str) -> dict[str, Any]:
    answer = await client.post(INTROSPECT, data={"token": token, **more}, headers=asker)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    return told


async def make_key(client: httpx2.AsyncClient, person: SignedIn) -> dict[str, Any]:
    made = await client.post("/api/v1/api-keys", json={"name": "program"}, headers=person.headers)
    key: dict[str, Any] = made.json()
    return key


async def test_whoever_asks_must_be_known_and_allowed(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    form = {"token": person.access_token}
    nobody = await client.post(INTROSPECT, data=form)
    assert (nobody.status_code, "active" in nobody.text) == (401, False)
    member = await client.post(INTROSPECT, data=form, headers=person.headers)
    assert (member.status_code, member.json()["code"]) == (403, "insufficient-scope")


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
async def test_live_tokens_say_whose_they_are_and_what_they_reach(
    client: httpx2.AsyncClient, asker: dict[str, str], hint: str | None
) -> None:
    person = await make_user(client)
    more = {"token_type_hint": hint} if hint else {}
    access = await ask(client, asker, person.access_token, **more)
    assert access["active"] is True
    assert (access["sub"], access["username"]) == (person.id, person.account_id)
    assert access["scope"] == "profile chat captions media keys offline_access"
    assert (access["token_type"], access["client_id"], access["aud"]) == ("Bearer", "madang", access["iss"])
    assert access["nbf"] < access["exp"]
    refresh = await ask(client, asker, person.refresh_token, **more)
    assert (refresh["active"], refresh["sub"]) == (True, person.id)
    assert "token_type" not in refresh
    key = await ask(client, asker, (await make_key(client, person))["key"], **more)
    assert (key["active"], key["sub"], key["scope"]) == (True, person.id, "profile chat captions media")
    assert "exp" not in key


async def test_what_is_not_good_says_nothing_else(client: httpx2.AsyncClient, asker: dict[str, str]) -> None:
    person = await make_user(client)
    key = await make_key(client, person)
    refreshed = await client.post("/api/v1/accounts/refresh", json={"refresh_token": person.refresh_token})
    client.cookies.clear()
    for wrong in ("rubbish", "mdg_rubbish", forged(person.access_token), person.refresh_token, "\0", "한글"):
        assert await ask(client, asker, wrong) == INACTIVE
    assert (await client.delete("/api/v1/accounts/logout", headers=person.headers)).status_code == 200
    await client.delete(f"/api/v1/api-keys/{key['id']}", headers=person.headers)
    assert await ask(client, asker, person.access_token) == INACTIVE
    assert await ask(client, asker, refreshed.json()["refresh_token"]) == INACTIVE


async def test_tokens_of_a_disabled_account_are_not_active(
    client: httpx2.AsyncClient, asker: dict[str, str], database: Database
) -> None:
    person = await make_user(client)
    key = (await make_key(client, person))["key"]
    async with database.unit() as session:
        values = {"name": person.account_id}
        await session.execute(text("UPDATE accounts SET is_active = false WHERE account_id = :name"), values)
    for token in (person.access_token, person.refresh_token, key):
        assert await ask(client, asker, token) == INACTIVE


async def test_an_idle_session_is_not_active(
    client: httpx2.AsyncClient, asker: dict[str, str], database: Database
) -> None:
    person = await make_user(client)
    async with database.unit() as session:
        past = {"past": utc_now() - timedelta(seconds=1)}
        await session.execute(text("UPDATE sessions SET idle_expires_at = :past"), past)
    for token in (person.access_token, person.refresh_token):
        assert await ask(client, asker, token) == INACTIVE

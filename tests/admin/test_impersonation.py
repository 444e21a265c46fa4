"""Acting for somebody: visible, short, and never with more than they have or into their credentials."""

import base64
import json
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from madang.db.session import Database
from tests.admin.test_users import USERS, make_helper, patch
from tests.factories import SignedIn, make_admin, make_user

ME = "/api/v1/accounts/me"


@pytest.fixture
async def admin(client: httpx2.AsyncClient) -> SignedIn:
    return await make_admin(client)


@pytest.fixture
async def person(client: httpx2.AsyncClient) -> SignedIn:
    return await make_user(client)


async def act_for(client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn, **more: Any) -> dict[str, Any]:
    body = {"reason": "ticket 17", **more}
    answer = await client.post(f"{USERS}/{person.id}/impersonate", json=body, headers=admin.headers)
    assert answer.status_code == 201, answer.text
    assert "set-cookie" not in answer.headers
    acting: dict[str, Any] = answer.json()
    acting["headers"] = {"Authorization": f"Bearer {acting['access_token']}"}
    return acting


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return read


async def test_it_says_who_acts_for_whom(client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn) -> None:
    acting = await act_for(client, admin, person)
    read = claims(acting["access_token"])
    assert (read["sub"], read["act"]) == (person.id, {"sub": admin.id})
    me = (await client.get(ME, headers=acting["headers"])).json()
    assert (me["id"], me["impersonator_id"]) == (person.id, admin.id)
    assert (await client.get(ME, headers=person.headers)).json()["impersonator_id"] is None
    made = await client.post("/api/v1/chat/conversations", json={"title": "Hi"}, headers=acting["headers"])
    assert made.status_code == 201
    listed = (await client.get("/api/v1/chat/conversations", headers=person.headers)).json()["items"]
    assert [one["title"] for one in listed] == ["Hi"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/v1/accounts/password", {"old_password": "x" * 10, "new_password": "y" * 20}),
        ("POST", "/api/v1/accounts/verify_password", {"password": "x"}),
        ("POST", "/api/v1/accounts/mfa/totp", None),
        ("POST", "/api/v1/accounts/passkeys/options", {}),
        ("POST", "/api/v1/api-keys", {"name": "x"}),
        ("POST", "/api/v1/accounts/me/exports", {}),
        ("DELETE", "/api/v1/accounts/me", None),
        ("DELETE", "/api/v1/sessions", None),
        ("POST", "/api/v1/accounts/email/verification", {"email": "mine@example.org"}),
    ],
)
async def test_it_touches_no_credential(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn, method: str, path: str, body: Any
) -> None:
    acting = await act_for(client, admin, person)
    refused = await client.request(method, path, json=body, headers=acting["headers"])
    assert refused.status_code == 403, refused.text
    assert refused.json()["code"] in {"not-while-impersonating", "insufficient-scope"}
    assert (await client.get(ME, headers=person.headers)).status_code == 200


async def test_leaving_by_the_other_way_is_refused_too(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    acting = await act_for(client, admin, person)
    refused = await client.delete(f"{USERS}/{person.id}", headers=acting["headers"])
    assert (refused.status_code, refused.json()["code"]) == (403, "not-while-impersonating")


async def test_another_administrator_is_acted_for_without_their_powers(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    assert (await patch(client, admin, person.id, role="Admin")).status_code == 200
    acting = await act_for(client, admin, person)
    assert acting["scope"] == "profile chat captions media"
    assert (await client.get(f"{USERS}/{admin.id}", headers=acting["headers"])).status_code == 403


async def test_it_never_goes_towards_a_role_that_reaches_further(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    helper = await make_helper(client, admin, "admin:users", "admin:impersonate")
    body = {"reason": "curious"}
    refused = await client.post(f"{USERS}/{admin.id}/impersonate", json=body, headers=helper.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "beyond-your-role")
    own = await client.post(f"{USERS}/{helper.id}/impersonate", json=body, headers=helper.headers)
    assert (own.status_code, own.json()["code"]) == (409, "not-yourself")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "long", "minutes": 61}, {"reason": "x" * 201}])
async def test_without_a_reason_or_for_longer_than_an_hour_it_is_refused(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn, body: dict[str, Any]
) -> None:
    refused = await client.post(f"{USERS}/{person.id}/impersonate", json=body, headers=admin.headers)
    assert refused.status_code == 422


async def test_it_ends_by_signing_out_or_when_the_account_closes(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn
) -> None:
    first, second = await act_for(client, admin, person), await act_for(client, admin, person)
    await client.delete("/api/v1/accounts/logout", headers=first["headers"])
    assert (await client.get(ME, headers=first["headers"])).status_code == 401
    assert (await client.get(ME, headers=second["headers"])).status_code == 200
    await patch(client, admin, person.id, is_active=False)
    assert (await client.get(ME, headers=second["headers"])).status_code == 401
    body = {"reason": "ticket 18"}
    closed = await client.post(f"{USERS}/{person.id}/impersonate", json=body, headers=admin.headers)
    assert (closed.status_code, closed.json()["code"]) == (409, "account-not-active")


async def test_both_ends_are_facts_with_the_one_who_acts(
    client: httpx2.AsyncClient, admin: SignedIn, person: SignedIn, database: Database
) -> None:
    acting = await act_for(client, admin, person)
    await client.delete("/api/v1/accounts/logout", headers=acting["headers"])
    facts = await _facts(database, acting["session_id"])
    assert [name for name, _, _ in facts] == ["sessions.impersonation_started.v1", "sessions.session_ended.v1"]
    assert facts[0][1]["reason"] == "ticket 17"
    assert facts[0][1]["impersonator_id"] == admin.id
    assert {origin["actor_id"] for _, _, origin in facts[:1]} == {admin.id}


async def _facts(database: Database, session_id: str) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    async with database.read_unit() as session:
        rows = await session.execute(text("SELECT name, data, origin FROM outbox_events ORDER BY id"))
        read = [(row.name, _json(row.data), _json(row.origin)) for row in rows]
    return [one for one in read if one[1].get("session_id") == session_id]


def _json(stored: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(stored) if isinstance(stored, str) else stored
    return value

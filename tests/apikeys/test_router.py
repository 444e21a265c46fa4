"""API keys through the front door: making, using, what they never reach, revoking."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, SignedIn, make_admin, make_user

from madang.db.session import Database
from madang.kit import tokens
from madang.kit.clock import utc_now

KEYS = "/api/v1/api-keys"
ME = "/api/v1/accounts/me"


async def make_key(client: httpx2.AsyncClient, person: SignedIn, **body: Any) -> dict[str, Any]:
    answer = await client.post(KEYS, json={"name": "deploy", **body}, headers=person.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_key_is_shown_once_and_calls_for_its_owner(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    answer = await client.post(KEYS, json={"name": "  deploy "}, headers=person.headers)
    made = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert made["key"].startswith("mdg_")
    assert made["key"].startswith(made["prefix"])
    assert made["name"] == "deploy"
    assert made["scopes"] == ["profile", "chat", "captions", "media"]
    assert (made["expires_at"], made["last_used_at"]) == (None, None)
    shown = await client.get(answer.headers["location"], headers=person.headers)
    assert shown.json() == {name: value for name, value in made.items() if name != "key"}
    me = await client.get(ME, headers=bearer(made["key"]))
    assert (me.status_code, me.json()["id"]) == (200, person.id)
    assert (await client.get("/api/v1/chat/conversations", headers=bearer(made["key"]))).status_code == 200
    listed = (await client.get(KEYS, headers=person.headers)).json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert listed[0]["last_used_at"] is not None


async def test_the_database_holds_no_key(client: httpx2.AsyncClient, database: Database) -> None:
    key = (await make_key(client, await make_user(client)))["key"]
    async with database.read_unit() as session:
        [row] = (await session.execute(text("SELECT * FROM api_keys"))).mappings()
    assert bytes(row["digest"]) == hashlib.sha256(key.encode()).digest()
    assert key[12:] not in str(dict(row))


def _mistyped(key: str) -> list[str]:
    return [
        "mdg_",
        key[:-1],
        key[:-1] + ("A" if key[-1] != "A" else "B"),
        key.replace("mdg_", "mdg_é"),
        "mdg_" + "A" * 5000,
        tokens.encode("mdg_", b"x" * 32),
        "mdg_" + "\U0001f511" * 10,
    ]


async def test_a_key_that_is_no_key_is_refused_as_a_bad_token(client: httpx2.AsyncClient) -> None:
    key = (await make_key(client, await make_user(client)))["key"]
    for wrong in _mistyped(key):
        answer = await client.get(ME, headers={b"authorization": f"Bearer {wrong}".encode()})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid-api-key"), wrong
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_key_reaches_its_scopes_alone(client: httpx2.AsyncClient) -> None:
    key = (await make_key(client, await make_user(client), scopes=["chat"]))["key"]
    assert (await client.get("/api/v1/chat/conversations", headers=bearer(key))).status_code == 200
    for path in (ME, "/api/v1/media", "/api/v1/captions"):
        answer = await client.get(path, headers=bearer(key))
        assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


NEVER = [
    ("GET", KEYS),
    ("POST", KEYS),
    ("GET", "/api/v1/sessions"),
    ("DELETE", "/api/v1/sessions"),
    ("GET", "/api/v1/accounts/mfa"),
    ("POST", "/api/v1/accounts/mfa/totp"),
    ("DELETE", "/api/v1/accounts/mfa/totp"),
    ("POST", "/api/v1/accounts/mfa/recovery-codes"),
    ("GET", "/api/v1/accounts/passkeys"),
    ("POST", "/api/v1/accounts/passkeys/options"),
    ("POST", "/api/v1/accounts/passkeys/verify/options"),
    ("POST", "/api/v1/accounts/verify_password"),
    ("PUT", "/api/v1/accounts/password"),
    ("POST", "/api/v1/accounts/email/verification"),
]


@pytest.mark.parametrize(("method", "path"), NEVER)
async def test_a_key_never_reaches_what_only_a_person_may(client: httpx2.AsyncClient, method: str, path: str) -> None:
    admin = await make_admin(client)
    everything = [scope for scope in admin.scope.split() if scope not in {"keys", "offline_access"}]
    key = (await make_key(client, admin, scopes=everything))["key"]
    bodies = {
        "/api/v1/accounts/verify_password": {"password": PASSWORD},
        "/api/v1/accounts/password": {"old_password": PASSWORD, "new_password": "another long sentence"},
        "/api/v1/accounts/email/verification": {"email": "new@example.com"},
        KEYS: {"name": "child"},
    }
    body = bodies.get(path) if method in {"POST", "PUT"} else None
    answer = await client.request(method, path, headers=bearer(key), json=body)
    assert answer.status_code == 403, answer.text
    assert answer.json()["code"] in {"session-required", "insufficient-scope"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": ""}, 422, "string-too-short"),
        ({"name": "x" * 101}, 422, "string-too-long"),
        ({"name": "x", "scopes": []}, 422, "too-short"),
        ({"name": "x", "scopes": ["everything"]}, 422, "literal-error"),
        ({"name": "x", "scopes": ["keys"]}, 422, "literal-error"),
        ({"name": "x", "scopes": ["offline_access"]}, 422, "literal-error"),
        ({"name": "x", "scopes": ["chat", "admin:users"]}, 403, "scope-out-of-reach"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, 422, "expiry-out-of-range"),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-14:00"}, 422, "expiry-out-of-range"),
        ({"name": "x", "expires_at": "0001-01-01T00:00:00+14:00"}, 422, "expiry-out-of-range"),
        ({"name": "x", "expires_at": "2030-01-01T00:00:00"}, 422, "timezone-aware"),
        ({"name": "x", "owner": "somebody"}, 422, "extra-forbidden"),
        ({"name": "nul\0"}, 422, "nul-character"),
    ],
)
async def test_what_a_key_may_not_be(client: httpx2.AsyncClient, body: dict[str, Any], status: int, code: str) -> None:
    person = await make_user(client)
    answer = await client.post(KEYS, json=body, headers=person.headers)
    told = answer.json()
    assert answer.status_code == status, told
    assert code in {told["code"], *(one["code"] for one in told.get("errors", []))}, told


async def test_a_key_reaches_no_more_than_the_token_it_was_made_with(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    form = {"username": person.account_id, "password": PASSWORD, "scope": "profile keys"}
    narrow = (await client.post("/api/v1/accounts/token", data=form)).json()["access_token"]
    client.cookies.clear()
    answer = await client.post(KEYS, json={"name": "wider", "scopes": ["chat"]}, headers=bearer(narrow))
    assert (answer.status_code, answer.json()["code"]) == (403, "scope-out-of-reach")
    made = await client.post(KEYS, json={"name": "same"}, headers=bearer(narrow))
    assert made.json()["scopes"] == ["profile"]


async def test_a_revoked_key_is_refused_at_once(client: httpx2.AsyncClient) -> None:
    person, other = await make_user(client), await make_user(client)
    made = await make_key(client, person)
    path = f"{KEYS}/{made['id']}"
    for method in ("GET", "DELETE"):
        answer = await client.request(method, path, headers=other.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "api-key-not-found")
    assert (await client.get(ME, headers=bearer(made["key"]))).status_code == 200
    assert (await client.delete(path, headers=person.headers)).status_code == 204
    assert (await client.get(ME, headers=bearer(made["key"]))).status_code == 401
    assert (await client.delete(path, headers=person.headers)).status_code == 404


async def test_an_expired_key_and_one_of_a_disabled_account_are_refused(
    client: httpx2.AsyncClient, database: Database
) -> None:
    person = await make_user(client)
    soon = await make_key(client, person, expires_at=(utc_now() + timedelta(minutes=5)).isoformat())
    lasting = await make_key(client, person)
    assert (await client.get(ME, headers=bearer(soon["key"]))).status_code == 200
    async with database.unit() as session:
        past = {"past": utc_now() - timedelta(seconds=1), "prefix": soon["prefix"]}
        await session.execute(text("UPDATE api_keys SET expires_at = :past WHERE prefix = :prefix"), past)
    assert (await client.get(ME, headers=bearer(soon["key"]))).status_code == 401
    assert (await client.get(ME, headers=bearer(lasting["key"]))).status_code == 200
    async with database.unit() as session:
        await session.execute(text("UPDATE accounts SET is_active = false"))
    assert (await client.get(ME, headers=bearer(lasting["key"]))).status_code == 401


async def test_a_key_loses_what_its_owners_role_loses(client: httpx2.AsyncClient, database: Database) -> None:
    admin = await make_admin(client)
    key = (await make_key(client, admin, scopes=["profile", "tokens:introspect"]))["key"]
    form = {"token": "rubbish"}
    assert (await client.post("/oauth/introspect", data=form, headers=bearer(key))).status_code == 200
    async with database.unit() as session:
        await session.execute(text("UPDATE accounts SET role = 'Member'"))
    assert (await client.post("/oauth/introspect", data=form, headers=bearer(key))).status_code == 403
    assert (await client.get(ME, headers=bearer(key))).status_code == 200


async def test_making_a_key_asks_for_a_fresh_sign_in(client: httpx2.AsyncClient, database: Database) -> None:
    person = await make_user(client)
    made = await make_key(client, person)
    async with database.unit() as session:
        old = {"old": utc_now() - timedelta(hours=1)}
        await session.execute(text("UPDATE sessions SET authenticated_at = :old"), old)
    answer = await client.post(KEYS, json={"name": "late"}, headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "reauthentication-required")
    assert (await client.get(KEYS, headers=person.headers)).status_code == 200
    revoked = await client.delete(f"{KEYS}/{made['id']}", headers=person.headers)
    assert revoked.status_code == 204, "what leaked can be stopped at once"


async def test_of_keys_made_at_once_none_exceeds_the_most(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    for number in range(45):
        await make_key(client, person, name=f"key {number}")
    answers = await asyncio.gather(*(client.post(KEYS, json={"name": "x"}, headers=person.headers) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 7
    assert {answer.json().get("code") for answer in answers} == {None, "too-many-api-keys"}

"""Every fact of security is one entry, of whoever caused it, and nobody else reads it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from madang.accounts.events import AccountEnabled
from madang.audit.handlers import RECORDED, record
from madang.audit.runner import write
from madang.audit.schemas import Sought
from madang.audit.service import AuditService
from madang.backends import Backends
from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.kit.refusals import Refusals
from madang.outbox.delivery import Delivery
from madang.worker import HANDLERS
from tests.admin.test_users import patch
from tests.factories import PASSWORD, SignedIn, make_admin, make_user

TRAIL, TOKEN = "/api/v1/audit", "/api/v1/accounts/token"
SOON = 30
Entries = list[dict[str, Any]]


@pytest.fixture
async def admin(client: httpx2.AsyncClient) -> SignedIn:
    return await make_admin(client)


async def entries(client: httpx2.AsyncClient, admin: SignedIn, **sought: str) -> Entries:
    answer = await client.get(TRAIL, params={"limit": "100", **sought}, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    found: Entries = answer.json()["items"]
    return found


async def until(
    client: httpx2.AsyncClient, admin: SignedIn, enough: Callable[[Entries], bool], **sought: str
) -> Entries:
    """What was found once it is enough."""
    async with asyncio.timeout(SOON):
        while not enough(found := await entries(client, admin, **sought)):  # noqa: ASYNC110 - as an administrator looks
            await asyncio.sleep(0.1)
    return found


async def test_a_sign_in_and_what_follows_are_one_entry_each(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    person = await make_user(client)
    agent = {"User-Agent": "Browser of mine", "X-Request-ID": "a" * 32}
    form = {"username": person.account_id, "password": PASSWORD}
    before = datetime.now(UTC) - timedelta(seconds=1)
    await client.post(TOKEN, data=form, headers=agent)
    await client.delete("/api/v1/accounts/logout")
    await patch(client, admin, person.id, role="Admin")
    found = await until(client, admin, lambda found: len(found) >= 5, target_id=person.id)
    assert [one["action"] for one in reversed(found)] == [
        "accounts.account_registered",
        "sessions.session_started",
        "sessions.session_started",
        "sessions.session_ended",
        "accounts.account_role_changed",
    ]
    role, ended, started = found[0], found[1], found[2]
    assert (ended["actor_id"], ended["data"]["reason"]) == (person.id, "signed_out")
    assert (started["actor_id"], started["outcome"], started["count"]) == (person.id, "success", 1)
    assert (started["ip"], started["user_agent"]) == ("127.0.0.1", "Browser of mine")
    assert started["request_id"]
    assert before < datetime.fromisoformat(started["at"]) < datetime.now(UTC)
    assert (role["actor_id"], role["data"]) == (admin.id, {"role": "Admin", "former": "Member"})


async def test_failed_sign_ins_are_one_entry_for_a_minute_and_hold_no_secret(
    client: httpx2.AsyncClient, admin: SignedIn
) -> None:
    person = await make_user(client)
    for number in range(4):
        wrong = await client.post(TOKEN, data={"username": person.account_id, "password": f"canary {number}"})
        assert wrong.status_code == 400
    await client.post(TOKEN, data={"username": "canary as a name", "password": "x"})
    found = await until(
        client, admin, lambda found: sum(one["count"] for one in found) == 5, action="sessions.sign_in_failed"
    )
    known = [one for one in found if one["target_id"] == person.id]
    assert sum(one["count"] for one in known) == 4
    assert len(known) <= 2, "the minute may have turned"
    assert {one["outcome"] for one in found} == {"failure"}
    assert "canary" not in str(found)


async def test_refused_calls_are_one_entry_for_a_minute_with_a_count(
    client: httpx2.AsyncClient, admin: SignedIn
) -> None:
    person = await make_user(client)
    for _ in range(7):
        assert (await client.get("/api/v1/roles", headers=person.headers)).status_code == 403
    found = await until(client, admin, lambda found: sum(one["count"] for one in found) == 7, action="access.refused")
    assert len(found) <= 2, "the minute may have turned"
    assert {one["actor_id"] for one in found} == {person.id}
    assert {one["outcome"] for one in found} == {"denied"}
    assert found[0]["data"] == {"code": "insufficient-scope", "path": "/api/v1/roles"}


async def test_a_stolen_token_and_an_impersonation_are_told(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    person = await make_user(client)
    impersonate = f"/api/v1/users/{person.id}/impersonate"
    acting = (await client.post(impersonate, json={"reason": "ticket 17"}, headers=admin.headers)).json()
    refresh = {"refresh_token": person.refresh_token}
    second = (await client.post("/api/v1/accounts/refresh", json=refresh)).json()["refresh_token"]
    await client.post("/api/v1/accounts/refresh", json={"refresh_token": second})
    assert (await client.post("/api/v1/accounts/refresh", json=refresh)).status_code == 400
    found = await until(client, admin, lambda found: len(found) >= 5, target_id=person.id)
    told = {one["action"]: one for one in found}
    assert told["sessions.refresh_token_reuse_detected"]["outcome"] == "failure"
    await client.delete("/api/v1/accounts/logout", headers={"Authorization": f"Bearer {acting['access_token']}"})
    [ended] = await until(
        client, admin, lambda found: len(found) == 1, actor_id=admin.id, action="sessions.session_ended"
    )
    assert ended["target_id"] == person.id
    started = told["sessions.impersonation_started"]
    assert (started["actor_id"], started["data"]["reason"]) == (admin.id, "ticket 17")


async def test_entries_are_sought_and_paged(client: httpx2.AsyncClient, admin: SignedIn) -> None:
    people = [await make_user(client) for _ in range(3)]
    await until(client, admin, lambda found: len(found) >= 8)
    registered = await entries(client, admin, action="accounts.account_registered")
    assert {one["target_id"] for one in registered} == {admin.id, *(one.id for one in people)}
    assert await entries(client, admin, action="accounts") != []
    assert await entries(client, admin, action="account") == []
    assert await entries(client, admin, outcome="denied") == []
    assert await entries(client, admin, until="2020-01-01T00:00:00Z") == []
    by_one = await entries(client, admin, actor_id=people[0].id)
    assert {one["action"] for one in by_one} == {"accounts.account_registered", "sessions.session_started"}
    first = (await client.get(TRAIL, params={"limit": 3}, headers=admin.headers)).json()
    second = await client.get(TRAIL, params={"cursor": first["next_cursor"]}, headers=admin.headers)
    assert not {one["id"] for one in first["items"]} & {one["id"] for one in second.json()["items"]}


@pytest.mark.parametrize("query", ["outcome=odd", "actor_id=me", "since=yesterday", "action=DROP%20TABLE", "limit=0"])
async def test_what_can_not_be_sought_is_refused(client: httpx2.AsyncClient, admin: SignedIn, query: str) -> None:
    assert (await client.get(f"{TRAIL}?{query}", headers=admin.headers)).status_code == 422


async def test_of_servers_that_count_at_once_nothing_is_lost(database: Database) -> None:
    refusals = [Refusals() for _ in range(4)]
    for one in refusals:
        for number in range(30):
            one.note("access.refused", "insufficient-scope", f"/{number % 10}", None)
    await asyncio.gather(*(write(database, one.drain()) for one in refusals))
    async with database.read_unit() as session:
        page = await AuditService(session).page(Sought(action="access.refused"), None, 100)
    assert sum(one.count for one in page) == 120
    assert len(page) in {10, 20}, "the minute may have turned"


async def test_the_trail_is_read_by_permission_and_changed_by_nobody(
    client: httpx2.AsyncClient, admin: SignedIn
) -> None:
    person = await make_user(client)
    assert (await client.get(TRAIL, headers=person.headers)).status_code == 403
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await client.request(method, TRAIL, headers=admin.headers)).status_code == 405
        assert (await client.request(method, f"{TRAIL}/{admin.id}", headers=admin.headers)).status_code == 404


async def test_a_fact_that_is_delivered_again_is_one_entry(
    client: httpx2.AsyncClient, admin: SignedIn, backends: Backends
) -> None:
    delivery = Delivery(new_id(), utc_now(), backends)
    event = AccountEnabled(account_id=admin.id)
    await asyncio.gather(*(record(event, delivery) for _ in range(5)))
    assert len(await entries(client, admin, action="accounts.account_enabled")) == 1


def test_every_fact_of_accounts_sessions_and_keys_is_recorded() -> None:
    known = {kind for table in HANDLERS for kind in table}
    assert set(RECORDED) <= known
    names = {kind.name for kind in RECORDED}
    assert {"sessions.session_started.v1", "apikeys.api_key_made.v1", "privacy.export_requested.v1"} <= names

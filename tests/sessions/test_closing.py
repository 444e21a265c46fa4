"""Leaving and being disabled: nothing of a person works from the next request on (rows 41, 67, 85)."""

import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, SignedIn, make_admin, make_user
from tests.inboxes import Inbox
from tests.mailing import JISOO, with_address
from tests.passkeys import way_in, with_passkey
from tests.servers import visiting

from madang.accounts.deps import build_accounts
from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.sessions.closing_service import ClosingService
from madang.settings import Settings

ACCOUNTS, ME, TOKEN = "/api/v1/accounts", "/api/v1/accounts/me", "/api/v1/accounts/token"


async def leave(client: httpx2.AsyncClient, person: SignedIn) -> httpx2.Response:
    answer = await client.delete(ME, headers=person.headers)
    client.cookies.clear()
    return answer


async def refresh(client: httpx2.AsyncClient, person: SignedIn) -> httpx2.Response:
    answer = await client.post(f"{ACCOUNTS}/refresh", json={"refresh_token": person.refresh_token})
    client.cookies.clear()
    return answer


async def test_whoever_leaves_is_gone_at_once_and_the_id_is_free(client: httpx2.AsyncClient) -> None:
    person = await make_user(client, "leaver")
    key = (await client.post("/api/v1/api-keys", json={"name": "x"}, headers=person.headers)).json()["key"]
    answer = await leave(client, person)
    assert answer.status_code == 204
    assert any("madang_access=" in header and "Max-Age=0" in header for header in answer.headers.get_list("set-cookie"))
    for credential in (person.access_token, key):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {credential}"})).status_code == 401
    assert (await refresh(client, person)).json()["error"] == "invalid_grant"
    again = await client.post(TOKEN, data={"username": "leaver", "password": PASSWORD})
    nobody = await client.post(TOKEN, data={"username": "nobody_at_all", "password": PASSWORD})
    assert (again.status_code, again.content) == (nobody.status_code, nobody.content), "as if it had never been"
    assert (await client.get(f"{ACCOUNTS}/exist/leaver")).json()["exists"] is False
    assert (await make_user(client, "leaver")).id != person.id


async def test_leaving_asks_for_a_fresh_sign_in(client: httpx2.AsyncClient, database: Database) -> None:
    person = await make_user(client)
    async with database.unit() as session:
        old = {"old": utc_now() - timedelta(hours=1)}
        await session.execute(text("UPDATE sessions SET authenticated_at = :old"), old)
    refused = await leave(client, person)
    assert (refused.status_code, refused.json()["code"]) == (401, "reauthentication-required")
    assert (await client.get(ME, headers=person.headers)).status_code == 200


async def test_the_last_administrator_stays(client: httpx2.AsyncClient, database: Database) -> None:
    admin = await make_admin(client)
    refused = await leave(client, admin)
    assert (refused.status_code, refused.json()["code"]) == (409, "last-administrator")
    second = await make_user(client)
    async with database.unit() as session:
        await session.execute(text("UPDATE accounts SET role = 'Admin'"))
    left = await asyncio.gather(leave(client, admin), leave(client, second))
    assert sorted(answer.status_code for answer in left) == [204, 409], "of the last two at once one stays"


async def test_a_refresh_racing_the_leaving_opens_nothing(client: httpx2.AsyncClient) -> None:
    for _ in range(5):
        person = await make_user(client)
        raced, left = await asyncio.gather(refresh(client, person), leave(client, person))
        assert left.status_code == 204
        tokens = [person.access_token] + ([raced.json()["access_token"]] if raced.status_code == 200 else [])
        for token in tokens:
            assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 401
        assert (await refresh(client, person)).status_code == 400


async def test_of_two_leavings_at_once_one_counts(client: httpx2.AsyncClient, database: Database) -> None:
    person = await make_user(client)
    answers = await asyncio.gather(*(leave(client, person) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {204, 401, 404}
    async with database.read_unit() as session:
        facts = text("SELECT count(*) FROM outbox_events WHERE name = 'accounts.account_deleted.v1'")
        assert (await session.execute(facts)).scalar_one() == 1


async def test_the_owner_is_told_and_no_mailed_code_works_any_more(settings: Settings, inbox: Inbox) -> None:
    async with visiting(settings, mail_url=inbox.url) as client:
        person = await with_address(client, inbox, "jisoo", JISOO)
        await client.post(f"{ACCOUNTS}/password/forgot", json={"email": JISOO})
        code = (await inbox.wait(JISOO, 1, "Choose a new password")).code
        assert (await leave(client, person)).status_code == 204
        assert "jisoo" in (await inbox.wait(JISOO, 1, "account was deleted")).text
        body = {"code": code, "new_password": "another long sentence"}
        assert (await client.post(f"{ACCOUNTS}/password/reset", json=body)).status_code == 422
        assert (await with_address(client, inbox, "jisoo2", "jisoo2@example.com")).account_id == "jisoo2"


@pytest.mark.parametrize("way", ["disable", "delete"])
async def test_a_closed_account_has_no_way_in(client: httpx2.AsyncClient, database: Database, way: str) -> None:
    person, device = await with_passkey(client)
    async with database.unit() as session:
        accounts = build_accounts(session)
        found = await accounts.by_sign_in_name(person.account_id)
        assert found is not None
        await getattr(ClosingService(session, accounts, utc_now), way)(found.id)
    assert (await client.get(ME, headers=person.headers)).status_code == 401
    assert (await way_in(client, device)).status_code == 400
    assert (await client.post(TOKEN, data={"username": person.account_id, "password": PASSWORD})).status_code == 400

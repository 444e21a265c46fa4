"""Forgotten passwords, end to end: the server, its worker, and a real SMTP server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pyotp
import pytest
from sqlalchemy import select, text
from tests.factories import PASSWORD
from tests.inboxes import Inbox
from tests.mailing import (
    ACCOUNTS,
    FORGOT,
    JISOO,
    NEW,
    RESET,
    TOKEN,
    ask_to_reset,
    reset,
    token_status,
    with_address,
)
from tests.servers import visiting

from madang.db.session import Database
from madang.sessions.models import MailProof
from madang.settings import Settings


@pytest.fixture
async def client(settings: Settings, inbox: Inbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with visiting(settings, mail_url=inbox.url) as opened:
        yield opened


async def test_opening_the_link_changes_nothing_and_its_token_works_by_post(
    client: httpx2.AsyncClient, inbox: Inbox
) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    letter = await ask_to_reset(client, inbox)
    opened = letter.link.replace("http://localhost:8000", "")
    for method in ("GET", "HEAD"):
        await client.request(method, opened)
        await client.request(method, RESET, params={"code": letter.token, "new_password": NEW})
    assert await token_status(client, "jisoo", PASSWORD) == 200
    assert (await reset(client, letter.token)).status_code == 204
    assert await token_status(client, "jisoo", NEW) == 200


async def test_the_host_of_a_link_is_never_that_of_the_request(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert (await client.post(FORGOT, json={"email": JISOO}, headers=forged)).status_code == 202
    letter = await inbox.wait(JISOO, 1, "Choose a new password")
    assert letter.link.startswith("http://localhost:8000/app/reset-password#code=mdl_")
    assert "evil" not in letter.message.as_string()


async def test_known_and_unknown_addresses_are_answered_alike(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    known, unknown = [await client.post(FORGOT, json={"email": email}) for email in (JISOO, "nobody.here@example.com")]
    ignored = {"x-request-id", "date"}
    shown = [{k: v for k, v in one.headers.items() if k not in ignored} for one in (known, unknown)]
    assert (known.status_code, known.content, shown[0]) == (unknown.status_code, unknown.content, shown[1])
    await inbox.wait(JISOO, 1, "Choose a new password")
    assert inbox.letters("nobody.here@example.com") == []


async def test_a_reset_ends_every_session_and_tells_the_owner(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    user = await with_address(client, inbox, "jisoo", JISOO)
    letter = await ask_to_reset(client, inbox)
    assert (await reset(client, letter.code)).status_code == 204
    assert (await client.get(f"{ACCOUNTS}/me", headers=user.headers)).status_code == 401
    refreshed = await client.post(f"{ACCOUNTS}/refresh", json={"refresh_token": user.refresh_token})
    assert refreshed.json()["error"] == "invalid_grant"
    assert await token_status(client, "jisoo", PASSWORD) == 400
    assert await token_status(client, JISOO, NEW) == 200
    assert "127.0.0.1" in (await inbox.wait(JISOO, 1, "was reset")).text
    assert (await reset(client, letter.code, "yet another sentence")).status_code == 422


async def test_a_refused_password_leaves_the_code_unused(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    letter = await ask_to_reset(client, inbox)
    refused = await reset(client, letter.code, "password123")
    assert refused.json()["errors"][0]["pointer"] == "/new_password"
    assert (await reset(client, letter.code)).status_code == 204


async def test_of_two_resets_at_once_one_wins(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    letter = await ask_to_reset(client, inbox)
    given = [f"sentence number {number} of many" for number in range(6)]
    answers = await asyncio.gather(*(reset(client, letter.code, new) for new in given))
    won = [new for new, answer in zip(given, answers, strict=True) if answer.status_code == 204]
    assert len(won) == 1
    assert {answer.status_code for answer in answers} == {204, 422}
    assert await token_status(client, "jisoo", won[0]) == 200


async def test_a_newer_request_voids_the_older_code(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    first = await ask_to_reset(client, inbox)
    second = await ask_to_reset(client, inbox, count=2)
    for old in (first.code, first.token):
        assert (await reset(client, old)).status_code == 422
    assert (await reset(client, second.token)).status_code == 204


async def test_a_change_of_password_voids_the_code(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    user = await with_address(client, inbox, "jisoo", JISOO)
    letter = await ask_to_reset(client, inbox)
    change = {"old_password": PASSWORD, "new_password": NEW}
    assert (await client.put(f"{ACCOUNTS}/password", json=change, headers=user.headers)).status_code == 204
    assert (await reset(client, letter.code, "yet another sentence")).status_code == 422
    await inbox.wait(JISOO, 1, "was changed")


@pytest.mark.parametrize(("age", "code_works", "link_works"), [(11, False, True), (61, False, False)])
async def test_a_code_dies_after_ten_minutes_and_a_link_after_an_hour(
    client: httpx2.AsyncClient, inbox: Inbox, database: Database, age: int, code_works: bool, link_works: bool
) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    letter = await ask_to_reset(client, inbox)
    await grow_older(database, timedelta(minutes=age))
    assert (await reset(client, letter.code)).status_code == (204 if code_works else 422)
    assert (await reset(client, letter.token)).status_code == (204 if link_works else 422)


async def grow_older(database: Database, by: timedelta) -> None:
    async with database.unit() as session:
        for proof in await session.scalars(select(MailProof)):
            proof.created_at -= by


async def test_a_reset_does_not_skip_the_second_factor(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    user = await with_address(client, inbox, "jisoo", JISOO)
    begun = await client.post(f"{ACCOUNTS}/mfa/totp", headers=user.headers)
    code = {"code": pyotp.TOTP(begun.json()["secret"]).now()}
    confirmed = await client.post(f"{ACCOUNTS}/mfa/totp/confirm", json=code, headers=user.headers)
    assert confirmed.status_code == 200
    await inbox.wait(JISOO, 1, "was set up")
    letter = await ask_to_reset(client, inbox)
    assert (await reset(client, letter.code)).status_code == 204
    answer = await client.post(TOKEN, data={"username": "jisoo", "password": NEW})
    assert (answer.status_code, answer.json()["error"]) == (403, "mfa_required")


async def test_a_guesser_does_not_keep_out_who_resets(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    while await token_status(client, "jisoo", "wrong guess of mine") != 429:
        pass
    letter = await ask_to_reset(client, inbox)
    assert (await reset(client, letter.code)).status_code == 204
    assert await token_status(client, "jisoo", NEW) == 200


async def test_guessed_codes_use_up_the_budget_of_the_address(settings: Settings, inbox: Inbox) -> None:
    limits = settings.limits.model_copy(update={"sign_in_address": "5/15 minutes"})
    async with visiting(settings, mail_url=inbox.url, limits=limits) as client:
        await with_address(client, inbox, "jisoo", JISOO)
        letter = await ask_to_reset(client, inbox)
        answers = await asyncio.gather(*(reset(client, f"ABCDEFGH{number:02}") for number in range(20)))
        statuses = [answer.status_code for answer in answers]
        assert statuses.count(422) <= 5
        assert set(statuses) == {422, 429}
        assert (await reset(client, letter.code)).status_code == 429


async def test_an_address_is_not_flooded_with_letters(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    for _ in range(15):
        assert (await client.post(FORGOT, json={"email": JISOO})).status_code == 202
    await asyncio.sleep(1)
    assert len(inbox.letters(JISOO)) <= 10


async def test_the_database_holds_nothing_that_works(
    client: httpx2.AsyncClient, inbox: Inbox, database: Database
) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    letter = await ask_to_reset(client, inbox)
    async with database.read_unit() as session:
        for table in ("mail_proofs", "outbox_events"):
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).all()
            assert rows
            for secret in (letter.code, letter.token):
                assert secret not in repr(rows)
                assert secret.encode().hex() not in repr(rows)

"""Proving addresses and telling owners by mail, end to end: the server, its worker, and a real SMTP server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, make_user, sign_in
from tests.inboxes import Inbox, mail_server
from tests.mailing import (
    ACCOUNTS,
    FORGOT,
    JISOO,
    TOKEN,
    VERIFICATION,
    VERIFY,
    ask_to_reset,
    reset,
    sign_up,
    token_status,
    with_address,
)
from tests.servers import visiting

from madang.db.session import Database
from madang.kit.ids import new_id
from madang.outbox.publish import Outbox
from madang.sessions.events import NoticeDue
from madang.settings import Settings


@pytest.fixture
async def client(settings: Settings, inbox: Inbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with visiting(settings, mail_url=inbox.url) as opened:
        yield opened


async def test_a_code_proves_the_address_given_at_sign_up(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    created = await sign_up(client, "jisoo", JISOO)
    assert created.json()["email"] is None
    assert await token_status(client, JISOO, PASSWORD) == 400
    letter = await inbox.wait(JISOO)
    assert "jisoo" in letter.text
    assert letter.code in letter.html
    assert letter.message["Auto-Submitted"] == "auto-generated"
    assert (
        await client.post(VERIFY, json={"code": f" {letter.code.lower()[:5]}-{letter.code[5:]} "})
    ).status_code == 200
    assert await token_status(client, JISOO, PASSWORD) == 200
    again = await client.post(VERIFY, json={"code": letter.code})
    assert (again.status_code, again.json()["code"]) == (422, "wrong-mail-code")
    me = await client.get(f"{ACCOUNTS}/me", headers=(await sign_in(client, "jisoo")).headers)
    assert (me.json()["email"], me.json()["email_verified"]) == (JISOO, True)


async def test_the_owner_is_told_of_a_new_api_key(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    person = await with_address(client, inbox, "jisoo", JISOO)
    made = await client.post("/api/v1/api-keys", json={"name": "deploy"}, headers=person.headers)
    letter = await inbox.wait(JISOO, 1, "API key was made")
    assert "jisoo" in letter.text
    assert made.json()["key"] not in letter.text


async def test_letters_speak_the_language_of_whoever_asks(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    client.headers["Accept-Language"] = "ko-KR"
    await sign_up(client, "jisoo", JISOO)
    letter = await inbox.wait(JISOO)
    assert letter.subject == "이메일 주소를 확인해 주세요"
    assert letter.message["Content-Language"] == "ko"
    await sign_up(client, "minji", "minji@example.com", language="en")
    assert (await inbox.wait("minji@example.com")).subject == "Confirm your e-mail address"


async def test_signing_up_with_a_taken_address_tells_its_owner_alone(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    taken, free = (
        await sign_up(client, "newcomer", "JISOO@example.com"),
        await sign_up(client, "third", "free@example.com"),
    )
    assert (taken.status_code, set(taken.json())) == (free.status_code, set(free.json()))
    assert (taken.json()["email"], free.json()["email"]) == (None, None)
    told = await inbox.wait(JISOO, 1, "given again")
    assert "jisoo" in told.text
    assert "newcomer" not in told.text


async def test_a_change_of_address_is_proven_told_and_voids_the_code(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    user, new = await with_address(client, inbox, "jisoo", JISOO), "new.jisoo@example.com"
    letter = await ask_to_reset(client, inbox)
    asked = await client.post(VERIFICATION, json={"email": new}, headers=user.headers)
    assert asked.status_code == 202
    proof = await inbox.wait(new)
    assert await token_status(client, JISOO, PASSWORD) == 200
    assert (await client.post(VERIFY, json={"code": proof.token})).status_code == 200
    assert await token_status(client, JISOO, PASSWORD) == 400
    assert await token_status(client, new, PASSWORD) == 200
    assert "jisoo" in (await inbox.wait(JISOO, 1, "address was changed")).text
    assert (await reset(client, letter.code)).status_code == 422


async def test_an_address_that_somebody_else_has_is_not_told_and_not_taken(
    client: httpx2.AsyncClient, inbox: Inbox
) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    other = await make_user(client, "other")
    asked = await client.post(VERIFICATION, json={"email": JISOO}, headers=other.headers)
    assert asked.status_code == 202
    await inbox.wait(JISOO, 1, "given again")
    assert len([one for one in inbox.letters(JISOO) if "Confirm" in one.subject]) == 1


async def test_proving_an_address_takes_it_from_who_never_did(
    client: httpx2.AsyncClient, inbox: Inbox, database: Database
) -> None:
    await sign_up(client, "squatter", JISOO)
    first = await inbox.wait(JISOO)
    await sign_up(client, "jisoo", JISOO)
    second = await inbox.wait(JISOO, 2)
    owner = first if "jisoo" in first.text.replace(JISOO, "") else second
    squatter = second if owner is first else first
    assert (await client.post(VERIFY, json={"code": owner.code})).status_code == 200
    late = await client.post(VERIFY, json={"code": squatter.code})
    assert (late.status_code, late.json()["code"]) == (409, "email-taken")
    async with database.read_unit() as session:
        waiting = "SELECT count(*) FROM accounts WHERE unproven_email IS NOT NULL"
        assert await session.scalar(text(waiting)) == 0


async def test_a_change_of_address_asks_for_a_fresh_sign_in(settings: Settings, inbox: Inbox) -> None:
    async with visiting(settings, mail_url=inbox.url, fresh_ttl=1) as client:
        user = await make_user(client, "jisoo")
        await asyncio.sleep(1.1)
        refused = await client.post(VERIFICATION, json={"email": JISOO}, headers=user.headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "reauthentication-required")
        assert (await client.post(VERIFICATION, json={}, headers=user.headers)).json()["code"] == "no-email"


async def test_a_new_device_is_told_and_a_known_one_is_not(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    await with_address(client, inbox, "jisoo", JISOO)
    form = {"username": "jisoo", "password": PASSWORD}
    stranger = {"User-Agent": "Other browser/1.0"}
    assert (await client.post(TOKEN, data=form, headers=stranger)).status_code == 200
    assert "Other browser/1.0" in (await inbox.wait(JISOO, 1, "new device")).text
    assert "madang_device" in client.cookies
    assert (await client.post(TOKEN, data=form, headers={"User-Agent": "Updated browser/2.0"})).status_code == 200
    client.cookies.clear()
    assert (await client.post(TOKEN, data=form, headers={"User-Agent": "Third/1.0"})).status_code == 200
    assert "Third/1.0" in (await inbox.wait(JISOO, 2, "new device")).text


async def test_reuse_of_a_refresh_token_tells_the_owner(client: httpx2.AsyncClient, inbox: Inbox) -> None:
    user = await with_address(client, inbox, "jisoo", JISOO)
    token = user.refresh_token
    for _ in range(2):
        answer = await client.post(f"{ACCOUNTS}/refresh", json={"refresh_token": token})
        token = answer.json()["refresh_token"]
        client.cookies.clear()
    assert (await client.post(f"{ACCOUNTS}/refresh", json={"refresh_token": user.refresh_token})).status_code == 400
    await inbox.wait(JISOO, 1, "ended for safety")


async def test_letters_wait_for_a_mail_server_that_is_away(settings: Settings, tmp_path: Path) -> None:
    with mail_server(tmp_path / "first") as gone:
        port = gone.port
    async with visiting(settings, mail_url=f"smtp://127.0.0.1:{port}") as client:
        await sign_up(client, "jisoo", JISOO)
        user = await sign_in(client, "jisoo")
        assert (await client.get(f"{ACCOUNTS}/me", headers=user.headers)).status_code == 200
        await asyncio.sleep(0.5)
        with mail_server(tmp_path / "second", "--port", str(port)) as back:
            letter = await back.wait(JISOO)
            assert (await client.post(VERIFY, json={"code": letter.code})).status_code == 200


async def test_switched_off_mail_says_so(settings: Settings) -> None:
    async with visiting(settings, mail_url="none") as client:
        assert (await sign_up(client, "jisoo", JISOO)).status_code == 201
        for answer in (
            await client.post(FORGOT, json={"email": JISOO}),
            await client.post(VERIFICATION, json={}, headers=(await sign_in(client, "jisoo")).headers),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "mail-switched-off")


async def test_a_notice_to_a_former_address_never_goes_to_the_new_one(
    client: httpx2.AsyncClient, inbox: Inbox, database: Database
) -> None:
    """Even when what was known of the former one has been swept, say after a long time without a mail server."""
    user = await with_address(client, inbox, "jisoo", JISOO)
    async with database.unit() as session:
        due = NoticeDue(notice="email_changed", account_id=UUID(user.id), proof_id=new_id())
        Outbox(session).publish(due, key=new_id())
        Outbox(session).publish(NoticeDue(notice="factor_added", account_id=UUID(user.id)), key=new_id())
    await inbox.wait(JISOO, 1, "was set up")
    await asyncio.sleep(0.3)
    assert not [one for one in inbox.letters(JISOO) if "address was changed" in one.subject]

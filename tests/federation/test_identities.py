"""Linking and unlinking identities of one's own."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select

from madang.db.session import Database
from madang.federation.models import Identity
from madang.kit.clock import utc_now
from madang.sessions.models import UserSession
from madang.settings import Settings
from tests.factories import SignedIn, make_user
from tests.federation.browsing import AUTH, IDENTITIES, SITE, Browser, Peer, query_of
from tests.inboxes import Inbox
from tests.mailing import JISOO, with_address
from tests.servers import serving


@pytest.fixture
def settings(settings: Settings, inbox: Inbox) -> Settings:
    return settings.model_copy(update={"mail_url": inbox.url})


@pytest.fixture
async def person(client: httpx2.AsyncClient) -> SignedIn:
    return await make_user(client)


async def begin_linking(browser: Browser, person: SignedIn, **query: str) -> str:
    answer = await browser.link(headers=person.headers, params=query)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["authorization_url"]
    return url


async def listed(browser: Browser, person: SignedIn) -> list[str]:
    answer = await browser.open(IDENTITIES, headers=person.headers)
    return [identity["id"] for identity in answer.json()["items"]]


async def unlink(browser: Browser, identity: str, person: SignedIn | None = None) -> httpx2.Response:
    headers = person.headers if person else {}
    return await browser.http.delete(f"{IDENTITIES}/{identity}", headers=headers)


async def test_a_linked_identity_opens_the_account(
    browser: Browser, new_browser: Callable[[], Browser], person: SignedIn
) -> None:
    callback = await browser.authorize(await begin_linking(browser, person, next="/app/settings"))
    answer = await browser.open(callback)
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/settings")
    assert not await browser.is_signed_in(), "linking opens no session"
    assert len(await listed(browser, person)) == 1
    assert (await new_browser().signed_in())["id"] == person.id


async def test_linking_twice_is_linking_once(browser: Browser, person: SignedIn) -> None:
    for _ in range(2):
        await browser.open(await browser.authorize(await begin_linking(browser, person)))
    assert len(await listed(browser, person)) == 1


async def test_an_identity_of_somebody_else_is_not_taken_over(
    browser: Browser, new_browser: Callable[[], Browser], person: SignedIn
) -> None:
    owner = await new_browser().signed_in()
    answer = await browser.open(await browser.authorize(await begin_linking(browser, person)))
    assert query_of(answer.headers["location"]) == {"error": "identity-taken", "provider": "idp"}
    assert await listed(browser, person) == []
    assert (await new_browser().signed_in())["id"] == owner["id"]


async def test_a_link_that_somebody_else_began_links_nothing(
    browser: Browser, new_browser: Callable[[], Browser], person: SignedIn
) -> None:
    """Otherwise one could make a victim's identity open one's own account."""
    callback = await browser.authorize(await begin_linking(browser, person))
    victim = new_browser()
    answer = await victim.open(callback)
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown-sign-in-state")
    assert await listed(browser, person) == []


async def test_a_link_dies_with_the_session_that_asked(
    browser: Browser, client: httpx2.AsyncClient, person: SignedIn, database: Database
) -> None:
    callback = await browser.authorize(await begin_linking(browser, person))
    await client.delete("/api/v1/accounts/logout", headers=person.headers)
    answer = await browser.open(callback)
    assert query_of(answer.headers["location"])["error"] == "linking-ended"


async def test_linking_and_unlinking_ask_for_a_fresh_sign_in(
    browser: Browser, person: SignedIn, database: Database
) -> None:
    await browser.open(await browser.authorize(await begin_linking(browser, person)))
    [identity] = await listed(browser, person)
    async with database.unit() as session:
        [opened] = (await session.scalars(select(UserSession))).all()
        opened.authenticated_at = utc_now() - timedelta(hours=1)
    for answer in (await browser.link(headers=person.headers), await unlink(browser, identity, person)):
        assert (answer.status_code, answer.json()["code"]) == (401, "reauthentication-required")
    assert (await browser.link()).status_code == 401


async def test_the_owner_is_told(browser: Browser, client: httpx2.AsyncClient, inbox: Inbox, peer: Peer) -> None:
    await peer.says(email=None, email_verified=None)
    owner = await with_address(client, inbox, "jisoo", JISOO)
    await browser.open(await browser.authorize(await begin_linking(browser, owner)))
    await inbox.wait(JISOO, 1, "A way to sign in was added")
    [identity] = await listed(browser, owner)
    assert (await unlink(browser, identity, owner)).status_code == 204
    letter = await inbox.wait(JISOO, 1, "A way to sign in was removed")
    assert "The provider" in letter.text
    assert await listed(browser, owner) == []


async def test_the_last_way_in_stays(browser: Browser) -> None:
    await browser.signed_in()
    [identity] = (await browser.open(IDENTITIES)).json()["items"]
    answer = await unlink(browser, identity["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "last-way-in")


async def test_of_the_last_two_ways_in_one_stays(browser: Browser, peer: Peer) -> None:
    await browser.signed_in()
    await peer.says(sub="another")
    url = (await browser.link()).json()["authorization_url"]
    await browser.open(await browser.authorize(url))
    two = [identity["id"] for identity in (await browser.open(IDENTITIES)).json()["items"]]
    answers = await asyncio.gather(*(unlink(browser, one) for one in two))
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_a_provider_that_is_gone_is_no_way_in(browser: Browser, database: Database) -> None:
    account = await browser.signed_in()
    [usable] = (await browser.open(IDENTITIES)).json()["items"]
    gone = {"provider": "gone", "issuer": "https://gone.example", "subject": "1", "email_verified": False}
    async with database.unit() as session:
        times = {"created_at": utc_now(), "last_used_at": utc_now()}
        session.add(Identity(account_id=UUID(account["id"]), **gone, **times))
    assert (await unlink(browser, usable["id"])).json()["code"] == "last-way-in"
    [left] = {one["id"] for one in (await browser.open(IDENTITIES)).json()["items"]} - {usable["id"]}
    assert (await unlink(browser, left)).status_code == 204


@pytest.mark.parametrize("next_", ["//evil.example", "javascript:x"])
async def test_linking_leads_nowhere_else(browser: Browser, person: SignedIn, next_: str) -> None:
    answer = await browser.link(headers=person.headers, params={"next": next_})
    assert (answer.status_code, answer.json()["code"]) == (400, "unsafe-next")


async def test_another_site_can_not_begin_linking(browser: Browser) -> None:
    await browser.signed_in()
    answer = await browser.link(headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-site-request")


async def test_the_callback_ends_on_the_front_end(settings: Settings, peer: Peer) -> None:
    async with serving(settings.model_copy(update={"frontend_url": "http://front.example"})) as (url, _):
        answer = await Browser(url).sign_in()
        assert answer.headers["location"] == "http://front.example/auth/callback?success=true"
        inside = await Browser(url).sign_in(next="http://front.example/chat")
        assert inside.headers["location"] == "http://front.example/chat"
        assert f"{SITE}{AUTH}" in (await peer.seen())["asked"]["redirect_uri"]

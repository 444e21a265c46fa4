"""What comes back from a provider: states of one use and one browser, and ID tokens that lie (row 80)."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from madang.accounts.models import Account
from madang.db.session import Database
from madang.federation.models import Identity, OidcState
from madang.federation.repository import FederationRepository
from madang.kit.clock import utc_now
from madang.sessions.models import UserSession
from tests.federation.browsing import AUTH, SITE, Browser, Peer, query_of

TOKEN_LIES = [
    *("nonce", "nonce-list", "without-nonce", "audience", "audience-azp", "without-aud", "azp", "two-audiences"),
    *("issuer", "without-iss", "expired", "without-exp", "exp-text", "without-iat", "from-the-future", "at-hash"),
    *("without-sub", "subject-number", "subject-empty", "subject-long", "no-id-token"),
    *("alg-none", "alg-hs256", "client-secret-hs256", "unknown-kid", "another-key", "own-jwk"),
    *("response-issuer", "no-response-issuer"),
]


async def sessions_and_accounts(database: Database) -> tuple[int, int]:
    async with database.read_unit() as session:
        sessions = await session.scalar(select(func.count(UserSession.id)))
        accounts = await session.scalar(select(func.count(Account.id)))
    return sessions or 0, accounts or 0


def is_refused(answer: httpx2.Response, code: str) -> bool:
    return (answer.status_code, answer.json()["code"]) == (400, code) and "set-cookie" not in answer.headers


@pytest.mark.parametrize("lie", TOKEN_LIES)
async def test_a_lying_provider_signs_nobody_in(browser: Browser, peer: Peer, database: Database, lie: str) -> None:
    await peer.says(lie)
    answer = await browser.sign_in()
    assert is_refused(answer, "unproven-identity"), answer.text
    assert "SECRET" not in answer.text
    assert await sessions_and_accounts(database) == (0, 0)


async def test_a_state_works_once(browser: Browser, database: Database) -> None:
    callback = await browser.authorize(await browser.begin())
    assert (await browser.open(callback)).status_code == 303
    assert is_refused(await browser.open(callback), "unknown-sign-in-state")
    assert (await sessions_and_accounts(database))[0] == 1


async def test_of_ten_parallel_replays_one_opens_a_session(browser: Browser, peer: Peer, database: Database) -> None:
    callback = await browser.authorize(await browser.begin())
    cookie = {"Cookie": f"madang_oidc={browser.http.cookies['madang_oidc']}"}
    answers = await asyncio.gather(*(browser.open(callback, headers=cookie) for _ in range(10)))
    [_, *refused] = sorted(answers, key=lambda answer: answer.status_code)
    assert all(is_refused(answer, "unknown-sign-in-state") for answer in refused)
    assert (await peer.seen())["counts"]["token"] == 1, "the provider is asked for one of them"
    assert await sessions_and_accounts(database) == (1, 1)


async def test_another_browser_can_not_finish_it(
    browser: Browser, new_browser: Callable[[], Browser], database: Database
) -> None:
    callback = await browser.authorize(await browser.begin())
    stranger, busy = new_browser(), new_browser()
    await busy.begin()
    for other in (stranger, busy):
        assert is_refused(await other.open(callback), "unknown-sign-in-state")
    assert await sessions_and_accounts(database) == (0, 0)
    assert (await browser.open(callback)).status_code == 303


@pytest.mark.parametrize(
    "query", ["", "?code=abc", "?state=&code=abc", "?state=made-up&code=abc", "?state=%00%FF&code=a"]
)
async def test_a_state_that_was_never_made_is_refused(browser: Browser, query: str) -> None:
    await browser.begin()
    assert is_refused(await browser.open(f"{AUTH}/idp/callback{query}"), "unknown-sign-in-state")


async def test_a_state_dies_after_ten_minutes(
    browser: Browser, server: tuple[str, FastAPI], database: Database
) -> None:
    callback = await browser.authorize(await browser.begin())
    async with database.unit() as session:
        [state] = (await session.scalars(select(OidcState))).all()
        assert timedelta(minutes=9) < state.expires_at - utc_now() <= timedelta(minutes=10)
        state.expires_at = utc_now() - timedelta(seconds=1)
    assert is_refused(await browser.open(callback), "unknown-sign-in-state")
    async with database.unit() as session:  # the server's own house-keeping may have been here first
        await FederationRepository(session).delete_states(utc_now(), 1000)
        assert (await session.scalars(select(OidcState))).all() == []


async def test_a_state_is_of_one_provider(browser: Browser, server: tuple[str, FastAPI], database: Database) -> None:
    callback = await browser.authorize(await browser.begin())
    async with database.unit() as session:
        [state] = (await session.scalars(select(OidcState))).all()
        state.provider = "another"
    assert is_refused(await browser.open(callback), "unknown-sign-in-state")


@pytest.mark.parametrize(
    ("error", "code"),
    [("access_denied", "access-denied"), ("temporarily_unavailable", "provider-error"), ("<script>", "provider-error")],
)
async def test_an_error_of_the_provider_comes_back_to_the_page(
    browser: Browser, peer: Peer, error: str, code: str
) -> None:
    await peer.says(error)
    answer = await browser.sign_in(next="/app")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{SITE}/auth/callback?error={code}&provider=idp"
    assert not await browser.is_signed_in()


async def test_a_state_without_a_code_signs_nobody_in(browser: Browser) -> None:
    asked = query_of(await browser.begin())
    answer = await browser.open(f"{AUTH}/idp/callback?state={asked['state']}")
    assert is_refused(answer, "unproven-identity")  # the provider promises `iss` in each of its answers


async def test_a_code_of_another_sign_in_is_refused(browser: Browser, new_browser: Callable[[], Browser]) -> None:
    """The code is bound to its request's verifier and nonce, so an injected one proves nothing."""
    other = query_of(await browser.authorize(await browser.begin()))
    mine = query_of(await browser.authorize(await browser.begin()))
    injected = {"state": mine["state"], "code": other["code"], "iss": mine["iss"]}
    assert is_refused(await browser.open(f"{AUTH}/idp/callback", params=injected), "unproven-identity")


async def test_the_database_holds_nothing_that_finishes_a_sign_in(
    browser: Browser, peer: Peer, database: Database
) -> None:
    asked = query_of(await browser.begin())
    async with database.read_unit() as session:
        [state] = (await session.scalars(select(OidcState))).all()
        stored = str(vars(state))
        assert (await session.scalar(select(func.count(Identity.id)))) == 0
    for secret in (asked["state"], asked["nonce"], browser.http.cookies["madang_oidc"]):
        assert secret not in stored


async def test_a_planted_cookie_that_is_none_of_ours_is_not_kept(browser: Browser) -> None:
    browser.http.cookies.set("madang_oidc", "planted", domain="madang.test")
    await browser.begin()
    assert len(browser.http.cookies["madang_oidc"]) == 43


async def test_a_person_whose_sign_in_broke_off_sees_a_page(browser: Browser, peer: Peer) -> None:
    navigating = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    await peer.says("audience")
    callback = await browser.authorize(await browser.begin())
    for _ in range(2):  # an ID token that does not hold, then a state that was used
        page = await browser.open(callback, headers=navigating)
        assert page.status_code == 400
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["cache-control"] == "no-store"
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "set-cookie" not in page.headers

"""Whose account an identity opens: never by mail unless both sides have proven it (row 81)."""

import time
from collections.abc import Callable
from typing import Any

import httpx2
import pyotp
import pytest
from joserfc.jws import extract_compact
from sqlalchemy import update

from madang.accounts.models import Account
from madang.backends.oidc.base import Claims
from madang.db.session import Database
from madang.federation.service import is_email_proven
from madang.kit.urls import GOOGLE_ISSUER
from madang.settings import Settings
from tests.federation.browsing import IDENTITIES, SITE, Browser, Peer, fragment_of, query_of
from tests.federation.test_callback import sessions_and_accounts
from tests.inboxes import Inbox
from tests.mailing import ACCOUNTS, JISOO, NEW, TOKEN, ask_to_reset, reset, sign_up, token_status, with_address

MFA = f"{ACCOUNTS}/mfa/totp"


@pytest.fixture
def settings(settings: Settings, inbox: Inbox) -> Settings:
    return settings.model_copy(update={"mail_url": inbox.url})


async def test_an_address_that_both_sides_have_proven_links(
    client: httpx2.AsyncClient, inbox: Inbox, browser: Browser
) -> None:
    owner = await with_address(client, inbox, "jisoo", JISOO)
    account = await browser.signed_in()
    assert account["id"] == owner.id
    assert account["auth_provider"] == "local"
    letter = await inbox.wait(JISOO, 1, "A way to sign in was added")
    assert "with The provider" in letter.text
    assert await token_status(client, "jisoo", "correct horse battery staple") == 200


@pytest.mark.parametrize("verified", [False, None, "true", "True", 1, [True]])
async def test_an_address_that_the_provider_has_not_verified_never_links(
    client: httpx2.AsyncClient, inbox: Inbox, browser: Browser, peer: Peer, verified: Any
) -> None:
    owner = await with_address(client, inbox, "jisoo", JISOO)
    await peer.says(email_verified=verified)
    account = await browser.signed_in()
    assert account["id"] != owner.id
    assert (account["email"], account["email_verified"]) == (None, False)
    await inbox.wait(JISOO, 1, "Your address was given again")


async def test_an_address_that_is_not_proven_here_never_links(
    client: httpx2.AsyncClient, browser: Browser, inbox: Inbox
) -> None:
    """Somebody may have signed up with the address of another, waiting for its owner to come (pre-hijacking)."""
    squatter = (await sign_up(client, "squatter", JISOO)).json()
    letter = await inbox.wait(JISOO)
    account = await browser.signed_in()
    assert account["id"] != squatter["id"]
    assert account["email"] == JISOO
    answer = await client.post(f"{ACCOUNTS}/email/verify", json={"code": letter.code})
    assert answer.status_code in {409, 422}
    assert (await browser.account())["email"] == JISOO


@pytest.mark.parametrize("lookalike", ["\u212aim@example.com", "ki\u017f@example.com"])
async def test_an_address_that_only_folds_to_the_same_never_links(
    client: httpx2.AsyncClient, inbox: Inbox, browser: Browser, peer: Peer, lookalike: str
) -> None:
    """The Kelvin sign folds to k, the long s to s; their mailboxes are other people's."""
    owner = await with_address(client, inbox, "kim", lookalike.casefold())
    await peer.says(email=lookalike)
    account = await browser.signed_in()
    assert account["id"] != owner.id
    assert account["email"] is None
    assert (await new_sign_in(browser))["id"] == account["id"]


async def new_sign_in(browser: Browser) -> dict[str, Any]:
    browser.http.cookies.clear()
    return await browser.signed_in()


async def test_unproven_on_both_sides_makes_two_accounts(
    client: httpx2.AsyncClient, browser: Browser, peer: Peer, database: Database
) -> None:
    await sign_up(client, "jisoo", JISOO)
    await peer.says(email_verified=False)
    assert (await browser.signed_in())["email"] is None
    assert (await sessions_and_accounts(database))[1] == 2


async def test_an_unverified_address_can_be_proven_by_the_mailed_code(
    browser: Browser, peer: Peer, inbox: Inbox
) -> None:
    await peer.says(email_verified=False)
    await browser.signed_in()
    letter = await inbox.wait(JISOO)
    assert (await browser.http.post(f"{ACCOUNTS}/email/verify", json={"code": letter.code})).status_code == 200
    assert (await browser.account())["email"] == JISOO


@pytest.mark.parametrize("email", ["no address", "a@b@c.example", "a\u0000@example.com", "x" * 400 + "@example.com", 7])
async def test_an_address_that_is_none_is_left_out(browser: Browser, peer: Peer, email: Any) -> None:
    await peer.says(email=email, name="a\u0000\u202e b")
    account = await browser.signed_in()
    assert (account["email"], account["name"]) == (None, "a b")


async def test_the_userinfo_fills_in_a_missing_address(browser: Browser, peer: Peer) -> None:
    await peer.says(email=None, email_verified=None, userinfo={"email": JISOO, "email_verified": True})
    assert (await browser.signed_in())["email"] == JISOO


async def test_a_userinfo_of_another_subject_signs_nobody_in(browser: Browser, peer: Peer) -> None:
    await peer.says(email=None, userinfo={"sub": "another", "email": JISOO, "email_verified": True})
    assert (await browser.sign_in()).json()["code"] == "unproven-identity"


async def test_a_claim_without_its_address_verifies_nothing(browser: Browser, peer: Peer) -> None:
    await peer.says(email=None, email_verified=True, userinfo={"email": JISOO})
    assert (await browser.signed_in())["email"] is None


async def test_an_account_without_a_password_gets_one_by_mail(
    client: httpx2.AsyncClient, browser: Browser, inbox: Inbox
) -> None:
    account_id = (await browser.signed_in())["account_id"]
    for guess in ("", "correct horse battery staple"):
        assert await token_status(client, account_id, guess) == 400
    letter = await ask_to_reset(client, inbox)
    assert (await reset(client, letter.code)).status_code < 300
    assert await token_status(client, account_id, NEW) == 200


@pytest.mark.parametrize("knows_identity", [True, False])
async def test_a_disabled_account_is_not_opened(
    client: httpx2.AsyncClient, browser: Browser, inbox: Inbox, database: Database, knows_identity: bool
) -> None:
    if knows_identity:
        await browser.signed_in()
    else:
        await with_address(client, inbox, "jisoo", JISOO)
    async with database.unit() as session:
        await session.execute(update(Account).values(is_active=False).execution_options(touches=()))
    answer = await browser.sign_in()
    assert query_of(answer.headers["location"]) == {"error": "account-disabled", "provider": "idp"}
    assert not await browser.is_signed_in()
    assert (await sessions_and_accounts(database))[1] == 1


async def test_whoever_left_and_comes_back_begins_anew(browser: Browser) -> None:
    left = await browser.signed_in()
    assert (await browser.http.delete(f"{ACCOUNTS}/me")).status_code == 204
    assert not await browser.is_signed_in()
    back = await new_sign_in(browser)
    assert back["id"] != left["id"]
    assert back["email"] == JISOO


async def test_a_generated_account_id_can_be_chosen_once(browser: Browser) -> None:
    await browser.signed_in()
    chosen = await browser.http.patch(f"{ACCOUNTS}/me", json={"account_id": "jisoo"})
    assert (chosen.status_code, chosen.json()["account_id"]) == (200, "jisoo")
    assert (await browser.http.patch(f"{ACCOUNTS}/me", json={"account_id": "another"})).status_code == 403


async def test_a_second_factor_is_asked_for_before_any_session(
    browser: Browser, new_browser: Callable[[], Browser], peer: Peer
) -> None:
    await browser.signed_in()
    secret = (await browser.http.post(MFA)).json()["secret"]
    code = {"code": pyotp.TOTP(secret).at(time.time() - 30)}
    assert (await browser.http.post(f"{MFA}/confirm", json=code)).status_code == 200
    await peer.says(amr=["pwd", "mfa"])
    other = new_browser()
    answer = await other.sign_in(next="/app/chat")
    place = answer.headers["location"]
    assert place.startswith(f"{SITE}/auth/callback?error=mfa-required&provider=idp#mfa_token=")
    assert not await other.is_signed_in()
    assert not {"madang_access", "madang_refresh"} & set(other.http.cookies)
    assert (fragment_of(place)["next"], fragment_of(place)["methods"]) == ("/app/chat", "otp recovery")
    form = {"grant_type": "urn:madang:mfa", "mfa_token": fragment_of(place)["mfa_token"]}
    signed_in = await other.http.post(TOKEN, data=form | {"code": pyotp.TOTP(secret).now()})
    assert signed_in.status_code == 200, signed_in.text
    claims = extract_compact(signed_in.json()["access_token"].encode()).payload
    assert b'"amr":["oidc","otp","mfa"]' in claims
    methods = [one["method"] for one in (await other.open("/api/v1/sessions")).json()["items"]]
    assert sorted(methods) == ["oidc:idp", "oidc:idp+otp"]


async def test_a_second_factor_of_the_provider_is_in_the_token(browser: Browser, peer: Peer) -> None:
    await peer.says(amr=["pwd", "mfa", 7])
    await browser.signed_in()
    claims = extract_compact(browser.http.cookies["madang_access"].encode()).payload
    assert b'"amr":["oidc","mfa"]' in claims


async def test_an_old_sign_in_at_the_provider_is_not_fresh_here(browser: Browser, peer: Peer) -> None:
    await peer.says(auth_time=int(time.time()) - 3600)
    await browser.signed_in()
    assert (await browser.http.post(MFA)).json()["code"] == "reauthentication-required"
    answer = await browser.sign_in(fresh="true")
    assert query_of(answer.headers["location"]) == {"error": "reauthentication-failed", "provider": "idp"}
    await peer.says()
    await browser.signed_in(fresh="true")
    asked = (await peer.seen())["asked"]
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert (await browser.http.post(MFA)).status_code == 200


async def test_a_provider_that_does_not_say_when_is_not_fresh(browser: Browser, peer: Peer) -> None:
    await peer.says("without-auth_time")
    answer = await browser.sign_in(fresh="true")
    assert query_of(answer.headers["location"])["error"] == "reauthentication-failed"


async def test_identities_are_ones_own(browser: Browser, new_browser: Callable[[], Browser], peer: Peer) -> None:
    await browser.signed_in()
    await peer.says(sub="another", email="other@example.com")
    other = new_browser()
    await other.signed_in()
    [mine] = (await browser.open(IDENTITIES)).json()["items"]
    [theirs] = (await other.open(IDENTITIES)).json()["items"]
    assert mine["id"] != theirs["id"]
    missing = await other.http.delete(f"{IDENTITIES}/{mine['id']}")
    assert (missing.status_code, missing.json()["code"]) == (404, "identity-not-found")


@pytest.mark.parametrize(
    ("claims", "is_proven"),
    [
        (Claims("https://idp.example", "1", "a@example.com", is_email_verified=True), True),
        (Claims("https://idp.example", "1", "a@example.com", is_email_verified=False), False),
        (Claims("https://idp.example", "1", None, is_email_verified=True), False),
        (Claims(GOOGLE_ISSUER, "1", "a@gmail.com", is_email_verified=True), True),
        (Claims(GOOGLE_ISSUER, "1", "a@GMAIL.com", is_email_verified=True), True),
        (Claims(GOOGLE_ISSUER, "1", "a@example.com", is_email_verified=True, hosted_domain="example.com"), True),
        (Claims(GOOGLE_ISSUER, "1", "a@example.com", is_email_verified=True), False),
        (Claims(GOOGLE_ISSUER, "1", "a@notgmail.com", is_email_verified=True), False),
        (Claims(GOOGLE_ISSUER, "1", "a@gmail.com.example", is_email_verified=True), False),
    ],
)
def test_google_is_believed_about_mailboxes_that_it_runs(claims: Claims, is_proven: bool) -> None:
    assert is_email_proven(claims) is is_proven

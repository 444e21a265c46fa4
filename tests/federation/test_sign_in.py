"""Signing in with a provider: the way there and back, and whose account it opens."""

import asyncio
import json
from collections.abc import Callable

import httpx2
import pytest

from madang.kit.oidc_provider import OidcProvider
from madang.settings import Settings
from tests.federation.browsing import AUTH, IDENTITIES, SITE, Browser, Peer, honest_provider, query_of
from tests.servers import serving


async def test_a_first_sign_in_makes_an_account_without_a_password(browser: Browser) -> None:
    account = await browser.signed_in()
    assert account["auth_provider"] == "idp"
    assert account["name"] == "Ji-soo Kim"
    assert (account["email"], account["email_verified"]) == ("jisoo@example.com", True)
    assert account["account_id"].startswith("ji_soo_kim_")
    [identity] = (await browser.open(IDENTITIES)).json()["items"]
    assert (identity["provider"], identity["email"]) == ("idp", "jisoo@example.com")
    [session] = (await browser.open("/api/v1/sessions")).json()["items"]
    assert session["method"] == "oidc:idp"


async def test_the_same_identity_opens_the_same_account(browser: Browser, new_browser: Callable[[], Browser]) -> None:
    first = await browser.signed_in()
    assert (await new_browser().signed_in())["id"] == first["id"]


async def test_a_changed_address_at_the_provider_changes_no_account(
    browser: Browser, new_browser: Callable[[], Browser], peer: Peer
) -> None:
    first = await browser.signed_in()
    await peer.says(email="renamed@example.com")
    again = await new_browser().signed_in()
    assert (again["id"], again["email"]) == (first["id"], "jisoo@example.com")
    await peer.says(sub="another", email=None, email_verified=None)
    assert (await new_browser().signed_in())["id"] != first["id"]


async def test_the_request_has_pkce_state_nonce_and_our_own_callback(browser: Browser, peer: Peer) -> None:
    await browser.signed_in()
    asked = (await peer.seen())["asked"]
    assert asked["redirect_uri"] == f"{SITE}{AUTH}/idp/callback"
    assert asked["scope"] == "openid email profile"
    assert len(asked["state"]) == len(asked["nonce"]) == len(asked["code_challenge"]) == 43
    assert "prompt" not in asked


async def test_next_is_where_it_ends(browser: Browser) -> None:
    answer = await browser.sign_in(next="/app/chat?tab=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/chat?tab=1")
    assert await browser.is_signed_in()


async def test_two_tabs_at_once_both_sign_in(browser: Browser) -> None:
    first, second = await browser.begin(), await browser.begin()
    for url in (first, second):
        answer = await browser.open(await browser.authorize(url))
        assert query_of(answer.headers["location"]) == {"success": "true"}
    assert "madang_oidc" not in browser.http.cookies


async def test_two_first_sign_ins_at_once_make_one_account(new_browser: Callable[[], Browser]) -> None:
    browsers = [new_browser() for _ in range(5)]
    found = await asyncio.gather(*(one.signed_in() for one in browsers))
    assert len({account["id"] for account in found}) == 1


async def test_the_providers_are_listed(client: httpx2.AsyncClient) -> None:
    assert (await client.get(f"{AUTH}/providers")).json() == [{"name": "idp", "label": "The provider"}]
    missing = await client.get(f"{AUTH}/other/login")
    assert (missing.status_code, missing.json()["code"]) == (404, "provider-not-found")


async def test_over_https_the_cookies_are_host_bound(settings: Settings) -> None:
    async with serving(settings.model_copy(update={"public_url": "https://madang.test"})) as (url, _):
        browser = Browser(url, "https://madang.test")
        begun = await browser.open(f"{AUTH}/idp/login")
        [cookie] = begun.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-madang_oidc=")
        assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))
        answer = await browser.open(await browser.authorize(begun.headers["location"]))
        assert answer.headers["location"] == "https://madang.test/auth/callback?success=true"
        assert await browser.is_signed_in()


async def test_the_page_that_it_ends_on_runs_no_script_of_anybody_else(browser: Browser) -> None:
    page = await browser.open("/auth/callback?success=true")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert (await browser.open("/app/assets/signed_in.js")).status_code == 200


@pytest.mark.parametrize("is_verified", [True, False])
async def test_a_provider_that_is_not_ours_works_too(settings: Settings, is_verified: bool) -> None:
    person = {"sub": "minji", "email": "minji@example.com", "email_verified": is_verified, "name": "김민지"}
    with honest_provider(json.dumps(person)) as issuer:
        mock = OidcProvider.model_validate({"issuer": issuer, "client_id": "any", "client_secret": "any"})
        async with serving(settings.model_copy(update={"oidc": {"mock": mock}})) as (url, _):
            browser = Browser(url)
            form = await browser.begin("mock")
            agreed = await browser.http.post(form, data={"sub": "minji"})
            answer = await browser.open(agreed.headers["location"])
            assert query_of(answer.headers["location"]) == {"success": "true"}
            account = await browser.account()
    assert account["name"] == "김민지"
    assert account["account_id"].startswith("user_")
    assert account["email"] == ("minji@example.com" if is_verified else None)

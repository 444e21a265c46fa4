"""The rule of the contract for unsafe methods, as a table and through the front door."""

from typing import Any

import httpx2
import pytest

from madang.http.csrf import is_allowed, own_origin
from madang.settings import Settings
from tests.factories import PASSWORD, make_user
from tests.http.conftest import OpenApp, caller
from tests.http.test_problems import assert_problem

OWN = "https://madang.example"
LISTED = "https://app.elsewhere.example"
FRONTEND = "https://front.example"
EVIL = "https://evil.example"
ACCOUNTS = "/api/v1/accounts"


@pytest.fixture(scope="module")
def public() -> Settings:
    return Settings(public_url=OWN, frontend_url=f"{FRONTEND}/start", cors_origins=[LISTED])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "post"])
@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"origin": OWN}, True),
        ({"origin": OWN, "sec-fetch-site": "same-origin"}, True),
        ({"origin": OWN, "sec-fetch-site": "none"}, True),
        ({"origin": OWN, "sec-fetch-site": "same-site"}, False),
        ({"origin": OWN, "sec-fetch-site": "cross-site"}, False),
        ({"origin": OWN, "sec-fetch-site": "something-new"}, False),
        ({"origin": OWN, "sec-fetch-site": ""}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "null"}, False),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, False),
        ({"origin": ""}, False),
        ({"origin": EVIL}, False),
        ({"origin": EVIL, "sec-fetch-site": "same-origin"}, False),
        ({"origin": "http://madang.example"}, False),
        ({"origin": f"{OWN}.evil.example"}, False),
        ({"origin": f"{OWN}:8443"}, False),
        ({"origin": f"{OWN}/"}, False),
        ({"origin": LISTED, "sec-fetch-site": "cross-site"}, True),
        ({"origin": LISTED, "sec-fetch-site": "same-site"}, True),
        ({"origin": LISTED}, True),
        ({"origin": FRONTEND, "sec-fetch-site": "same-site"}, True),
        ({"origin": f"{FRONTEND}/start"}, False),
        ({"authorization": "Bearer x", "origin": EVIL, "sec-fetch-site": "cross-site"}, True),
        ({"cookie": "__Host-madang_access=x", "origin": EVIL}, False),
    ],
)
def test_the_table(public: Settings, method: str, headers: dict[str, str], allowed: bool) -> None:
    own = own_origin("http", "whatever.example", public, behind_proxy=False)
    assert is_allowed(method, headers, own, public) is allowed


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_come_from_anywhere(public: Settings, method: str) -> None:
    assert is_allowed(method, {"origin": EVIL, "sec-fetch-site": "cross-site"}, OWN, public)


@pytest.mark.parametrize(
    ("host", "behind_proxy", "own"),
    [
        ("localhost:8000", False, "http://localhost:8000"),
        ("127.0.0.1:8000", False, "http://127.0.0.1:8000"),
        ("[::1]:8000", False, "http://[::1]:8000"),
        ("LOCALHOST:80", False, "http://localhost"),
        ("rebound.evil.example", False, ""),
        ("localhost.evil.example", False, ""),
        ("192.168.0.7:8000", False, ""),
        ("madang.internal", True, "http://madang.internal"),
        ("", False, ""),
        ("[", False, ""),
        ("[", True, ""),
        ("localhost:port", False, ""),
    ],
)
def test_without_a_public_url_only_a_loopback_or_proxied_host_is_believed(
    host: str, behind_proxy: bool, own: str
) -> None:
    assert own_origin("http", host, Settings(), behind_proxy=behind_proxy) == own


def test_nothing_is_our_own_where_no_host_is_believed() -> None:
    for origin in ("", "http://rebound.evil.example"):
        assert not is_allowed("POST", {"origin": origin}, "", Settings())


def test_public_and_listed_origins_are_compared_as_browsers_write_them() -> None:
    settings = Settings(public_url="https://Madang.Example:443/", cors_origins=["https://App.Elsewhere.example/"])
    assert own_origin("http", "x", settings, behind_proxy=False) == OWN
    assert settings.cors_origins == [LISTED]


def front_door(changes: dict[str, Any]) -> dict[str, Any]:
    return {"public_url": OWN, "cors_origins": [LISTED], **changes}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": OWN, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_cross_site_form_neither_signs_up_nor_in_nor_out(open_app: OpenApp, headers: dict[str, str]) -> None:
    async with open_app(**front_door({})) as app, caller(app, base_url=OWN) as client:
        person = await make_user(client)
        form = {"username": person.account_id, "password": PASSWORD}
        signing_up = await client.post(ACCOUNTS, json={"account_id": "lured", "password": PASSWORD}, headers=headers)
        assert_problem(signing_up, 403, "cross-site-request")
        signing_in = await client.post(f"{ACCOUNTS}/token", data=form, headers=headers)
        assert_problem(signing_in, 403, "cross-site-request")
        assert "set-cookie" not in signing_in.headers
        cookie = {"Cookie": f"__Host-madang_access={person.access_token}"}
        leaving = await client.delete(f"{ACCOUNTS}/logout", headers=headers | cookie)
        assert_problem(leaving, 403, "cross-site-request")
        assert (await client.get(f"{ACCOUNTS}/me", headers=person.headers)).status_code == 200
        assert (await client.get(f"{ACCOUNTS}/exist/lured")).json()["exists"] is False


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
        {"Origin": LISTED, "Sec-Fetch-Site": "cross-site"},
        {"Origin": EVIL, "Authorization": "Bearer x"},
    ],
)
async def test_own_pages_listed_origins_programs_and_bearers_pass(open_app: OpenApp, headers: dict[str, str]) -> None:
    async with open_app(**front_door({})) as app, caller(app, base_url=OWN) as client:
        body = {"account_id": "welcome", "password": PASSWORD}
        assert (await client.post(ACCOUNTS, json=body, headers=headers)).status_code == 201


@pytest.mark.parametrize("host", ["rebound.evil.example", "[", "localhost@evil.example"])
async def test_a_rebound_or_broken_host_is_nobodys_own(visitor: httpx2.AsyncClient, host: str) -> None:
    body = {"account_id": "rebound", "password": PASSWORD}
    for origin in (f"http://{host}", ""):
        answer = await visitor.post(ACCOUNTS, json=body, headers={"Host": host, "Origin": origin})
        assert_problem(answer, 403, "cross-site-request")
    own = {"Host": "localhost:8000", "Origin": "http://localhost:8000"}
    assert (await visitor.post(ACCOUNTS, json=body, headers=own)).status_code == 201


async def test_behind_a_trusted_proxy_the_forwarded_scheme_and_host_are_ours(open_app: OpenApp) -> None:
    proxy = Settings(trusted_proxies="10.0.0.0/8").trusted_proxies
    headers = {"Host": "madang.example", "Origin": OWN, "X-Forwarded-Proto": "https"}
    async with open_app(trusted_proxies=proxy) as app:
        body = {"account_id": "proxied", "password": PASSWORD}
        refused = await caller(app, peer="203.0.113.9").post(ACCOUNTS, json=body, headers=headers)
        assert_problem(refused, 403, "cross-site-request")
        assert (await caller(app, peer="10.1.2.3").post(ACCOUNTS, json=body, headers=headers)).status_code == 201

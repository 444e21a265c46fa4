"""Limits: what a refusal tells, and under which key a hit is counted."""

import re

import pytest

from madang.settings import Limits
from tests.factories import PASSWORD, make_user, sign_in
from tests.http.conftest import OpenApp, caller
from tests.http.test_problems import assert_problem

ACCOUNTS = "/api/v1/accounts"


async def test_a_used_up_limit_tells_when_to_come_back(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(everything="2/30 seconds")) as app, caller(app) as client:
        assert [(await client.get("/")).status_code for _ in range(2)] == [200, 200]
        refused = await client.get("/", headers={"Accept-Language": "ko"})
    body = assert_problem(refused, 429, "rate-limited")
    assert body["title"] == "요청이 너무 많습니다"
    seconds = int(refused.headers["retry-after"])
    assert 1 <= seconds <= 60
    assert refused.headers["ratelimit-policy"] == '"everything";q=2;w=30'
    assert re.fullmatch(r'"everything";r=0;t=\d+', refused.headers["ratelimit"])
    assert f"{seconds}초" in body["detail"]


async def test_the_budget_comes_back(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(everything="3/second")) as app, caller(app) as client:
        statuses = [(await client.get("/")).status_code for _ in range(12)]
        assert 429 in statuses
        while (await client.get("/")).status_code == 429:
            pass


async def test_two_people_behind_one_address_have_a_budget_each(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(everything="7/day")) as app, caller(app) as client:
        first, second = await make_user(client, "first"), await make_user(client, "second")
        statuses = [(await client.get(f"{ACCOUNTS}/me", headers=first.headers)).status_code for _ in range(7)]
        assert statuses == [200] * 6 + [429], "one hit went to the factory's own look at the account"
        assert (await client.get(f"{ACCOUNTS}/me", headers=second.headers)).status_code == 200
        assert (await client.get("/")).status_code == 200


async def test_one_person_has_one_budget_from_everywhere(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(everything="4/day")) as app:
        person = await make_user(caller(app))
        peers = [f"198.51.100.{number}" for number in range(4)]
        statuses = [
            (await caller(app, peer=peer).get(f"{ACCOUNTS}/me", headers=person.headers)).status_code for peer in peers
        ]
    assert statuses == [200, 200, 200, 429]


async def test_signing_in_again_buys_no_new_budget(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(everything="6/day")) as app:
        laptop = await make_user(caller(app), "two_devices")
        phone = await sign_in(caller(app), "two_devices")
        client = caller(app, peer="198.51.100.1")
        for person in (laptop, phone, laptop, phone):
            assert (await client.get(f"{ACCOUNTS}/me", headers=person.headers)).status_code == 200
        assert (await client.get(f"{ACCOUNTS}/me", headers=phone.headers)).status_code == 429


async def test_a_forged_token_counts_on_the_address(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(everything="10/day")) as app:
        person = await make_user(caller(app, peer="198.51.100.1"))
        head, payload, signature = person.access_token.split(".")
        forged = f"{head}.{payload}.{'A' * len(signature)}"
        attacker = caller(app, peer="203.0.113.66")
        statuses = [
            (await attacker.get(f"{ACCOUNTS}/me", headers={"Authorization": f"Bearer {forged}"})).status_code
            for _ in range(11)
        ]
        assert statuses == [401] * 10 + [429]
        assert (await attacker.get("/")).status_code == 429
        assert (await caller(app).get(f"{ACCOUNTS}/me", headers=person.headers)).status_code == 200


async def test_fresh_rubbish_in_every_token_escapes_no_limit(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(everything="3/day")) as app, caller(app) as client:
        statuses = [
            (await client.get("/", headers={"Authorization": f"Bearer rubbish{number}"})).status_code
            for number in range(4)
        ]
    assert statuses == [200, 200, 200, 429]


async def test_sign_up_and_exist_are_counted_by_address(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(sign_up="2/hour", exist="3/day")) as app:
        here, elsewhere = caller(app, peer="198.51.100.1"), caller(app, peer="198.51.100.2")
        bodies = [{"account_id": f"person{number}", "password": PASSWORD} for number in range(4)]
        statuses = [(await here.post(ACCOUNTS, json=body)).status_code for body in bodies[:3]]
        assert statuses == [201, 201, 429]
        assert (await elsewhere.post(ACCOUNTS, json=bodies[3])).status_code == 201
        looks = [(await here.get(f"{ACCOUNTS}/exist/person0")).status_code for _ in range(4)]
        assert looks == [200, 200, 200, 429]


async def test_a_refused_sign_in_speaks_both_languages_of_errors(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(sign_in_address="1/hour")) as app, caller(app) as client:
        form = {"username": "nobody", "password": PASSWORD}
        assert (await client.post(f"{ACCOUNTS}/token", data=form)).status_code == 400
        refused = await client.post(f"{ACCOUNTS}/token", data=form)
    assert refused.status_code == 429
    assert refused.json()["error"] == "temporarily_unavailable"
    assert refused.json()["code"] == "too-many-sign-ins"
    assert int(refused.headers["retry-after"]) > 0


async def test_probes_and_preflights_are_never_counted(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(everything="1/hour"), cors_origins=["https://a.example"]) as app:
        client = caller(app)
        assert [(await client.get("/")).status_code for _ in range(2)] == [200, 429]
        for path in ("/health", "/health/live", "/health/ready/", "/metrics"):
            assert (await client.get(path)).status_code == 200, path
        preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
        assert (await client.options("/", headers=preflight)).status_code == 200


@pytest.mark.parametrize("name", ["everything", "sign_up", "exist"])
async def test_limits_can_be_switched_off(open_app: OpenApp, name: str) -> None:
    limits = Limits(enabled=False, **{name: "1/hour"})
    async with open_app(limits=limits) as app, caller(app) as client:
        for number in range(3):
            body = {"account_id": f"unlimited{number}", "password": PASSWORD}
            assert (await client.post(ACCOUNTS, json=body)).status_code == 201
            assert (await client.get(f"{ACCOUNTS}/exist/unlimited{number}")).status_code == 200

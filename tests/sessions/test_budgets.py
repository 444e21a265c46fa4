"""Budgets of failed sign-ins: atomic, in the database, and never a way to keep the owner out."""

import asyncio

import httpx2
from sqlalchemy import text
from tests.factories import PASSWORD, make_user, sign_in
from tests.servers import visiting

from madang.db.session import Database
from madang.settings import Limits, Settings

TOKEN = "/api/v1/accounts/token"
WRONG = "not the password"


async def guess(client: httpx2.AsyncClient, name: str, password: str = WRONG, ip: str = "") -> httpx2.Response:
    headers = {"X-Forwarded-For": ip} if ip else {}
    return await client.post(TOKEN, data={"username": name, "password": password}, headers=headers)


def behind_a_proxy(settings: Settings, **limits: str) -> Settings:
    proxies = Settings(trusted_proxies="127.0.0.1/32").trusted_proxies
    return settings.model_copy(update={"trusted_proxies": proxies, "limits": Limits(**limits)})


async def test_after_ten_wrong_passwords_the_right_one_waits_too(settings: Settings) -> None:
    async with visiting(behind_a_proxy(settings)) as client:
        await make_user(client, "victim")
        statuses = [(await guess(client, "victim", ip="203.0.113.1")).status_code for _ in range(10)]
        assert statuses == [400] * 10
        refused = await guess(client, "VICTIM", PASSWORD, ip="203.0.113.2")
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-sign-ins")
        assert refused.json()["error"] == "temporarily_unavailable"
        assert 0 < int(refused.headers["retry-after"]) <= 90, "one try comes back every 90 s: a soft back-off"
        assert refused.headers["ratelimit-policy"] == '"sign_in_account";q=10;w=900'


async def test_guesses_from_elsewhere_never_keep_the_owner_out(settings: Settings) -> None:
    async with visiting(behind_a_proxy(settings)) as client:
        owner = await make_user(client, "owner")
        for _ in range(12):
            await guess(client, "owner", ip="203.0.113.1")
        assert (await guess(client, "owner", PASSWORD, ip="203.0.113.1")).status_code == 429
        await sign_in(client, "owner")
        answer = await client.post("/api/v1/accounts/refresh", json={"refresh_token": owner.refresh_token})
        assert answer.status_code == 200


async def test_fifty_parallel_guesses_find_ten_answers(settings: Settings) -> None:
    async with visiting(settings) as client:
        answers = await asyncio.gather(*(guess(client, "nobody_there") for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [400] * 10 + [429] * 40


async def test_known_and_unknown_names_are_refused_alike(settings: Settings) -> None:
    limits = Limits(sign_in_account="2/15 minutes")
    async with visiting(settings, limits=limits) as client:
        body = {"account_id": "known", "password": PASSWORD}
        assert (await client.post("/api/v1/accounts", json=body)).status_code == 201
        answers = {name: [await guess(client, name) for _ in range(3)] for name in ("known", "unknown")}
    for known, unknown in zip(*answers.values(), strict=True):
        assert known.status_code == unknown.status_code
        assert known.json().get("code") == unknown.json().get("code")
        assert set(known.headers) == set(unknown.headers)


async def test_a_right_password_makes_the_budget_whole(settings: Settings) -> None:
    limits = Limits(sign_in_account="3/15 minutes", sign_in_address="5/15 minutes")
    async with visiting(settings, limits=limits) as client:
        await make_user(client, "forgetful")
        for _ in range(2):
            assert [(await guess(client, "forgetful")).status_code for _ in range(2)] == [400, 400]
            await sign_in(client, "forgetful")
        for _ in range(10):
            await sign_in(client, "forgetful")


async def test_one_address_has_one_budget_for_all_names(settings: Settings) -> None:
    async with visiting(behind_a_proxy(settings, sign_in_address="4/15 minutes")) as client:
        near = [f"2001:db8:0:1::{number}" for number in range(5)]
        statuses = [(await guess(client, f"name_{ip[-1]}", ip=ip)).status_code for ip in near]
        assert statuses == [400] * 4 + [429], "addresses of one /64 are one"
        assert (await guess(client, "name_9", ip="2001:db8:0:2::1")).status_code == 400


async def test_a_wrong_proof_counts_like_a_failed_sign_in(settings: Settings) -> None:
    limits = Limits(sign_in_account="3/15 minutes")
    async with visiting(settings, limits=limits) as client:
        person = await make_user(client)
        statuses = [
            (
                await client.post("/api/v1/accounts/verify_password", json={"password": WRONG}, headers=person.headers)
            ).status_code
            for _ in range(4)
        ]
        assert statuses == [400, 400, 400, 429]
        assert (await guess(client, person.account_id, PASSWORD)).status_code == 429
        assert (await client.get("/api/v1/accounts/me", headers=person.headers)).status_code == 200


async def test_two_servers_count_one_budget(settings: Settings) -> None:
    async with visiting(settings) as one, visiting(settings) as other:
        answers = await asyncio.gather(*(guess(client, "somebody") for client in (one, other) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [400] * 10 + [429] * 6


async def test_the_budget_keeps_no_typed_name(client: httpx2.AsyncClient, database: Database) -> None:
    await guess(client, "typed_by_mistake")
    async with database.read_unit() as session:
        keys = (await session.scalars(text("SELECT key FROM sign_in_budgets"))).all()
    assert len(keys) == 2
    assert all(len(key) == 64 and "typed" not in key for key in keys)


async def test_right_passwords_at_once_all_sign_in(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)

    async def again_and_again() -> list[int]:
        return [(await guess(client, person.account_id, PASSWORD)).status_code for _ in range(6)]

    assert await asyncio.gather(*(again_and_again() for _ in range(8))) == [[200] * 6] * 8

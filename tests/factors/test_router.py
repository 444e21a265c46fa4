"""Second factors through the front door: enrolling, signing in, races, recovery."""

import asyncio
from datetime import timedelta

import httpx2
import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from tests.factories import PASSWORD, make_user
from tests.factors.enrolling import MFA, answer, challenge, enrol, mfa_token
from tests.servers import visiting

from madang.db.session import Database
from madang.kit import one_time_codes
from madang.kit.clock import utc_now
from madang.settings import Settings

ME = "/api/v1/accounts/me"


async def test_enrolling_shows_a_secret_an_uri_and_ten_recovery_codes(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    assert (await client.get(MFA, headers=person.headers)).json() == {
        "totp": False,
        "passkeys": 0,
        "recovery_codes_left": 0,
    }
    begun = (await client.post(f"{MFA}/totp", headers=person.headers)).json()
    assert begun["otpauth_uri"].startswith("otpauth://totp/Madang:")
    wrong = await client.post(f"{MFA}/totp/confirm", json={"code": "000000x"}, headers=person.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong-factor-code")
    code = {"code": pyotp.TOTP(begun["secret"]).now()}
    confirmed = await client.post(f"{MFA}/totp/confirm", json=code, headers=person.headers)
    assert len(set(confirmed.json()["recovery_codes"])) == 10
    assert confirmed.headers["cache-control"] == "no-store"
    assert (await client.get(MFA, headers=person.headers)).json() == {
        "totp": True,
        "passkeys": 0,
        "recovery_codes_left": 10,
    }
    again = await client.post(f"{MFA}/totp", headers=person.headers)
    assert (again.status_code, again.json()["code"]) == (409, "totp-already-on")


async def test_an_unconfirmed_factor_asks_for_nothing(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    await client.post(f"{MFA}/totp", headers=person.headers)
    assert (await challenge(client, person)).status_code == 200


async def test_the_password_alone_opens_nothing(client: httpx2.AsyncClient) -> None:
    enrolled = await enrol(client)
    asked = await challenge(client, enrolled.person)
    assert (asked.status_code, asked.json()["error"]) == (403, "mfa_required")
    assert asked.headers["cache-control"] == "no-store"
    assert "set-cookie" not in asked.headers
    token = asked.json()["mfa_token"]
    assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 401
    assert (await client.post("/api/v1/accounts/refresh", json={"refresh_token": token})).status_code == 400


async def test_a_code_signs_in_and_the_session_says_how(
    client: httpx2.AsyncClient, server: tuple[str, FastAPI]
) -> None:
    enrolled = await enrol(client)
    signed_in = await answer(client, await mfa_token(client, enrolled), f" {enrolled.code()[:3]} {enrolled.code()[3:]}")
    assert signed_in.status_code == 200
    assert "madang_refresh" in client.cookies
    client.cookies.clear()
    headers = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    sessions = (await client.get("/api/v1/sessions", headers=headers)).json()["items"]
    assert {one["method"] for one in sessions} == {"pwd", "otp"}


async def test_a_used_code_and_all_before_it_are_refused(client: httpx2.AsyncClient) -> None:
    enrolled = await enrol(client)
    code = enrolled.code(1)
    assert (await answer(client, await mfa_token(client, enrolled), code)).status_code == 200
    for used in (code, enrolled.code(0)):
        refused = await answer(client, await mfa_token(client, enrolled), used)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_of_parallel_uses_of_one_code_one_wins(client: httpx2.AsyncClient) -> None:
    enrolled = await enrol(client)
    tokens = [await mfa_token(client, enrolled) for _ in range(5)]
    code = enrolled.code()
    answers = await asyncio.gather(*(answer(client, token, code) for token in tokens))
    assert sorted(one.status_code for one in answers) == [200, 400, 400, 400, 400]


async def test_a_challenge_is_good_once_and_a_wrong_one_never(client: httpx2.AsyncClient) -> None:
    enrolled = await enrol(client)
    token = await mfa_token(client, enrolled)
    assert (await answer(client, token, enrolled.code(0))).status_code == 200
    for bad in (token, "rubbish", ""):
        assert (await answer(client, bad, enrolled.code(1))).status_code == 400


async def test_a_challenge_dies_with_time_and_with_the_password(client: httpx2.AsyncClient, database: Database) -> None:
    enrolled = await enrol(client)
    old, late = await mfa_token(client, enrolled), await mfa_token(client, enrolled)
    body = {"old_password": PASSWORD, "new_password": "a quite different sentence"}
    changed = await client.put("/api/v1/accounts/password", json=body, headers=enrolled.person.headers)
    assert changed.status_code == 204
    assert (await answer(client, old, enrolled.code())).status_code == 400
    async with database.unit() as session:
        past = {"past": utc_now() - timedelta(seconds=1)}
        await session.execute(text("UPDATE sign_in_challenges SET expires_at = :past"), past)
    assert (await answer(client, late, enrolled.code())).status_code == 400


async def test_fifty_parallel_guesses_find_ten_answers_whatever_the_challenge(client: httpx2.AsyncClient) -> None:
    enrolled = await enrol(client)
    tokens = [await mfa_token(client, enrolled) for _ in range(3)]
    answers = await asyncio.gather(*(answer(client, tokens[number % 3], "x") for number in range(50)))
    assert sorted(one.status_code for one in answers) == [400] * 10 + [429] * 40
    refused = await answer(client, tokens[0], enrolled.code())
    assert (refused.status_code, refused.json()["error"]) == (429, "temporarily_unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert (await client.get(ME, headers=enrolled.person.headers)).status_code == 200


async def test_a_recovery_code_works_once_and_new_ones_void_the_old(
    client: httpx2.AsyncClient, database: Database
) -> None:
    enrolled = await enrol(client)
    first, second, *_ = enrolled.recovery_codes
    typed = first.lower().replace("-", " ")
    assert (await answer(client, await mfa_token(client, enrolled), typed)).status_code == 200
    assert (await answer(client, await mfa_token(client, enrolled), first)).status_code == 400
    renewed = await client.post(f"{MFA}/recovery-codes", headers=enrolled.person.headers)
    assert (await answer(client, await mfa_token(client, enrolled), second)).status_code == 400
    third = renewed.json()["recovery_codes"][0]
    async with database.read_unit() as session:
        digests = (await session.scalars(text("SELECT digest FROM recovery_codes"))).all()
    assert len(digests) == 10
    assert all(third.encode() not in bytes(digest) for digest in digests)
    assert (await answer(client, await mfa_token(client, enrolled), third)).status_code == 200


async def test_a_removed_factor_asks_for_nothing_more(client: httpx2.AsyncClient) -> None:
    enrolled = await enrol(client)
    assert (await client.delete(f"{MFA}/totp", headers=enrolled.person.headers)).status_code == 204
    assert (await challenge(client, enrolled.person)).status_code == 200
    client.cookies.clear()
    gone = await client.delete(f"{MFA}/totp", headers=enrolled.person.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "factor-not-found")


@pytest.mark.parametrize("call", [("POST", "/totp"), ("DELETE", "/totp"), ("POST", "/recovery-codes")])
async def test_changing_factors_needs_a_fresh_sign_in(
    settings: Settings, database: Database, call: tuple[str, str]
) -> None:
    async with visiting(settings, fresh_ttl=60) as client:
        person = await make_user(client)
        async with database.unit() as session:
            old = {"old": utc_now() - timedelta(seconds=61)}
            await session.execute(text("UPDATE sessions SET authenticated_at = :old"), old)
        stale = await client.request(call[0], MFA + call[1], headers=person.headers)
        assert (stale.status_code, stale.json()["code"]) == (401, "reauthentication-required")
        challenged = stale.headers["www-authenticate"]
        assert 'error="insufficient_user_authentication"' in challenged
        assert "max_age=60" in challenged
        proof = {"password": PASSWORD}
        assert (await client.post("/api/v1/accounts/verify_password", json=proof, headers=person.headers)).is_success
        assert (await client.request(call[0], MFA + call[1], headers=person.headers)).status_code in {200, 204, 404}


async def test_the_database_holds_no_secret_that_makes_codes(client: httpx2.AsyncClient, database: Database) -> None:
    enrolled = await enrol(client)
    async with database.read_unit() as session:
        sealed = (await session.scalars(text("SELECT sealed FROM totp_factors"))).one()
    assert enrolled.secret.encode() not in bytes(sealed)


def test_a_code_counts_in_its_step_and_one_beside_it() -> None:
    secret, now = one_time_codes.new_secret(), 1_000_000_000.0
    codes = {steps: pyotp.TOTP(secret).at(int(now) + steps * 30) for steps in range(-3, 4)}
    found = {steps for steps, code in codes.items() if one_time_codes.matching_step(secret, code, now) is not None}
    assert found == {-1, 0, 1}
    assert one_time_codes.matching_step(secret, "코드가 아님", now) is None

"""One's own passkeys through the front door: adding, renaming, removing, and the recovery codes beside them."""

import asyncio
import time
from datetime import timedelta

import httpx2
import pyotp
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, make_user, sign_in
from tests.passkeys import LOGIN, MFA, PASSKEYS, TOKEN, enrol, mfa_token, options, refusal, way_in, with_passkey
from tests.peers.authenticator import EDDSA, ES256, Authenticator, decode
from tests.servers import visiting

from madang.backends import Backends
from madang.db.session import Database
from madang.factors.handlers import sweep_unanswered_challenges
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.kit.passkeys import relying_party
from madang.outbox.delivery import Delivery
from madang.outbox.events import HousekeepingDue
from madang.settings import Settings


async def test_the_options_name_the_site_the_person_and_what_they_have(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    given = await options(client, PASSKEYS, person.headers)
    assert given["rp"] == {"id": "localhost", "name": "Madang"}
    assert given["user"]["name"] == person.account_id
    assert decode(given["user"]["id"]).hex() == person.id.replace("-", "")
    assert given["authenticatorSelection"]["residentKey"] == "required"
    assert [decode(one["id"]) for one in given["excludeCredentials"]] == [device.credential_id]
    assert given["attestation"] == "none"


@pytest.mark.parametrize("algorithm", [ES256, EDDSA])
async def test_an_added_passkey_is_listed_and_the_first_brings_recovery_codes(
    client: httpx2.AsyncClient, algorithm: int
) -> None:
    person = await make_user(client)
    added = await enrol(client, person, Authenticator(algorithm=algorithm), "Phone")
    assert added.status_code == 201, added.text
    assert added.headers["cache-control"] == "no-store"
    assert len(set(added.json()["recovery_codes"])) == 10
    second = await enrol(client, person, Authenticator())
    assert second.json()["recovery_codes"] is None
    listed = (await client.get(PASSKEYS, headers=person.headers)).json()["items"]
    assert [one["name"] for one in listed] == ["Phone", "Laptop"]
    assert listed[0]["transports"] == ["internal", "hybrid"]
    assert listed[0]["last_used_at"] is None
    assert listed[0] == {name: value for name, value in added.json().items() if name != "recovery_codes"}
    counts = {"totp": False, "passkeys": 2, "recovery_codes_left": 10}
    assert (await client.get(MFA, headers=person.headers)).json() == counts


async def test_one_passkey_is_one_account_s_once(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    assert refusal(await enrol(client, person, device)) == (409, "passkey-already-added")
    stranger = await make_user(client)
    assert refusal(await enrol(client, stranger, device)) == (409, "passkey-already-added")
    assert (await client.get(PASSKEYS, headers=stranger.headers)).json()["items"] == []


async def test_a_passkey_made_elsewhere_or_asked_for_by_nobody_is_refused(client: httpx2.AsyncClient) -> None:
    person, other = await make_user(client), await make_user(client)
    for device, expected in (
        (Authenticator(origin="https://evil.example"), (400, "passkey-wrong-origin")),
        (Authenticator(origin="https://localhost:8000"), (400, "passkey-wrong-origin")),
        (Authenticator(rp_id="evil.example"), (400, "passkey-wrong-site")),
        (Authenticator(flags=0), (400, "passkey-refused")),
    ):
        assert refusal(await enrol(client, person, device)) == expected
    foreign = Authenticator().create(await options(client, PASSKEYS, other.headers))
    answer = await client.post(PASSKEYS, json={"credential": foreign}, headers=person.headers)
    assert refusal(answer) == (400, "passkey-challenge-used")
    assert (await client.get(PASSKEYS, headers=person.headers)).json()["items"] == []


async def test_an_answer_adds_once_whatever_the_parallel_tries(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    body = {"credential": Authenticator().create(await options(client, PASSKEYS, person.headers))}
    answers = await asyncio.gather(*(client.post(PASSKEYS, json=body, headers=person.headers) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [201, 400, 400, 400, 400]


async def test_of_first_passkeys_added_at_once_one_brings_the_codes(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    answers = await asyncio.gather(*(enrol(client, person, Authenticator()) for _ in range(4)))
    codes = [one.json()["recovery_codes"] for one in answers]
    assert sum(one is not None for one in codes) == 1
    assert (await client.get(MFA, headers=person.headers)).json()["recovery_codes_left"] == 10


async def test_an_account_has_at_most_twenty(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    devices = [Authenticator() for _ in range(21)]
    made = [device.create(await options(client, PASSKEYS, person.headers)) for device in devices]
    added = await asyncio.gather(
        *(client.post(PASSKEYS, json={"credential": one}, headers=person.headers) for one in made)
    )
    assert sorted(one.status_code for one in added) == [201] * 20 + [409]
    assert refusal(await client.post(f"{PASSKEYS}/options", headers=person.headers)) == (409, "too-many-passkeys")


async def test_a_passkey_is_renamed_and_removed_by_its_owner_alone(client: httpx2.AsyncClient) -> None:
    person, _ = await with_passkey(client)
    stranger = await make_user(client)
    [passkey] = (await client.get(PASSKEYS, headers=person.headers)).json()["items"]
    path = f"{PASSKEYS}/{passkey['id']}"
    for answer in (
        await client.patch(path, json={"name": "Mine"}, headers=stranger.headers),
        await client.delete(path, headers=stranger.headers),
    ):
        assert refusal(answer) == (404, "passkey-not-found")
    renamed = await client.patch(path, json={"name": "  열쇠 "}, headers=person.headers)
    assert renamed.json() == passkey | {"name": "열쇠"}
    for name in ("", "   ", "x" * 101, "a\0b"):
        assert (await client.patch(path, json={"name": name}, headers=person.headers)).status_code == 422
    assert (await client.delete(path, headers=person.headers)).status_code == 204
    assert refusal(await client.delete(path, headers=person.headers)) == (404, "passkey-not-found")


async def test_a_removed_passkey_signs_nobody_in_and_asks_for_nothing(client: httpx2.AsyncClient) -> None:
    person, device = await with_passkey(client)
    [passkey] = (await client.get(PASSKEYS, headers=person.headers)).json()["items"]
    assert (await client.delete(f"{PASSKEYS}/{passkey['id']}", headers=person.headers)).status_code == 204
    assert refusal(await way_in(client, device)) == (400, "passkey-refused")
    await sign_in(client, person.account_id)
    counts = {"totp": False, "passkeys": 0, "recovery_codes_left": 0}
    assert (await client.get(MFA, headers=person.headers)).json() == counts


async def test_recovery_codes_live_as_long_as_any_factor(client: httpx2.AsyncClient) -> None:
    person, _ = await with_passkey(client)
    secret = (await client.post(f"{MFA}/totp", headers=person.headers)).json()["secret"]
    code = {"code": pyotp.TOTP(secret).at(time.time() - 30)}
    confirmed = await client.post(f"{MFA}/totp/confirm", json=code, headers=person.headers)
    assert confirmed.json() == {"recovery_codes": None}
    asked = await client.post(TOKEN, data={"username": person.account_id, "password": PASSWORD})
    assert asked.json()["methods"] == ["otp", "passkey", "recovery"]
    [passkey] = (await client.get(PASSKEYS, headers=person.headers)).json()["items"]
    assert (await client.delete(f"{PASSKEYS}/{passkey['id']}", headers=person.headers)).status_code == 204
    assert (await client.get(MFA, headers=person.headers)).json()["recovery_codes_left"] == 10
    assert (await client.delete(f"{MFA}/totp", headers=person.headers)).status_code == 204
    assert (await client.get(MFA, headers=person.headers)).json()["recovery_codes_left"] == 0
    assert (await enrol(client, person, Authenticator())).json()["recovery_codes"]


async def test_recovery_codes_work_beside_passkeys_alone(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    old, *_ = (await enrol(client, person, Authenticator())).json()["recovery_codes"]
    renewed = await client.post(f"{MFA}/recovery-codes", headers=person.headers)
    for code, expected in ((old, 400), (renewed.json()["recovery_codes"][0], 200)):
        form = {"grant_type": "urn:madang:mfa", "mfa_token": await mfa_token(client, person), "code": code}
        assert (await client.post(TOKEN, data=form)).status_code == expected
        client.cookies.clear()


async def test_adding_and_removing_needs_a_fresh_sign_in(settings: Settings, database: Database) -> None:
    async with visiting(settings, fresh_ttl=60) as client:
        person, _ = await with_passkey(client)
        [passkey] = (await client.get(PASSKEYS, headers=person.headers)).json()["items"]
        made = Authenticator().create(await options(client, PASSKEYS, person.headers))
        async with database.unit() as session:
            old = {"old": utc_now() - timedelta(seconds=61)}
            await session.execute(text("UPDATE sessions SET authenticated_at = :old"), old)
        for answer in (
            await client.post(f"{PASSKEYS}/options", headers=person.headers),
            await client.post(PASSKEYS, json={"credential": made}, headers=person.headers),
            await client.delete(f"{PASSKEYS}/{passkey['id']}", headers=person.headers),
        ):
            assert refusal(answer) == (401, "reauthentication-required")


@pytest.mark.parametrize("call", [("POST", ""), ("POST", "/options"), ("GET", ""), ("POST", "/verify/options")])
async def test_nothing_of_it_is_for_strangers(client: httpx2.AsyncClient, call: tuple[str, str]) -> None:
    assert refusal(await client.request(call[0], PASSKEYS + call[1], json={})) == (401, "not-signed-in")


def test_pages_of_the_site_and_below_it_may_use_its_passkeys() -> None:
    party = relying_party("https://Example.org", "https://app.example.org", "https://example.org:8443", "")
    assert party.id == "example.org"
    assert party.origins == ("https://example.org", "https://app.example.org", "https://example.org:8443")
    assert relying_party("https://example.org", "https://notexample.org", "https://org").origins == (
        "https://example.org",
    )


async def test_unanswered_challenges_are_swept(
    client: httpx2.AsyncClient, backends: Backends, database: Database
) -> None:
    await options(client, LOGIN, {})
    async with database.unit() as session:
        past = {"past": utc_now() - timedelta(seconds=1)}
        await session.execute(text("UPDATE passkey_challenges SET expires_at = :past"), past)
    await options(client, LOGIN, {})
    await sweep_unanswered_challenges(HousekeepingDue(), Delivery(new_id(), utc_now(), backends))
    async with database.read_unit() as session:
        assert (await session.scalar(text("SELECT count(*) FROM passkey_challenges"))) == 1


async def test_a_front_end_below_the_site_uses_its_passkeys_and_another_one_does_not(settings: Settings) -> None:
    near = {"public_url": "https://example.org", "frontend_url": "https://app.example.org"}
    async with visiting(settings, **near) as client:
        person = await make_user(client)
        page = Authenticator(origin="https://app.example.org", rp_id="example.org")
        assert (await enrol(client, person, page)).status_code == 201
        assert (await way_in(client, page)).status_code == 200
        dev = Authenticator(rp_id="example.org")
        assert refusal(await enrol(client, person, dev)) == (400, "passkey-wrong-origin")
    async with visiting(settings, public_url="https://example.org", frontend_url="https://example.com") as client:
        page.origin = "https://example.com"
        assert refusal(await way_in(client, page)) == (400, "passkey-wrong-origin")


async def test_without_a_public_url_the_page_may_be_on_any_port_of_this_machine(client: httpx2.AsyncClient) -> None:
    person, port = await make_user(client), client.base_url.port
    device = Authenticator(origin=f"http://localhost:{port}")
    assert refusal(await enrol(client, person, device)) == (400, "passkey-wrong-origin")
    async with httpx2.AsyncClient(base_url=f"http://localhost:{port}", timeout=30) as named:
        assert (await enrol(named, person, device)).status_code == 201

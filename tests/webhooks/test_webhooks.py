"""Others are told of events: signed, once, again when they were away, and never towards the house's own network."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from madang.backends import Backends
from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.webhooks.runner import SCHEDULE, DeliveryRunner
from tests.factories import SignedIn, make_user
from tests.webhooks.receiver import Receiver

HOOKS = "/api/v1/webhooks"
REGISTERED = "accounts.account_registered.v1"
SOON = 30
Made = dict[str, Any]


async def make_hook(client: httpx2.AsyncClient, admin: SignedIn, url: str, *events: str) -> Made:
    body = {"url": url, "events": list(events or ("*",))}
    answer = await client.post(HOOKS, json=body, headers=admin.headers)
    assert answer.status_code == 201, answer.text
    made: Made = answer.json()
    return made


@pytest.mark.parametrize("name", ["accounts.account_registred", "account.*", "sessions.notice_due.v1", "webhooks.*"])
async def test_what_no_event_will_fit_is_refused(client: httpx2.AsyncClient, admin: SignedIn, name: str) -> None:
    url = "https://example.org/hook"
    refused = [await client.post(HOOKS, json={"url": url, "events": ["accounts.*", name]}, headers=admin.headers)]
    hook = await make_hook(client, admin, url, REGISTERED, REGISTERED.removesuffix(".v1"), "captions.*")
    refused.append(await client.patch(f"{HOOKS}/{hook['id']}", json={"events": [name]}, headers=admin.headers))
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown-events")
        assert name in answer.json()["detail"]
    [kept] = (await client.get(HOOKS, headers=admin.headers)).json()
    assert kept["events"] == hook["events"]


async def until(enough: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not enough():  # noqa: ASYNC110 - the receiver is another thread
            await asyncio.sleep(0.05)


async def deliveries(client: httpx2.AsyncClient, admin: SignedIn, hook: Made) -> list[dict[str, Any]]:
    answer = await client.get(f"{HOOKS}/{hook['id']}/deliveries", headers=admin.headers)
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def settled(
    client: httpx2.AsyncClient, admin: SignedIn, hook: Made, enough: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    async with asyncio.timeout(SOON):
        while not enough(found := await deliveries(client, admin, hook)):  # noqa: ASYNC110 - as an administrator looks
            await asyncio.sleep(0.1)
    return found


async def make_due(database: Database) -> None:
    """As if the pause were over."""
    async with database.unit() as session:
        await session.execute(text("UPDATE webhook_deliveries SET due_at = :now"), {"now": utc_now()})


async def test_an_event_arrives_signed_and_once(client: httpx2.AsyncClient, admin: SignedIn, called: Receiver) -> None:
    hook = await make_hook(client, admin, called.url, "accounts.*")
    person = await make_user(client)
    await until(lambda: len(called.events(REGISTERED)) == 1)
    [call] = called.calls
    assert call.is_signed_by(hook["secret"])
    assert not call.is_signed_by("whsec_AAAA")
    assert call.event["data"]["account_id"] == person.id
    assert call.headers["content-type"] == "application/json"
    found = await settled(client, admin, hook, lambda found: found[0]["state"] == "succeeded")
    assert [(one["event"], one["attempts"], one["status"]) for one in found] == [(REGISTERED, 1, 204)]
    assert call.headers["webhook-id"] == found[0]["event_id"]


async def test_only_what_was_asked_for_comes_and_errands_never(
    client: httpx2.AsyncClient, admin: SignedIn, called: Receiver
) -> None:
    await make_hook(client, admin, called.url, "sessions.session_ended", REGISTERED)
    person = await make_user(client)
    await client.delete("/api/v1/accounts/logout", headers=person.headers)
    await until(lambda: len(called.calls) == 2)
    assert {call.event["type"] for call in called.calls} == {REGISTERED, "sessions.session_ended.v1"}
    for unknown in ("accounts", "*.x", "accounts.*.v1", "UPPER.x", ""):
        body = {"url": called.url, "events": [unknown]}
        assert (await client.post(HOOKS, json=body, headers=admin.headers)).status_code == 422


async def test_while_secrets_change_both_sign_and_then_the_new_one_alone(
    client: httpx2.AsyncClient, admin: SignedIn, called: Receiver
) -> None:
    hook = await make_hook(client, admin, called.url)
    rotated = (await client.post(f"{HOOKS}/{hook['id']}/rotate", headers=admin.headers)).json()
    assert rotated["secret"] != hook["secret"]
    await client.post(f"{HOOKS}/{hook['id']}/ping", headers=admin.headers)
    await until(lambda: len(called.events("webhooks.webhook_pinged.v1")) == 1)
    [call] = called.events("webhooks.webhook_pinged.v1")
    assert call.is_signed_by(hook["secret"])
    assert call.is_signed_by(rotated["secret"])
    again = (await client.post(f"{HOOKS}/{hook['id']}/rotate", headers=admin.headers)).json()
    await client.post(f"{HOOKS}/{hook['id']}/ping", headers=admin.headers)
    await until(lambda: len(called.events("webhooks.webhook_pinged.v1")) == 2)
    last = called.events("webhooks.webhook_pinged.v1")[-1]
    assert last.is_signed_by(again["secret"])
    assert not last.is_signed_by(hook["secret"])


async def test_who_was_away_gets_everything_once_back(
    client: httpx2.AsyncClient, admin: SignedIn, called: Receiver, database: Database
) -> None:
    hook = await make_hook(client, admin, called.url, REGISTERED)
    called.answer = (503, {})
    people = [await make_user(client) for _ in range(5)]
    found = await settled(client, admin, hook, lambda found: sum(one["attempts"] == 1 for one in found) == 5)
    assert {(one["state"], one["status"], one["error"]) for one in found} == {("pending", 503, "answered 503")}
    called.answer, called.calls = (200, {}), []
    await make_due(database)
    await settled(client, admin, hook, lambda found: all(one["state"] == "succeeded" for one in found))
    assert {call.event["data"]["account_id"] for call in called.calls} == {one.id for one in people}
    assert len(called.calls) == 5
    assert all(call.is_signed_by(hook["secret"]) for call in called.calls)


async def test_a_receiver_says_when_to_come_back_or_that_it_is_gone(
    client: httpx2.AsyncClient, admin: SignedIn, called: Receiver
) -> None:
    hook = await make_hook(client, admin, called.url, REGISTERED)
    called.answer = (429, {"Retry-After": "7200"})
    await make_user(client)
    [waiting] = await settled(client, admin, hook, lambda found: bool(found) and found[0]["attempts"] == 1)
    assert waiting["due_at"] > (utc_now() + timedelta(seconds=7000)).isoformat()
    called.answer = (410, {})
    await make_user(client)
    await settled(client, admin, hook, lambda found: any(one["state"] == "failed" for one in found))
    shown = (await client.get(f"{HOOKS}/{hook['id']}", headers=admin.headers)).json()
    assert (shown["is_active"], shown["disabled_reason"]) == (False, "the receiver answered 410 Gone")
    count = len(called.calls)
    await make_user(client)
    again = await client.patch(f"{HOOKS}/{hook['id']}", json={"is_active": True}, headers=admin.headers)
    assert (again.json()["is_active"], again.json()["disabled_reason"]) == (True, None)
    called.answer = (200, {})
    replayed = await client.post(
        f"{HOOKS}/{hook['id']}/replay", json={"since": "2020-01-01T00:00:00Z"}, headers=admin.headers
    )
    assert replayed.json() == {"replayed": 1}
    await until(lambda: len(called.calls) == count + 1)


async def test_one_is_sent_once_more_by_hand(client: httpx2.AsyncClient, admin: SignedIn, called: Receiver) -> None:
    hook = await make_hook(client, admin, called.url, REGISTERED)
    await make_user(client)
    [sent] = await settled(client, admin, hook, lambda found: bool(found) and found[0]["state"] == "succeeded")
    replay = f"{HOOKS}/{hook['id']}/deliveries/{sent['id']}/replay"
    assert (await client.post(replay, headers=admin.headers)).status_code == 202
    await until(lambda: len(called.calls) == 2)
    assert called.calls[0].headers["webhook-id"] == called.calls[1].headers["webhook-id"]
    assert called.calls[0].body == called.calls[1].body
    unknown = await client.post(f"{HOOKS}/{hook['id']}/deliveries/{hook['id']}/replay", headers=admin.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "delivery-not-found")


async def test_two_workers_at_once_send_each_once(
    client: httpx2.AsyncClient, admin: SignedIn, called: Receiver, backends: Backends
) -> None:
    hook = await make_hook(client, admin, called.url, REGISTERED)
    others = [asyncio.create_task(DeliveryRunner(backends).run()) for _ in range(3)]
    for _ in range(12):
        await make_user(client)
    await settled(
        client, admin, hook, lambda found: len(found) == 12 and all(one["state"] == "succeeded" for one in found)
    )
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    assert len(called.calls) == 12


async def test_after_all_tries_it_has_failed(
    client: httpx2.AsyncClient, admin: SignedIn, called: Receiver, database: Database
) -> None:
    hook = await make_hook(client, admin, called.url, REGISTERED)
    called.answer = (500, {})
    await make_user(client)
    await settled(client, admin, hook, lambda found: bool(found) and found[0]["attempts"] == 1)
    async with database.unit() as session:
        values = {"tries": len(SCHEDULE), "now": utc_now()}
        await session.execute(text("UPDATE webhook_deliveries SET attempts = :tries, due_at = :now"), values)
    [failed] = await settled(client, admin, hook, lambda found: found[0]["state"] == "failed")
    assert failed["attempts"] == len(SCHEDULE) + 1


async def test_secrets_are_shown_once_and_stored_sealed(
    client: httpx2.AsyncClient, admin: SignedIn, called: Receiver, database: Database
) -> None:
    hook = await make_hook(client, admin, called.url)
    for answer in (
        await client.get(HOOKS, headers=admin.headers),
        await client.get(f"{HOOKS}/{hook['id']}", headers=admin.headers),
    ):
        assert hook["secret"] not in answer.text
        assert "sealed" not in answer.text
    async with database.read_unit() as session:
        [stored] = (await session.execute(text("SELECT sealed FROM webhooks"))).scalars().all()
    assert hook["secret"].encode() not in bytes(stored)


async def test_members_have_no_webhooks_and_there_is_a_limit(
    client: httpx2.AsyncClient, admin: SignedIn, called: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await make_user(client)
    assert (await client.get(HOOKS, headers=person.headers)).status_code == 403
    monkeypatch.setattr("madang.webhooks.service.MOST", 2)
    for _ in range(2):
        await make_hook(client, admin, called.url)
    body = {"url": called.url, "events": ["*"]}
    refused = await client.post(HOOKS, json=body, headers=admin.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-webhooks")
    hooks = (await client.get(HOOKS, headers=admin.headers)).json()
    assert (await client.delete(f"{HOOKS}/{hooks[0]['id']}", headers=admin.headers)).status_code == 204
    assert (await client.get(f"{HOOKS}/{hooks[0]['id']}", headers=admin.headers)).status_code == 404
    await make_hook(client, admin, called.url)


@pytest.mark.parametrize(
    "url", ["ftp://example.org/x", "https://user:secret@example.org/", "https://", "example.org", "https://e.org/#x"]
)
async def test_an_address_that_is_none_is_refused(client: httpx2.AsyncClient, admin: SignedIn, url: str) -> None:
    refused = await client.post(HOOKS, json={"url": url, "events": ["*"]}, headers=admin.headers)
    assert refused.status_code == 422

"""What a conversation is besides its messages, and answers had once more."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from madang.backends import Backends
from madang.chat.handlers import erase_temporary_conversations
from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.outbox.delivery import Delivery
from madang.outbox.events import HousekeepingDue
from tests.chat.talking import CHAT, ask, begin, ended, messages
from tests.factories import SignedIn, make_user
from tests.upstreams import TEXT, Upstream

CONVERSATIONS = f"{CHAT}/conversations"


async def create(client: httpx2.AsyncClient, person: SignedIn, **fields: Any) -> dict[str, Any]:
    answer = await client.post(CONVERSATIONS, json=fields, headers=person.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def change(client: httpx2.AsyncClient, person: SignedIn, conversation: str, **fields: Any) -> httpx2.Response:
    return await client.patch(f"{CONVERSATIONS}/{conversation}", json=fields, headers=person.headers)


async def listed(client: httpx2.AsyncClient, person: SignedIn, **query: Any) -> list[str]:
    answer = await client.get(CONVERSATIONS, params=query, headers=person.headers)
    return [one["id"] for one in answer.json()["items"]]


async def regenerate(
    client: httpx2.AsyncClient, person: SignedIn, message: str, key: str | None = None, **body: Any
) -> httpx2.Response:
    headers = person.headers | ({"Idempotency-Key": key} if key else {})
    return await client.post(f"{CHAT}/messages/{message}/regenerate", json=body, headers=headers)


async def test_archived_conversations_are_listed_when_asked_for(client: httpx2.AsyncClient, person: SignedIn) -> None:
    plain, pinned, archived = [(await create(client, person))["id"] for _ in range(3)]
    assert (await change(client, person, pinned, pinned=True)).json()["pinned"] is True
    assert (await change(client, person, archived, archived=True)).json()["archived"] is True
    assert await listed(client, person) == [pinned, plain]
    assert await listed(client, person, pinned=True) == [pinned]
    assert await listed(client, person, archived=True) == [archived]
    back = await change(client, person, archived, archived=False, title="다시")
    assert (back.json()["archived"], back.json()["title"]) == (False, "다시")


async def test_the_system_prompt_comes_first_and_can_be_taken_away(
    client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream
) -> None:
    made = await create(client, person, system_prompt="시처럼 답해 줘")
    await ended(client, person, (await ask(client, person, made["id"], content="하나"))["run"]["id"])
    changed = await change(client, person, made["id"], system_prompt=None)
    assert changed.json()["system_prompt"] is None
    await ended(client, person, (await ask(client, person, made["id"], content="둘"))["run"]["id"])
    turns = [[(turn["role"], turn["content"]) for turn in request["messages"]] for request in upstream.requests]
    assert turns[0] == [("system", "시처럼 답해 줘"), ("user", "하나")]
    assert turns[1] == [("user", "하나"), ("assistant", TEXT), ("user", "둘")]


@pytest.mark.parametrize(
    "fields",
    [
        {"title": None},
        {"title": " "},
        {"pinned": None},
        {"system_prompt": ""},
        {"system_prompt": "x" * 20_001},
        {"x": 1},
    ],
)
async def test_what_a_conversation_can_not_become(
    client: httpx2.AsyncClient, person: SignedIn, fields: dict[str, Any]
) -> None:
    conversation = await begin(client, person)
    assert (await change(client, person, conversation, **fields)).status_code == 422
    stranger = await make_user(client)
    assert (await change(client, stranger, conversation, pinned=True)).status_code == 404


async def test_temporary_conversations_are_erased_a_day_after_their_last_word(
    client: httpx2.AsyncClient, person: SignedIn, database: Database, backends: Backends
) -> None:
    old, new, kept = [(await create(client, person, temporary=kind))["id"] for kind in (True, True, False)]
    for conversation in (old, kept):
        await ended(client, person, (await ask(client, person, conversation))["run"]["id"])
    async with database.unit() as session:
        past = utc_now() - timedelta(days=1, seconds=1)
        statement = text("UPDATE conversations SET updated_at = :past WHERE id IN (:old, :kept)")
        ids = {"old": old, "kept": kept}
        if not database.is_postgresql:
            ids = {name: value.replace("-", "") for name, value in ids.items()}
        await session.execute(statement, {"past": past, **ids})
    await erase_temporary_conversations(HousekeepingDue(), Delivery(new_id(), utc_now(), backends))
    assert await listed(client, person) == [kept, new]
    async with database.read_unit() as session:
        assert (await session.execute(text("SELECT count(*) FROM messages"))).scalar_one() == 2


async def test_an_answer_had_once_more_stands_beside_the_former_one(
    client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream
) -> None:
    conversation = await begin(client, person)
    first = await ask(client, person, conversation, content="하나")
    await ended(client, person, first["run"]["id"])
    [question, answer] = await messages(client, person, conversation)
    for message in (answer["id"], question["id"]):
        again = await regenerate(client, person, message)
        assert again.status_code == 202, again.text
        assert (await ended(client, person, again.json()["run"]["id"]))["state"] == "succeeded"
        assert again.json()["message"]["parent_id"] == question["id"]
        assert again.headers["location"] == f"{CHAT}/runs/{again.json()['run']['id']}"
    answers = [one for one in await messages(client, person, conversation) if one["role"] == "assistant"]
    assert [(one["parent_id"], one["content"], one["status"]) for one in answers] == [
        (question["id"], TEXT, "complete")
    ] * 3
    assert [[turn["content"] for turn in request["messages"]] for request in upstream.requests] == [["하나"]] * 3


async def test_a_failed_answer_can_be_had_once_more_with_another_model(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    conversation = await begin(client, person)
    failed = await ask(client, person, conversation, model="401")
    assert (await ended(client, person, failed["run"]["id"]))["state"] == "failed"
    again = await regenerate(client, person, failed["run"]["message_id"], model="ok")
    assert (await ended(client, person, again.json()["run"]["id"]))["state"] == "succeeded"


async def test_the_same_key_answers_once(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = await begin(client, person)
    first = await ask(client, person, conversation)
    await ended(client, person, first["run"]["id"])
    answer = first["run"]["message_id"]
    one = await regenerate(client, person, answer, key="k1")
    await ended(client, person, one.json()["run"]["id"])
    same = await regenerate(client, person, answer, key="k1")
    assert same.json()["run"]["id"] == one.json()["run"]["id"]
    other = await regenerate(client, person, answer, key="k1", model="ok")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert len(await messages(client, person, conversation)) == 3


async def test_what_is_being_answered_or_is_not_ones_own_is_not_answered_again(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    conversation = await begin(client, person)
    slow = await ask(client, person, conversation, model="hang-first")
    refused = await regenerate(client, person, slow["run"]["message_id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "answer-running")
    stranger = await make_user(client)
    for who, message in ((stranger, slow["message"]["id"]), (person, str(new_id()))):
        unknown = await regenerate(client, who, message)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "message-not-found")
    assert (await regenerate(client, person, slow["message"]["id"], model="nonsense")).status_code in {409, 422}

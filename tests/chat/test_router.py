import httpx2
import pytest

from madang.settings import Settings
from tests.chat.talking import CHAT, ask, begin, ended, messages
from tests.factories import SignedIn, make_user
from tests.upstreams import MODES, TEXT, Upstream


async def test_a_question_is_answered_and_both_are_stored(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = await begin(client, person)
    asked = await ask(client, person, conversation)
    assert asked["message"]["role"] == "user"
    assert asked["run"]["state"] == "running"
    run = await ended(client, person, asked["run"]["id"])
    question, answer = await messages(client, person, conversation)
    assert (run["state"], run["error"]) == ("succeeded", None)
    assert run["usage"] == {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10} == answer["usage"]
    assert run["timing"]["started_at"] <= run["timing"]["first_delta_at"] <= run["timing"]["finished_at"]
    assert (question["content"], question["parent_id"]) == ("무엇을 할 수 있나요?", None)
    assert (answer["content"], answer["status"], answer["model"]) == (TEXT, "complete", "ok")
    assert (answer["parent_id"], answer["id"]) == (question["id"], run["message_id"])


async def test_the_conversation_remembers_along_the_branch(
    client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream
) -> None:
    conversation = await begin(client, person)
    first = await ask(client, person, conversation, content="하나")
    await ended(client, person, first["run"]["id"])
    second = await ask(client, person, conversation, content="둘")
    await ended(client, person, second["run"]["id"])
    edited = await ask(client, person, conversation, content="둘, 고침", parent_id=first["run"]["message_id"])
    await ended(client, person, edited["run"]["id"])
    afresh = await ask(client, person, conversation, content="처음부터", parent_id=None)
    await ended(client, person, afresh["run"]["id"])
    turns = [[turn["content"] for turn in request["messages"]] for request in upstream.requests]
    assert turns == [["하나"], ["하나", TEXT, "둘"], ["하나", TEXT, "둘, 고침"], ["처음부터"]]


async def test_conversations_are_listed_renamed_and_deleted(client: httpx2.AsyncClient, person: SignedIn) -> None:
    made = [await begin(client, person) for _ in range(3)]
    page = (await client.get(f"{CHAT}/conversations?limit=2", headers=person.headers)).json()
    rest = await client.get(f"{CHAT}/conversations?limit=2&cursor={page['next_cursor']}", headers=person.headers)
    listed = [item["id"] for item in page["items"] + rest.json()["items"]]
    assert (listed, rest.json()["next_cursor"]) == (made[::-1], None)
    path = f"{CHAT}/conversations/{made[0]}"
    renamed = await client.patch(path, json={"title": " 여행 "}, headers=person.headers)
    assert renamed.json()["title"] == (await client.get(path, headers=person.headers)).json()["title"] == "여행"
    assert (await client.delete(path, headers=person.headers)).status_code == 204
    gone = await client.get(path, headers=person.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "conversation-not-found")


async def test_a_title_is_taken_from_the_first_question(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = await begin(client, person)
    await ask(client, person, conversation, content="여름에\n가기 좋은 곳은?  " + "x" * 100)
    shown = await client.get(f"{CHAT}/conversations/{conversation}", headers=person.headers)
    assert shown.json()["title"].startswith("여름에 가기 좋은 곳은? xxx")
    assert len(shown.json()["title"]) == 60


async def test_messages_come_in_pages(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = await begin(client, person)
    for _ in range(2):
        await ended(client, person, (await ask(client, person, conversation))["run"]["id"])
    path = f"{CHAT}/conversations/{conversation}/messages?limit=3"
    page = (await client.get(path, headers=person.headers)).json()
    rest = (await client.get(f"{path}&cursor={page['next_cursor']}", headers=person.headers)).json()
    assert [item["role"] for item in page["items"] + rest["items"]] == ["user", "assistant"] * 2
    assert (len(page["items"]), rest["next_cursor"]) == (3, None)


async def test_other_peoples_ids_answer_404(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = await begin(client, person)
    run_id = (await ask(client, person, conversation))["run"]["id"]
    stranger = await make_user(client)
    path, body = f"{CHAT}/conversations/{conversation}", {"content": "?"}
    answers = [
        await client.get(path, headers=stranger.headers),
        await client.patch(path, json={"title": "x"}, headers=stranger.headers),
        await client.delete(path, headers=stranger.headers),
        await client.get(f"{path}/messages", headers=stranger.headers),
        await client.post(f"{path}/messages", json=body, headers=stranger.headers),
        await client.get(f"{CHAT}/runs/{run_id}", headers=stranger.headers),
        await client.get(f"{CHAT}/runs/{run_id}/events", headers=stranger.headers),
        await client.post(f"{CHAT}/runs/{run_id}/cancel", headers=stranger.headers),
    ]
    assert [answer.status_code for answer in answers] == [404] * 8
    assert (await client.get(f"{CHAT}/conversations", headers=stranger.headers)).json()["items"] == []


async def test_a_parent_of_another_conversation_is_refused(client: httpx2.AsyncClient, person: SignedIn) -> None:
    one, other = await begin(client, person), await begin(client, person)
    asked = await ask(client, person, one)
    body = {"content": "?", "parent_id": asked["message"]["id"]}
    refused = await client.post(f"{CHAT}/conversations/{other}/messages", json=body, headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "parent-not-found")
    assert refused.json()["errors"][0]["pointer"] == "/parent_id"


async def test_an_unknown_model_is_refused_with_the_known_ones(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = await begin(client, person)
    body = {"content": "?", "model": "gpt-0"}
    refused = await client.post(f"{CHAT}/conversations/{conversation}/messages", json=body, headers=person.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown-model")
    assert all(mode in refused.json()["detail"] for mode in MODES)
    assert await messages(client, person, conversation) == []
    models = (await client.get(f"{CHAT}/models", headers=person.headers)).json()["items"]
    assert models[0] == {"id": "ok", "is_default": True}
    assert {model["id"] for model in models} == set(MODES)


@pytest.mark.parametrize("content", ["", "x" * 200_001, "a\0b", None, 7])
async def test_content_out_of_bounds_is_refused(client: httpx2.AsyncClient, person: SignedIn, content: object) -> None:
    conversation = await begin(client, person)
    path = f"{CHAT}/conversations/{conversation}/messages"
    refused = await client.post(path, json={"content": content}, headers=person.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/content")


async def test_the_longest_content_is_taken_and_half_a_character_is_not(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    conversation = await begin(client, person)
    asked = await ask(client, person, conversation, content="가" * 200_000)
    assert asked["message"]["content"] == "가" * 200_000
    headers = person.headers | {"Content-Type": "application/json"}
    path = f"{CHAT}/conversations/{await begin(client, person)}/messages"
    refused = await client.post(path, content=b'{"content": "\\ud83d"}', headers=headers)
    assert refused.status_code == 422


async def test_a_second_question_waits_for_the_running_answer(
    client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream
) -> None:
    conversation = await begin(client, person)
    asked = await ask(client, person, conversation, "slow")
    path = f"{CHAT}/conversations/{conversation}/messages"
    for place in ({}, {"parent_id": asked["message"]["id"]}, {"parent_id": asked["run"]["message_id"]}):
        refused = await client.post(path, json={"content": "?", **place}, headers=person.headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "answer-running")
        assert asked["run"]["id"] in refused.json()["detail"]
    upstream.go_on.set()
    await ended(client, person, asked["run"]["id"])
    await ask(client, person, conversation)


async def test_the_same_key_and_request_give_the_same_answer(
    client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream
) -> None:
    conversation = await begin(client, person)
    path = f"{CHAT}/conversations/{conversation}/messages"
    headers = person.headers | {"Idempotency-Key": "k1"}
    first = await client.post(path, json={"content": "한 번만"}, headers=headers)
    again = await client.post(path, json={"content": "한 번만"}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["message"] == again.json()["message"]
    assert first.json()["run"]["id"] == again.json()["run"]["id"]
    other = await client.post(path, json={"content": "다른 말"}, headers=headers)
    elsewhere = f"{CHAT}/conversations/{await begin(client, person)}/messages"
    moved = await client.post(elsewhere, json={"content": "한 번만"}, headers=headers)
    assert [(refused.status_code, refused.json()["code"]) for refused in (other, moved)] == [
        (422, "idempotency-key-reused")
    ] * 2
    await ended(client, person, first.json()["run"]["id"])
    assert len(await messages(client, person, conversation)) == 2
    assert upstream.hits("ok") == 1
    stranger = await make_user(client)
    theirs = f"{CHAT}/conversations/{await begin(client, stranger)}/messages"
    free = await client.post(theirs, json={"content": "?"}, headers=stranger.headers | {"Idempotency-Key": "k1"})
    assert free.status_code == 202


async def test_unknown_fields_are_refused(client: httpx2.AsyncClient, person: SignedIn) -> None:
    path = f"{CHAT}/conversations/{await begin(client, person)}/messages"
    refused = await client.post(path, json={"content": "?", "mood": "good"}, headers=person.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/mood")


async def test_nobody_signed_in_reaches_nothing(client: httpx2.AsyncClient) -> None:
    assert (await client.get(f"{CHAT}/conversations")).status_code == 401


class TestSwitchedOff:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"llm_url": "none"})

    async def test_asking_is_refused_and_reading_goes_on(self, client: httpx2.AsyncClient, person: SignedIn) -> None:
        conversation = await begin(client, person)
        path = f"{CHAT}/conversations/{conversation}/messages"
        refused = await client.post(path, json={"content": "?"}, headers=person.headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "chat-switched-off")
        assert (await client.get(f"{CHAT}/models", headers=person.headers)).status_code == 503
        assert (await client.get(path, headers=person.headers)).status_code == 200

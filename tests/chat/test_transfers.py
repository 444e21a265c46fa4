"""Conversations out of the house and back, and out of ChatGPT."""

import json
from typing import Any

import httpx2

from tests.chat.talking import CHAT, ask, begin, ended, messages
from tests.chat.test_conversations import change, create, regenerate
from tests.factories import SignedIn, make_user
from tests.upstreams import TEXT

HOSTILE = "# 제목\n\n<script>alert(1)</script> | --- | \u202e rtl 👩‍👩‍👧 ```"
Node = dict[str, Any]


async def exported(client: httpx2.AsyncClient, person: SignedIn, conversation: str, kind: str) -> httpx2.Response:
    url = f"{CHAT}/conversations/{conversation}/export"
    answer = await client.get(url, params={"format": kind}, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return answer


async def take_in(client: httpx2.AsyncClient, person: SignedIn, file: Any) -> dict[str, Any]:
    answer = await client.post(f"{CHAT}/import", json=file, headers=person.headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def latest(client: httpx2.AsyncClient, person: SignedIn) -> dict[str, Any]:
    listed = await client.get(f"{CHAT}/conversations", params={"limit": 1}, headers=person.headers)
    [first] = listed.json()["items"]
    conversation: dict[str, Any] = first
    return conversation


def shape(said: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """A tree without its ids."""
    place = {one["id"]: number for number, one in enumerate(said)}
    kept = ("role", "content", "model", "status", "usage", "created_at")
    return [(place.get(one["parent_id"]), *(one[name] for name in kept)) for one in said]


async def test_what_is_exported_and_imported_again_has_lost_nothing(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    conversation = (await create(client, person, title="여행 / 계획", system_prompt="Be brief."))["id"]
    asked = await ask(client, person, conversation, content=HOSTILE)
    await ended(client, person, asked["run"]["id"])
    again = await regenerate(client, person, asked["message"]["id"])
    await ended(client, person, again.json()["run"]["id"])
    failing = await ask(client, person, conversation, "error-middle", parent_id=again.json()["message"]["id"])
    await ended(client, person, failing["run"]["id"])
    assert (await change(client, person, conversation, pinned=True)).status_code == 200

    answer = await exported(client, person, conversation, "json")
    assert "filename*=UTF-8''%EC%97%AC%ED%96%89" in answer.headers["content-disposition"]
    file = answer.json()
    other = await make_user(client)
    assert await take_in(client, other, file) == {"conversations": 1, "messages": 5, "skipped": []}
    copy = await latest(client, other)
    assert (copy["title"], copy["system_prompt"], copy["pinned"]) == ("여행 / 계획", "Be brief.", True)
    before, after = await messages(client, person, conversation), await messages(client, other, copy["id"])
    assert shape(after) == shape(before)
    assert {one["id"] for one in before}.isdisjoint(one["id"] for one in after)
    twice = (await exported(client, other, copy["id"], "json")).json()
    assert shape(twice["conversations"][0]["messages"]) == shape(file["conversations"][0]["messages"])
    goes_on = await ask(client, other, copy["id"], parent_id=after[2]["id"])
    assert (await ended(client, other, goes_on["run"]["id"]))["state"] == "succeeded"


async def test_markdown_shows_the_branch_of_the_latest_message(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = await begin(client, person)
    asked = await ask(client, person, conversation, content="First\nquestion")
    await ended(client, person, asked["run"]["id"])
    other = await ask(client, person, conversation, content="Another beginning", parent_id=None)
    await ended(client, person, other["run"]["id"])
    answer = await exported(client, person, conversation, "md")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("# First question\n\n## User, ")
    assert answer.text.endswith(f" UTC\n\n{TEXT}\n")
    assert "Another beginning" in answer.text
    assert answer.text.count("First") == 1, "the title alone"
    empty = await exported(client, person, await begin(client, person), "md")
    assert empty.text == "# Conversation\n"


def node(name: str, parent: str | None, *children: str, role: str = "", text: Any = "") -> Node:
    content = {"content_type": "text", "parts": [text]}
    message = {"author": {"role": role}, "content": content, "create_time": 1700000000.5, "metadata": {}}
    return {"id": name, "parent": parent, "children": list(children), "message": message if role else None}


async def test_an_export_of_chatgpt_keeps_its_branches_and_leaves_out_what_is_no_text(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    nodes = [
        node("root", None, "system"),
        node("system", "root", "q", role="system"),
        node("q", "system", "a1", "tool", role="user", text="질문"),
        node("a1", "q", role="assistant", text="하나"),
        node("tool", "q", "a2", role="tool", text="searching"),
        node("a2", "tool", role="assistant", text="둘"),
        node("image", "q", role="user", text={"asset_pointer": "x"}),
    ]
    mapping = {one["id"]: one for one in nodes}
    given = {"title": "가져온 대화", "create_time": 1700000000, "current_node": "a1", "mapping": mapping}
    assert await take_in(client, person, [given]) == {"conversations": 1, "messages": 3, "skipped": []}
    copy = await latest(client, person)
    assert (copy["title"], copy["created_at"][:10]) == ("가져온 대화", "2023-11-14")
    said = await messages(client, person, copy["id"])
    assert [(one[0], one[2]) for one in shape(said)] == [(None, "질문"), (0, "둘"), (0, "하나")]


async def test_what_can_not_be_read_is_named_and_keeps_out_no_other(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    good = {"title": "good", "messages": [{"id": "1", "role": "user", "content": "hello"}]}

    def bad(*said: Node) -> Node:
        return {"messages": [{"id": "1", "role": "user", "content": "x"} | one for one in said]}

    given = [
        *(bad({}, {}), bad({"parent_id": "2"}, {"id": "2"}), bad({"parent_id": "1"}), bad({"role": "tool"})),
        *(bad({"content": "x" * 200_001}), bad({"content": "\0"}), {"messages": "none"}, {}),
        *({"mapping": []}, {"mapping": {"a": None}}, {"mapping": {"a": node("a", None, "a", role="user", text="x")}}),
        good,
    ]
    taken = await take_in(client, person, {"format": "madang.chat/1", "conversations": given})
    assert (taken["conversations"], taken["messages"]) == (2, 2), "a circle is walked once"
    assert [one["index"] for one in taken["skipped"]] == list(range(10))
    assert all(one["reason"] for one in taken["skipped"])
    assert (await latest(client, person))["title"] == "good"
    unreadable: list[Any] = [{"conversations": [{}] * 1001}, {"conversations": "all"}, {}, 7]
    for body in unreadable:
        refused = await client.post(f"{CHAT}/import", json=body, headers=person.headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid-fields"), json.dumps(body)[:50]


async def test_nobody_exports_what_is_anothers(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation, other = await begin(client, person), await make_user(client)
    url = f"{CHAT}/conversations/{conversation}/export"
    for kind in ("json", "md"):
        answer = await client.get(url, params={"format": kind}, headers=other.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "conversation-not-found")
    assert (await client.get(url, params={"format": "pdf"}, headers=person.headers)).status_code == 422

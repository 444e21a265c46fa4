"""A conversation behind a link: read by anybody who has it, as it was, until it is taken back."""

from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.chat.talking import CHAT, ask, ended
from tests.chat.test_conversations import create
from tests.factories import SignedIn, make_admin, make_user
from tests.upstreams import TEXT


async def share(client: httpx2.AsyncClient, person: SignedIn, conversation: str) -> str:
    """The link's path."""
    made = await client.post(f"{CHAT}/conversations/{conversation}/share", headers=person.headers)
    assert made.status_code == 201, made.text
    return str(urlsplit(made.json()["url"]).path)


async def talk(client: httpx2.AsyncClient, person: SignedIn, conversation: str, question: str) -> None:
    asked = await ask(client, person, conversation, content=question)
    await ended(client, person, asked["run"]["id"])


async def read(client: httpx2.AsyncClient, link: str, **params: Any) -> dict[str, Any]:
    answer = await client.get(link, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


async def test_whoever_has_the_link_reads_what_was_said_until_it_was_made(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    conversation = (await create(client, person, title="여행", system_prompt="secret prompt"))["id"]
    await talk(client, person, conversation, "first")
    link = await share(client, person, conversation)
    await talk(client, person, conversation, "said later")
    shared = await read(client, link)
    assert (shared["title"], [one["content"] for one in shared["items"]]) == ("여행", ["first", TEXT])
    assert "secret prompt" not in str(shared)
    assert person.account_id not in str(shared)
    page = await read(client, link, limit=1)
    rest = await read(client, link, limit=1, cursor=page["next_cursor"])
    assert [one["content"] for one in (*page["items"], *rest["items"])] == ["first", TEXT]
    assert rest["next_cursor"] is None
    shown = await client.get(f"{CHAT}/conversations/{conversation}/share", headers=person.headers)
    assert shown.json() == {"created_at": shared["shared_at"]}


async def test_a_link_ends_when_it_is_taken_back_replaced_or_its_conversation_or_owner_goes(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    admin, conversation = await make_admin(client), (await create(client, person))["id"]
    at = f"{CHAT}/conversations/{conversation}"

    async def gone(link: str) -> bool:
        answer = await client.get(link)
        return (answer.status_code, answer.json().get("code")) == (404, "not-shared")

    first = await share(client, person, conversation)
    second = await share(client, person, conversation)
    assert await gone(first)
    assert not await gone(second)
    for _ in range(2):
        assert (await client.delete(f"{at}/share", headers=person.headers)).status_code == 204
    assert await gone(second)
    assert (await client.get(f"{at}/share", headers=person.headers)).json()["code"] == "not-shared"

    third = await share(client, person, conversation)
    users = f"/api/v1/users/{person.id}"
    assert (await client.patch(users, json={"is_active": False}, headers=admin.headers)).status_code == 200
    assert await gone(third)
    assert (await client.patch(users, json={"is_active": True}, headers=admin.headers)).status_code == 200
    assert not await gone(third)
    other = await make_user(client)
    for method in ("POST", "GET", "DELETE"):
        answer = await client.request(method, f"{at}/share", headers=other.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "conversation-not-found")
    assert await gone(f"{CHAT}/shared/mds_guess")
    assert await gone(third[:-3] + "abc")


async def test_deleting_the_conversation_ends_its_link(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = (await create(client, person))["id"]
    link = await share(client, person, conversation)
    at = f"{CHAT}/conversations/{conversation}"
    assert (await client.delete(at, headers=person.headers)).status_code == 204
    assert (await client.get(link)).status_code == 404

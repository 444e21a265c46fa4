"""`madang seed`: a development installation with something in it."""

import asyncio
import re
from typing import Any

import httpx2

from madang.kit.scopes import ALL_SCOPES
from tests.cli.conftest import Installation


async def get(client: httpx2.AsyncClient, token: str, path: str) -> dict[str, Any]:
    answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def token_of(client: httpx2.AsyncClient, name: str, password: str, *scopes: str) -> str:
    form = {"username": name, "password": password, "scope": " ".join(scopes or ALL_SCOPES)}
    answer = await client.post("/api/v1/accounts/token", data=form)
    assert answer.status_code == 200, answer.text
    client.cookies.clear()
    return str(answer.json()["access_token"])


async def test_there_are_people_conversations_and_figures_to_look_at(
    migrated: Installation, client: httpx2.AsyncClient
) -> None:
    done = await asyncio.to_thread(migrated.run, "seed", "--people", "7")
    assert done.returncode == 0, done.stderr
    [password] = re.findall(r"this once: (\S+)$", done.stdout)
    admin = await token_of(client, "sample_admin", password)
    listed = await get(client, admin, "/api/v1/users?size=100&sort=created_at")
    assert listed["total"] == 9
    assert len({one["created_at"][:10] for one in listed["items"]}) == 9
    assert {one["language"] for one in listed["items"]} == {"ko", "en"}
    assert (await get(client, admin, "/api/v1/users?q=예시"))["total"] > 2
    usage = await get(client, admin, "/api/v1/admin/usage?by=account_id")
    assert len(usage["items"]) == 7
    member = await token_of(client, "sample_1", password, "profile", "chat")
    [conversation] = (await get(client, member, "/api/v1/chat/conversations"))["items"]
    assert conversation["pinned"]
    said = await get(client, member, f"/api/v1/chat/conversations/{conversation['id']}/messages")
    assert [one["role"] for one in said["items"]] == ["user", "assistant"] * 2
    assert all(one["content"] and one["status"] == "complete" for one in said["items"])
    assert (await get(client, member, "/api/v1/chat/usage"))["quota"]["requests"]["limit"] == 500
    again = await asyncio.to_thread(migrated.run, "seed")
    assert (again.returncode, "here already" in again.stderr) == (1, True)


def test_production_gets_no_sample_people(installation: Installation) -> None:
    production = {
        "MADANG_ENV": "production",
        "MADANG_PUBLIC_URL": "https://madang.example.org",
        "MADANG_SECRET_KEY": "0123456789abcdef" * 4,
        "MADANG_MAIL_URL": "none",
        "MADANG_LLM_URL": "none",
    }
    done = installation.run("seed", **production)
    assert (done.returncode, "production" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr

"""Everything about oneself in an archive, for its owner alone."""

import asyncio
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, SECRET, SignedIn, make_user
from tests.media.uploads import ready_media, stored_files
from tests.privacy.belongings import fill
from tests.servers import server_process

from madang.backends import Backends
from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.outbox.delivery import Delivery
from madang.outbox.events import HousekeepingDue
from madang.privacy.handlers import sweep_expired_exports
from madang.settings import Settings

EXPORTS = "/api/v1/accounts/me/exports"
JFK = Path(__file__).parents[1] / "data" / "jfk.flac"


async def request(client: httpx2.AsyncClient, person: SignedIn, **body: Any) -> httpx2.Response:
    return await client.post(EXPORTS, json=body, headers=person.headers)


async def ready(client: httpx2.AsyncClient, person: SignedIn, export_id: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            shown = (await client.get(f"{EXPORTS}/{export_id}", headers=person.headers)).json()
            if shown["state"] in {"ready", "failed"}:
                assert shown["state"] == "ready"
                return dict(shown)
            await asyncio.sleep(0.05)


async def fetch(client: httpx2.AsyncClient, shown: dict[str, Any]) -> zipfile.ZipFile:
    """By the link alone, without any credential."""
    answer = await client.get(shown["download_url"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert len(answer.content) == shown["size"]
    return zipfile.ZipFile(io.BytesIO(answer.content))


def listed(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(archive.read(f"data/{name}.json"))
    return rows


async def test_the_archive_holds_everything_and_no_secret(client: httpx2.AsyncClient, database: Database) -> None:
    person, other = await make_user(client, "jisoo"), await make_user(client)
    await fill(database, UUID(person.id), "mark_jisoo")
    await fill(database, UUID(other.id), "mark_other")
    asked = await request(client, person)
    assert (asked.status_code, asked.json()["state"]) == (202, "queued")
    shown = await ready(client, person, asked.json()["id"])
    assert asked.headers["location"] == f"{EXPORTS}/{shown['id']}"
    archive = await fetch(client, shown)
    assert archive.testzip() is None
    [account] = listed(archive, "accounts")
    assert (account["account_id"], account["id"]) == ("jisoo", person.id)
    assert account["created_at"].endswith("Z")
    assert listed(archive, "messages")[0]["content"] == "mark_jisoo_content"
    assert listed(archive, "caption_documents")
    whole = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert "mark_other" not in whole
    for secret in ("argon2", "password_hash", 'digest"', 'sealed"', 'salt"', person.access_token, person.refresh_token):
        assert secret not in whole
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["schema"] == 1
    assert manifest["counts"] == {name: len(listed(archive, name)) for name in manifest["counts"]}
    assert "README.txt" in archive.namelist()


@pytest.mark.parametrize("wanted", [True, False])
async def test_media_come_by_name_or_whole(client: httpx2.AsyncClient, wanted: bool) -> None:
    person = await make_user(client)
    content = JFK.read_bytes()
    media = await ready_media(client, person, content, filename="../../말 하기.flac")
    asked = await request(client, person, **({"include": ["media"]} if wanted else {}))
    archive = await fetch(client, await ready(client, person, asked.json()["id"]))
    assert listed(archive, "media")[0]["id"] == media["id"]
    files = [name for name in archive.namelist() if name.startswith("media/")]
    assert all(".." not in name for name in files)
    assert [archive.read(name) for name in files] == ([content] if wanted else [])


async def test_only_the_owner_who_has_just_signed_in_gets_it(client: httpx2.AsyncClient, database: Database) -> None:
    person, stranger = await make_user(client), await make_user(client)
    asked = await request(client, person)
    path = f"{EXPORTS}/{asked.json()['id']}"
    await ready(client, person, asked.json()["id"])
    foreign = await client.get(path, headers=stranger.headers)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "export-not-found")
    assert (await client.get(EXPORTS, headers=stranger.headers)).json()["items"] == []
    assert (await client.get(path)).status_code == 401
    async with database.unit() as session:
        old = {"old": utc_now() - timedelta(hours=1)}
        await session.execute(text("UPDATE sessions SET authenticated_at = :old"), old)
    for stale in (await request(client, person), await client.get(path, headers=person.headers)):
        assert (stale.status_code, stale.json()["code"]) == (401, "reauthentication-required")
    shown = await client.get(EXPORTS, headers=person.headers)
    assert "download_url" not in shown.json()["items"][0]


async def test_one_at_a_time_and_three_a_day(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    at_once = await asyncio.gather(*(request(client, person) for _ in range(5)))
    made = [answer for answer in at_once if answer.status_code == 202]
    assert made
    assert {answer.status_code for answer in at_once} <= {202, 409, 429}
    for answer in at_once:
        if answer.status_code == 409:
            assert answer.json()["code"] == "export-running"
    for _ in range(3 - len(made)):
        await ready(client, person, (await client.get(EXPORTS, headers=person.headers)).json()["items"][0]["id"])
        assert (await request(client, person)).status_code == 202
    await ready(client, person, (await client.get(EXPORTS, headers=person.headers)).json()["items"][0]["id"])
    refused = await request(client, person)
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-exports")
    assert int(refused.headers["retry-after"]) > 0


async def test_an_archive_is_gone_after_a_day(
    client: httpx2.AsyncClient, database: Database, backends: Backends, settings: Settings
) -> None:
    person = await make_user(client)
    shown = await ready(client, person, (await request(client, person)).json()["id"])
    assert len(stored_files(settings)) == 1
    async with database.unit() as session:
        past = {"past": utc_now() - timedelta(seconds=1)}
        await session.execute(text("UPDATE exports SET expires_at = :past"), past)
    assert (await client.get(f"{EXPORTS}/{shown['id']}", headers=person.headers)).json()["download_url"] is None
    await sweep_expired_exports(HousekeepingDue(), Delivery(new_id(), utc_now(), backends))
    assert (await client.get(f"{EXPORTS}/{shown['id']}", headers=person.headers)).status_code == 404
    assert stored_files(settings) == []


async def test_an_archive_whose_server_was_killed_is_made_by_the_next(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    environment = {"MADANG_DATABASE_URL": database_url, "MADANG_SECRET_KEY": SECRET}
    with server_process(tmp_path, **environment) as server:
        async with httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
            person = await make_user(client)
        await asyncio.to_thread(server.kill)
        async with database.unit() as session:
            insert = (
                "INSERT INTO exports (id, account_id, includes_media, state, attempts, created_at, lease_until) "
                "SELECT id, id, is_account_id_generated, 'running', 1, created_at, :past FROM accounts"
            )
            await session.execute(text(insert), {"past": utc_now() - timedelta(seconds=1)})
        await asyncio.to_thread(server.start)
        async with httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
            form = {"username": person.account_id, "password": PASSWORD}
            token = (await client.post("/api/v1/accounts/token", data=form)).json()["access_token"]
            again = SignedIn(person.id, person.account_id, token, "", "")
            client.cookies.clear()
            archive = await fetch(client, await ready(client, again, person.id))
            assert listed(archive, "accounts")[0]["id"] == person.id

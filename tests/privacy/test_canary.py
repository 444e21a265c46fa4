"""A person who leaves a mark wherever people can write is gone from dump, cache, files, queues and logs (94).

Through the front door and in processes of their own, on the embedded back ends and on those of many machines.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aio_pika
import httpx2
import pytest
from redis.asyncio import Redis
from tests.chat.talking import ask, begin, follow
from tests.databases import TestDatabases
from tests.factories import PASSWORD, SECRET, SignedIn, make_admin, sign_in
from tests.fleet import Fleet, open_fleet
from tests.inboxes import Inbox, mail_server
from tests.media.bucket import Bucket
from tests.media.uploads import ready_media
from tests.peers.s3_server import S3Server
from tests.privacy.belongings import dump
from tests.privacy.test_erasure import put_back, wait_until_erased
from tests.servers import server_process
from tests.speech.media_files import RECORDING

from madang.db.session import Database
from madang.outbox.events import HousekeepingDue
from madang.outbox.publish import Outbox

MARK = "canary7f3a"
ACCOUNTS, USERS = "/api/v1/accounts", "/api/v1/users"
pytestmark = pytest.mark.timeout(900)  # the first use downloads the S3 server


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with mail_server(tmp_path / "mail") as running:
        yield running


@pytest.fixture
def bucket(s3: S3Server) -> Bucket:
    return Bucket.new(s3)


@pytest.fixture
def fleet(tmp_path: Path, databases: TestDatabases, bucket: Bucket, inbox: Inbox) -> Iterator[Fleet]:
    settings = {"MADANG_STORAGE_URL": bucket.url, "MADANG_MAIL_URL": inbox.url}
    with open_fleet(tmp_path, databases, **settings) as opened:
        yield opened


@asynccontextmanager
async def client_of(url: str, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False, headers=headers) as client:
        yield client


async def leave_marks(client: httpx2.AsyncClient) -> SignedIn:
    """In every field that people fill in themselves."""
    new = {"account_id": MARK, "password": PASSWORD, "email": f"{MARK}@example.org", "name": f"이름 {MARK}"}
    assert (await client.post(ACCOUNTS, json=new)).status_code == 201
    person = await sign_in(client, MARK)
    wanted: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/api/v1/api-keys", {"name": MARK}),
        ("PATCH", f"{ACCOUNTS}/me", {"name": f"새 이름 {MARK}"}),
        ("POST", f"{ACCOUNTS}/me/exports", {}),
    ]
    for method, url, body in wanted:
        answer = await client.request(method, url, json=body, headers=person.headers)
        assert answer.is_success, answer.text
    conversation = await begin(client, person)
    titled = {"title": MARK, "system_prompt": MARK}
    at = f"/api/v1/chat/conversations/{conversation}"
    assert (await client.patch(at, json=titled, headers=person.headers)).status_code == 200
    asked = await ask(client, person, conversation, content=f"w {MARK}")
    assert (await follow(client, person, asked["run"]["id"]))[-1].event == "done"
    content = RECORDING.read_bytes()
    media = await ready_media(client, person, content + MARK.encode(), filename=f"{MARK}.flac")
    assert (
        await client.post("/api/v1/captions", json={"media_id": media["id"]}, headers=person.headers)
    ).status_code == 202
    return person


async def leave(url: str, database: Database) -> None:
    """Sign up, be seen by an administrator, leave, and let the grace time be over."""
    async with client_of(url, **{"User-Agent": f"Browser {MARK}"}) as theirs, client_of(url) as others:
        await _leave(theirs, others, database)


async def _leave(client: httpx2.AsyncClient, others: httpx2.AsyncClient, database: Database) -> None:
    admin = await make_admin(others)
    person = await leave_marks(client)
    failed = {"username": MARK, "password": f"{MARK}, but wrong"}
    assert (await others.post(f"{ACCOUNTS}/token", data=failed)).status_code == 400
    for url in (f"{USERS}/{person.id}", f"{USERS}?q={MARK}"):
        assert MARK in (await others.get(url, headers=admin.headers)).text
    assert MARK in "".join((await dump(database)).values())
    deleted = await client.delete(f"{ACCOUNTS}/me", headers=(await sign_in(client, MARK)).headers)
    assert deleted.status_code == 204, deleted.text
    async with database.unit() as session:
        await put_back(session, MARK, timedelta(days=31))
        Outbox(session).publish(HousekeepingDue(), key="housekeeping")
    await wait_until_erased(database, MARK, 120)
    for url in (f"{USERS}?q={MARK}", f"{USERS}?q={MARK}&deleted=true"):
        assert (await others.get(url, headers=admin.headers)).json()["items"] == []


async def tables_with_the_mark(database: Database) -> list[str]:
    return [name for name, rows in (await dump(database)).items() if MARK in rows.lower()]


def marked(*folders: Path) -> list[Path]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if MARK.encode() in path.read_bytes() or MARK in path.name]


async def test_nothing_is_left_of_them_on_one_machine(
    database: Database, database_url: str, tmp_path: Path, inbox: Inbox
) -> None:
    environment = {"MADANG_DATABASE_URL": database_url, "MADANG_SECRET_KEY": SECRET, "MADANG_MAIL_URL": inbox.url}
    with server_process(tmp_path, **environment) as server:
        await leave(server.url, database)
    assert await tables_with_the_mark(database) == []
    assert marked(tmp_path / "var" / "media") == []
    assert MARK not in server.log.read_text()


async def test_nothing_is_left_of_them_on_many_machines(fleet: Fleet, bucket: Bucket) -> None:
    database = Database(fleet.database_url)
    await leave(fleet.servers[0].url, database)
    assert await tables_with_the_mark(database) == []
    await database.close()
    assert await redis_with_the_mark(fleet) == []
    await bucket.until_empty()
    assert await messages_left(fleet) == {"madang.work": 0, "madang.dead": 0}
    logs = [process.log for process in (*fleet.servers, *fleet.workers)]
    assert [log for log in logs if MARK in log.read_text()] == []


async def redis_with_the_mark(fleet: Fleet) -> list[bytes]:
    """Keys whose name or dump holds it."""
    async with Redis.from_url(fleet.redis.url) as redis:
        keys = [key async for key in redis.scan_iter()]
        assert keys, "somebody signed in, so something was counted"
        return [key for key in keys if MARK.encode() in key + (await redis.dump(key) or b"")]


async def messages_left(fleet: Fleet) -> dict[str, int | None]:
    async with await aio_pika.connect(fleet.broker_url) as connection, asyncio.timeout(60):
        channel, left = await connection.channel(), {}
        for name in ("madang.work", "madang.dead"):
            found = (await channel.declare_queue(name, passive=True)).declaration_result
            left[name] = found.message_count
        return left

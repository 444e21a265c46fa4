"""The table as a queue: who gets which job, and what becomes of jobs whose runner is gone. No runner of the server's
own is at work here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from uuid import UUID

import httpx2
import pytest
from tests.captions.jobs import CAPTIONS, follow, look_up, request, request_for, until_done
from tests.factories import SignedIn, make_user
from tests.media.uploads import ready_media

from madang.backends import Backends, open_backends
from madang.captions.handlers import forget_idempotency_keys, sweep_logs
from madang.captions.models import Caption
from madang.captions.queue_service import LEASE, LeaseLost
from madang.captions.runner import CaptionRunner, Reaper, build_queue
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.outbox.delivery import Delivery
from madang.outbox.events import HousekeepingDue
from madang.settings import Settings

MP4 = {"filename": "film.mp4", "content_type": "video/mp4"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"caption_workers": 0})


@pytest.fixture
async def nodes(settings: Settings, server: object) -> AsyncIterator[list[Backends]]:
    """Two sets of back ends on the server's data, as two workers have them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_backends(settings)) for _ in range(2)]


async def claim(backends: Backends, now: datetime | None = None) -> Caption | None:
    async with backends.database.unit() as session:
        return await build_queue(session, backends, lambda: now or utc_now()).claim(new_id())


async def test_no_two_runners_get_one_job(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes, nodes: list[Backends]
) -> None:
    media = await ready_media(client, person, film, **MP4)
    asked = {(await request_for(client, person, media["id"]))["id"] for _ in range(20)}

    async def take_all(backends: Backends) -> list[str]:
        taken = []
        while (job := await claim(backends)) is not None:
            taken.append(str(job.id))
        return taken

    shares = await asyncio.gather(*(take_all(node) for node in nodes * 3))
    assert sorted(job for share in shares for job in share) == sorted(asked)


async def test_two_runners_share_the_work(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes, nodes: list[Backends]
) -> None:
    jobs = [await request(client, person, film, **MP4) for _ in range(4)]

    async def work(backends: Backends) -> None:
        assert backends.captioner is not None
        runner = CaptionRunner(backends, backends.captioner)
        while await runner.run_next():
            pass

    await asyncio.gather(*(work(node) for node in nodes))
    for job in jobs:
        told = [entry async for entry in follow(client, person, job["id"])]
        assert told[-1].data["state"] == "succeeded"
        assert [entry.data["stage"] for entry in told].count("preparing") == 1


async def test_people_take_turns_and_short_files_go_first(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes, speech: bytes, nodes: list[Backends]
) -> None:
    other = await make_user(client)
    long = await request(client, person, speech)
    short = [await request(client, person, film, **MP4) for _ in range(2)]
    theirs = [await request(client, other, speech) for _ in range(2)]
    order = [await claim(nodes[0]) for _ in range(5)]
    expected = [short[0], theirs[0], short[1], theirs[1], long]
    assert [str(job.id) for job in order if job] == [job["id"] for job in expected]


async def test_job_of_a_lost_runner_comes_back_and_fails_the_third_time(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes, nodes: list[Backends]
) -> None:
    job = await request(client, person, film, **MP4)
    for loss in range(1, 4):
        later = utc_now() + timedelta(minutes=loss)
        assert await claim(nodes[0], later - 2 * LEASE) is not None
        assert await reap(nodes[0], later) == 1
    done = await until_done(client, person, job["id"])
    assert (done["state"], done["error"]["code"]) == ("failed", "recognition-crashed")
    assert await reap(nodes[0], utc_now() + timedelta(minutes=9)) == 0


async def reap(backends: Backends, now: datetime) -> int:
    return await Reaper(backends, lambda: now).reap()


async def test_runner_that_lost_its_lease_writes_nothing(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes, nodes: list[Backends]
) -> None:
    job = await request(client, person, film, **MP4)
    claimed = await claim(nodes[0])
    assert claimed is not None
    cancelled = await client.post(f"{CAPTIONS}/{job['id']}/cancel", headers=person.headers)
    for node in nodes:
        with pytest.raises(LeaseLost):
            await report(node, claimed)
        with pytest.raises(LeaseLost):
            await renew(node, claimed)
    assert await look_up(client, person, job["id"]) == cancelled.json()


async def report(backends: Backends, job: Caption) -> None:
    async with backends.database.unit() as session:
        await build_queue(session, backends, utc_now).report(job, "recognising", 50)


async def renew(backends: Backends, job: Caption) -> None:
    async with backends.database.unit() as session:
        await build_queue(session, backends, utc_now).renew(job)


async def test_stopping_runner_hands_its_job_back_at_once(
    client: httpx2.AsyncClient, person: SignedIn, speech: bytes, nodes: list[Backends]
) -> None:
    job = await request(client, person, speech)
    assert nodes[0].captioner is not None
    work = asyncio.create_task(CaptionRunner(nodes[0], nodes[0].captioner).run())
    async for told in follow(client, person, job["id"]):
        if told.data["stage"] == "recognising":
            break
    work.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(work, return_exceptions=True)
    back = await look_up(client, person, job["id"])
    assert (back["state"], back["stage"], back["error"]) == ("queued", None, None)
    again = await claim(nodes[1])
    assert again is not None
    assert (str(again.id), again.lost_runners) == (job["id"], 0)


async def test_progress_never_falls_when_a_job_starts_over(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes, nodes: list[Backends]
) -> None:
    job = await request(client, person, film, **MP4)
    first = await claim(nodes[0])
    assert first is not None
    await report(nodes[0], first)
    async with nodes[0].database.unit() as session:
        await build_queue(session, nodes[0], utc_now).hand_back(first)
    assert (await look_up(client, person, job["id"]))["progress"] == 50


async def test_housekeeping_forgets_logs_and_keys_but_not_results(
    client: httpx2.AsyncClient, person: SignedIn, film: bytes, nodes: list[Backends]
) -> None:
    job = await request(client, person, film, **MP4)
    assert nodes[0].captioner is not None
    await CaptionRunner(nodes[0], nodes[0].captioner).run_next()
    before = [entry async for entry in follow(client, person, job["id"])]
    await age(nodes[0], UUID(job["id"]))
    for sweep in (sweep_logs, forget_idempotency_keys):
        await sweep(HousekeepingDue(), Delivery(new_id(), utc_now(), nodes[0]))
    after = [entry async for entry in follow(client, person, job["id"])]
    assert len(before) > 1
    assert [(entry.event, entry.id) for entry in after] == [("done", before[-1].id)]


async def age(backends: Backends, caption_id: UUID) -> None:
    """As if the job had ended long ago."""
    async with backends.database.unit() as session:
        caption = await session.get_one(Caption, caption_id)
        assert caption.finished_at is not None
        caption.finished_at -= timedelta(days=365)

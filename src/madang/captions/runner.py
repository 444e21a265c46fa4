"""Runs caption jobs: claims one from the table, works under a lease without holding a transaction, writes the end."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress

import structlog

from madang.backends import Backends
from madang.backends.captioner.base import Captioner, Progress, RecognitionCrashed, RecognitionFailed
from madang.backends.storage.base import NotStored, StorageUnavailable
from madang.captions.document_service import document_of
from madang.captions.models import Caption
from madang.captions.progress_service import ProgressLog
from madang.captions.queue_repository import QueueRepository
from madang.captions.queue_service import LEASE, LeaseLost, QueueService
from madang.captions.repository import CaptionRepository
from madang.db.session import DatabaseUnavailable, Session
from madang.kit.clock import Clock, utc_now
from madang.kit.ids import new_id
from madang.kit.tasks import Bell, end, wait_for
from madang.outbox.publish import Outbox
from madang.speech.transcript import Transcript
from madang.subtitles.document import Document

log = structlog.get_logger("madang.captions")
REPORT_SECONDS = 0.5
_CHECK_SECONDS = 1.0
_RENEW_SECONDS = LEASE.total_seconds() / 3
_POLL_SECONDS = 2.0
_REAP_SECONDS = 5.0
_PROCESS = new_id()
runners = Bell()
Write = Callable[[QueueService], Awaitable[None]]


class CaptionRunner:
    """Works on one job at a time; a process may hold several runners."""

    def __init__(self, backends: Backends, captioner: Captioner, clock: Clock = utc_now) -> None:
        self._backends = backends
        self._captioner = captioner
        self._clock = clock
        self._wake = runners.listener()

    async def run(self) -> None:
        while True:
            self._wake.clear()
            if not await self.run_next():
                await wait_for(self._wake, _POLL_SECONDS)

    async def run_next(self) -> bool:
        """Claim a job and work on it until it has ended or is another's; whether there was one."""
        async with self._queue() as queue:
            job = await queue.claim(_PROCESS)
        if job is not None:
            await self._work(job)
        return job is not None

    async def _work(self, job: Caption) -> None:
        """Recognise while the lease is kept; whichever of the two ends first ends the other."""
        tasks = {asyncio.create_task(self._bring_to_end(job)), asyncio.create_task(self._keep_lease(job))}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _stop(tasks)
            await self._hand_back(job)
            raise
        finally:
            await _stop(tasks)

    async def _bring_to_end(self, job: Caption) -> None:
        """Run the job and write what became of it; a lost lease writes nothing."""
        try:
            await self._write(await self._outcome(job))
        except LeaseLost:
            log.info("caption job is no longer ours", caption=str(job.id))

    async def _outcome(self, job: Caption) -> Write:
        """Do the work; returns what to write of its end."""
        try:
            transcript = await self._recognise(job)
            document, content = await asyncio.to_thread(_document, transcript, job.profile)
            return lambda queue: queue.succeed(job, document, content)
        except RecognitionFailed as failure:
            reason, text = str(failure.values["reason"]), str(failure)
            return lambda queue: queue.fail(job, reason, text)
        except RecognitionCrashed as crash:
            code, text = crash.code, str(crash)
            return lambda queue: queue.lose(job, code, text)
        except NotStored:
            return lambda queue: queue.fail(job, "media-missing", "The file is stored no longer. Upload it again.")
        except StorageUnavailable:
            return lambda queue: queue.postpone(job)
        except LeaseLost:
            raise
        except Exception:
            log.exception("caption job broke off", caption=str(job.id))
            return lambda queue: queue.lose(job, "internal-error", "The server failed while it ran this job. Retry it.")

    async def _recognise(self, job: Caption) -> Transcript:
        throttle = _Throttle(REPORT_SECONDS)
        async with (
            self._backends.storage.local_copy(job.storage_key) as path,
            aclosing(self._captioner.caption(path, language=job.asked_language, engine=job.engine_name)) as steps,
        ):
            async for step in steps:
                if isinstance(step, Transcript):
                    return step
                if throttle.lets_through():
                    await self._report(job, step)
        raise RecognitionCrashed

    async def _report(self, job: Caption, step: Progress) -> None:
        with suppress(DatabaseUnavailable):
            async with self._queue() as queue:
                await queue.report(job, step.stage, int(step.fraction * 100))

    async def _keep_lease(self, job: Caption) -> None:
        """Look each second whether the lease is still ours and renew it in time; returns once it is not.

        A database that does not answer is waited for, but no longer than the lease lasts.
        """
        renewed = time.monotonic()
        while time.monotonic() - renewed < LEASE.total_seconds():
            await asyncio.sleep(_CHECK_SECONDS)
            is_due = time.monotonic() - renewed >= _RENEW_SECONDS
            try:
                await (self._renew(job) if is_due else self._check(job))
            except LeaseLost:
                return
            except DatabaseUnavailable:
                continue
            if is_due:
                renewed = time.monotonic()

    async def _renew(self, job: Caption) -> None:
        async with self._queue() as queue:
            await queue.renew(job)

    async def _check(self, job: Caption) -> None:
        async with self._backends.database.read_unit() as session:
            await self._queue_in(session).check(job)

    async def _hand_back(self, job: Caption) -> None:
        with suppress(LeaseLost):
            async with self._queue() as queue:
                await queue.hand_back(job)

    async def _write(self, write: Write) -> None:
        """Write the end of a job. Work of an hour must not be lost to a database that restarts: the lease task, which
        stops this one, decides how long to try."""
        while True:
            try:
                async with self._queue() as queue:
                    return await write(queue)
            except DatabaseUnavailable:
                await asyncio.sleep(_CHECK_SECONDS)

    @asynccontextmanager
    async def _queue(self) -> AsyncIterator[QueueService]:
        async with self._backends.database.unit() as session:
            yield self._queue_in(session)

    def _queue_in(self, session: Session) -> QueueService:
        return build_queue(session, self._backends, self._clock)


class Reaper:
    """Puts back the jobs that lost their runner; on SQLite, which serves one process, a former one's at once."""

    def __init__(self, backends: Backends, clock: Clock = utc_now) -> None:
        self._backends = backends
        self._clock = clock

    async def run(self) -> None:
        while True:
            if await self.reap():
                runners.ring()
            await asyncio.sleep(_REAP_SECONDS)

    async def reap(self) -> int:
        """Returns how many jobs had lost their runner."""
        database = self._backends.database
        async with database.unit() as session:
            queue = build_queue(session, self._backends, self._clock)
            return await queue.reap(None if database.is_postgresql else _PROCESS)


class _Throttle:
    """Lets one through per interval."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = float("-inf")

    def lets_through(self) -> bool:
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True


def build_queue(session: Session, backends: Backends, clock: Clock) -> QueueService:
    progress = ProgressLog(session, backends.cache, Outbox(session, clock), clock)
    return QueueService(QueueRepository(session), CaptionRepository(session), progress, clock)


def _document(transcript: Transcript, profile: str | None) -> tuple[Document, str]:
    document = document_of(transcript, profile)
    return document, document.model_dump_json()


async def _stop(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel and wait: a recogniser is gone before its job is another's."""
    for result in await end(*tasks):
        if isinstance(result, Exception):
            log.error("caption runner failed", error=repr(result))

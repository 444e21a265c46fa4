"""The rules of the queue, within one unit of work: who works on a job, and how it ends.

queued ─claim→ running ─┬─ succeed → succeeded          A lost runner (crash of its process or of the recogniser)
   ↑                    ├─ fail ───→ failed             puts the job back, the third time it fails. A graceful stop
   └── hand back, lose ─┘                               hands it back without counting, as does a storage that is away.
"""

from datetime import timedelta
from uuid import UUID

from madang.captions.models import FAILED, QUEUED, SUCCEEDED, Caption
from madang.captions.progress_service import ProgressLog
from madang.captions.queue_repository import QueueRepository
from madang.captions.repository import CaptionRepository
from madang.captions.service import settings_key
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.subtitles.document import Document

LEASE = timedelta(seconds=15)
MOST_LOST_RUNNERS = 3
STORAGE_PAUSE = timedelta(seconds=5)
_ALMOST_DONE = 99


class LeaseLost(Exception):
    """The job is no longer this runner's: it was cancelled, deleted, or given to another."""


class QueueService:
    def __init__(
        self, queue: QueueRepository, captions: CaptionRepository, progress: ProgressLog, clock: Clock
    ) -> None:
        self._queue = queue
        self._captions = captions
        self._progress = progress
        self._clock = clock

    async def claim(self, process_id: UUID) -> Caption | None:
        """The next job, now under this runner's lease; None when nothing waits."""
        caption = await self._queue.claim(self._clock(), LEASE, new_id(), process_id)
        if caption is not None:
            caption.stage = "preparing"
            await self._progress.tell(caption)
        return caption

    async def renew(self, job: Caption) -> None:
        if not await self._queue.renew(job.id, _lease(job), self._clock() + LEASE):
            raise LeaseLost

    async def check(self, job: Caption) -> None:
        if not await self._queue.is_held(job.id, _lease(job)):
            raise LeaseLost

    async def report(self, job: Caption, stage: str, percent: int) -> None:
        """Progress never falls, not even when the job starts over after a lost runner; 100 is for the end."""
        caption = await self._held(job)
        percent = max(caption.progress, min(percent, _ALMOST_DONE))
        if (caption.stage, caption.progress) != (stage, percent):
            caption.stage, caption.progress = stage, percent
            await self._progress.tell(caption)

    async def succeed(self, job: Caption, document: Document, content: str) -> None:
        caption = await self._held(job)
        engine = document.engine
        caption.engine_name, caption.engine_version = engine.name, engine.version
        caption.engine_model = engine.model or ""
        caption.settings_key = settings_key(caption)
        caption.language = document.language or caption.language
        caption.reason, caption.progress = document.reason, 100
        await self._captions.add_document(caption.id, content)
        await self._progress.end(caption, SUCCEEDED)

    async def fail(self, job: Caption, code: str, detail: str) -> None:
        await self._fail(await self._held(job), code, detail)

    async def lose(self, job: Caption, code: str, detail: str) -> None:
        """The work broke off through no fault that is known of the file."""
        await self._lose(await self._held(job), code, detail)

    async def hand_back(self, job: Caption) -> None:
        """This runner stops; another may go on at once."""
        await self._put_back(await self._held(job))

    async def postpone(self, job: Caption) -> None:
        """The file can't be had at the moment: another try soon, as often as it takes."""
        await self._put_back(await self._held(job), STORAGE_PAUSE)

    async def reap(self, only_process: UUID | None) -> int:
        """Put back what lost its runner; returns how many jobs that were."""
        abandoned = await self._queue.abandoned(self._clock(), only_process)
        for caption in abandoned:
            await self._lose(caption, "recognition-crashed", "The server stopped three times while it ran. Retry it.")
        return len(abandoned)

    async def _held(self, job: Caption) -> Caption:
        caption = await self._queue.held(job.id, _lease(job))
        if caption is None:
            raise LeaseLost
        return caption

    async def _lose(self, caption: Caption, code: str, detail: str) -> None:
        caption.lost_runners += 1
        if caption.lost_runners >= MOST_LOST_RUNNERS:
            await self._fail(caption, code, detail)
        else:
            await self._put_back(caption, timedelta(seconds=caption.lost_runners))

    async def _put_back(self, caption: Caption, delay: timedelta = timedelta()) -> None:
        caption.state, caption.stage, caption.due_at = QUEUED, None, self._clock() + delay
        caption.lease_id = caption.lease_until = None
        await self._progress.tell(caption)

    async def _fail(self, caption: Caption, code: str, detail: str) -> None:
        caption.error_code, caption.error_detail = code, detail
        await self._progress.end(caption, FAILED)


def _lease(job: Caption) -> UUID:
    assert job.lease_id is not None  # noqa: S101 - a claimed job has one
    return job.lease_id

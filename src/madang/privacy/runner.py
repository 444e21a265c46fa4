"""Makes the archives that were asked for, one at a time, under a lease without holding a transaction."""

import asyncio
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import structlog

from madang.backends import Backends
from madang.backends.storage.base import StorageUnavailable
from madang.kit.clock import Clock, utc_now
from madang.kit.ids import new_id
from madang.kit.tasks import Bell, end, wait_for
from madang.outbox.publish import Outbox
from madang.privacy.archive_service import ArchiveService
from madang.privacy.models import FAILED, QUEUED, DataExport, storage_key
from madang.privacy.repository import BelongingsRepository, ExportRepository
from madang.privacy.service import KEPT
from madang.sessions.events import NoticeDue

log = structlog.get_logger("madang.privacy")
LEASE = timedelta(seconds=60)
_RENEW_SECONDS = 15.0
_POLL_SECONDS = 5.0
_MAX_ATTEMPTS = 3
runners = Bell()


class LeaseLost(Exception):
    """Somebody else has the job, or the export is gone with its account."""


class ExportRunner:
    def __init__(self, backends: Backends, clock: Clock = utc_now) -> None:
        self._backends = backends
        self._clock = clock
        self._wake = runners.listener()
        self._renewed_at = 0.0

    async def run(self) -> None:
        while True:
            self._wake.clear()
            if not await self.run_next():
                await wait_for(self._wake, _POLL_SECONDS)

    async def run_next(self) -> bool:
        """Whether there was a job, and another may be looked for at once."""
        now = self._clock()
        async with self._backends.database.unit() as session:
            export = await ExportRepository(session).claim(now, now + LEASE)
        if export is None:
            return False
        try:
            await self._while_held(export, asyncio.create_task(self._make(export)))
        except LeaseLost:
            log.info("export lost", export=str(export.id))
        except asyncio.CancelledError:
            await self._give_up(export, QUEUED)
            raise
        except StorageUnavailable:  # no fault of the export, so it waits for the next look, as often as it takes
            await self._give_up(export, QUEUED)
            return False
        except Exception:
            log.exception("export failed", export=str(export.id), attempts=export.attempts)
            await self._give_up(export, FAILED if export.attempts >= _MAX_ATTEMPTS else QUEUED)
        return True

    async def _make(self, export: DataExport) -> None:
        backends = self._backends
        with tempfile.TemporaryDirectory(prefix="madang-export-") as folder:
            target = Path(folder) / "archive.zip"
            belongings = BelongingsRepository(backends.database, export.account_id)

            async def keep_hold() -> None:
                await self._keep_hold(export)

            await ArchiveService(belongings, backends.storage, self._clock, keep_hold).write(export, target)
            size = target.stat().st_size
            await backends.storage.put(storage_key(export.id), target)
        async with backends.database.unit() as session:
            if not await ExportRepository(session).finish(export, size, self._clock() + KEPT):
                raise LeaseLost
            notice = NoticeDue(notice="export_ready", account_id=export.account_id)
            Outbox(session, self._clock).publish(notice, key=new_id())

    async def _while_held(self, export: DataExport, work: asyncio.Task[None]) -> None:
        """Renew the lease beside the work, since a bucket may take minutes for one file; once lost, end the work."""
        try:
            while not (await asyncio.wait({work}, timeout=_RENEW_SECONDS))[0]:
                await self._keep_hold(export)
            await work
        finally:
            await end(work)

    async def _keep_hold(self, export: DataExport) -> None:
        if time.monotonic() - self._renewed_at < _RENEW_SECONDS:
            return
        self._renewed_at = time.monotonic()
        async with self._backends.database.unit() as session:
            if not await ExportRepository(session).renew(export, self._clock() + LEASE):
                raise LeaseLost

    async def _give_up(self, export: DataExport, state: str) -> None:
        until = self._clock() + KEPT if state == FAILED else None
        async with self._backends.database.unit() as session:
            await ExportRepository(session).give_up(export, state, until)

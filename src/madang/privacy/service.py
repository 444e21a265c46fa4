"""The rules of exports: who may have one, and how often."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from madang.backends.storage.base import SignedRequest, Storage
from madang.db.session import Database, Session
from madang.kit.clock import Clock
from madang.outbox.publish import Outbox
from madang.privacy.errors import ExportNotFound, TooManyExports
from madang.privacy.events import ExportRequested
from madang.privacy.models import QUEUED, READY, DataExport, storage_key
from madang.privacy.repository import ExportRepository

A_DAY = 3
KEPT = timedelta(hours=24)


class ExportService:
    """Takes the database rather than a unit: links are signed outside any."""

    def __init__(self, database: Database, storage: Storage, clock: Clock) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock

    async def request(self, account_id: UUID, *, includes_media: bool) -> DataExport:
        """Raises `ExportRunning` while one is being made, `TooManyExports` after three in a day."""
        now = self._clock()
        async with self._database.unit() as session:
            exports = ExportRepository(session)
            export = DataExport(account_id=account_id, includes_media=includes_media, state=QUEUED, created_at=now)
            await exports.add(export)
            if await exports.count_since(account_id, now - KEPT) > A_DAY:
                raise TooManyExports(retry_after=3600, limit=A_DAY)
            self._tell(session, export)
        return export

    async def of(self, account_id: UUID) -> Sequence[DataExport]:
        async with self._database.read_unit() as session:
            return await ExportRepository(session).of(account_id)

    async def get(self, account_id: UUID, export_id: UUID) -> tuple[DataExport, SignedRequest | None]:
        """The export, and where its archive is while it is there. Raises `ExportNotFound`, for other people's too."""
        async with self._database.read_unit() as session:
            export = await ExportRepository(session).get_own(account_id, export_id)
        if export is None:
            raise ExportNotFound
        left = export.expires_at - self._clock() if export.expires_at else timedelta(0)
        if export.state != READY or left <= timedelta(0):
            return export, None
        name = f"madang-{export.created_at:%Y-%m-%d}.zip"
        link = await self._storage.download(
            storage_key(export.id), name, "application/zip", attachment=True, expires_in=left
        )
        return export, link

    def _tell(self, session: Session, export: DataExport) -> None:
        fact = ExportRequested(export_id=export.id, account_id=export.account_id)
        Outbox(session, self._clock).publish(fact, key=export.account_id)

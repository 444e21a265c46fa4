"""Use cases that need the storage beside the database: no unit of work is open while the storage works."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from madang.backends.storage.base import SignedRequest, Storage, StoredPart, UploadOver
from madang.db.session import Database, Session
from madang.kit.clock import Clock
from madang.kit.media_types import opens_in_page
from madang.media.errors import NoSuchPart, UploadClosed
from madang.media.models import PENDING, Media, media_of
from madang.media.schemas import PARTS_PER_ANSWER, NewMedia, PartUpload
from madang.media.service import MediaService, ready

BuildMedia = Callable[[Session], MediaService]


@dataclass(frozen=True, slots=True)
class Upload:
    """A media row and where its parts may be sent until `expires_at`."""

    media: Media
    parts: list[PartUpload]
    expires_at: datetime


class UploadService:
    def __init__(
        self, database: Database, storage: Storage, build_media: BuildMedia, link_ttl: timedelta, clock: Clock
    ) -> None:
        self._database = database
        self._storage = storage
        self._build_media = build_media
        self._link_ttl = link_ttl
        self._clock = clock

    async def announce(self, account_id: UUID, new: NewMedia, idempotency_key: str | None) -> Upload:
        async with self._database.unit() as session:
            media = await self._build_media(session).announce(account_id, new, idempotency_key)
        numbers = range(1, min(media.part_count, PARTS_PER_ANSWER) + 1)
        try:
            return await self._sign(media, numbers if media.state == PENDING else ())
        except UploadOver:  # announced once more under its key, while or after it was completed
            return await self._sign(media, ())

    async def more_parts(self, account_id: UUID, media_id: UUID, numbers: Sequence[int]) -> Upload:
        """Fresh links, for parts further on or whose link has expired."""
        media = await self._owned_by(account_id, media_id)
        if media.state != PENDING:
            raise UploadClosed
        for number in numbers:
            if number > media.part_count:
                raise NoSuchPart(number=number, count=media.part_count)
        try:
            return await self._sign(media, numbers)
        except UploadOver:
            raise UploadClosed from None

    async def look_up(self, account_id: UUID, media_id: UUID) -> tuple[Media, list[StoredPart]]:
        """One's own media and the parts that have arrived, which tells an interrupted client where to go on."""
        media = await self._owned_by(account_id, media_id)
        arrived = await self._storage.uploaded_parts(media.key) if media.state == PENDING else []
        return media, arrived

    async def download(self, account_id: UUID, media_id: UUID) -> SignedRequest:
        media = ready(await self._owned_by(account_id, media_id))
        return await self._storage.download(
            media.key,
            media.filename,
            media.content_type,
            attachment=not opens_in_page(media.content_type),
            expires_in=self._link_ttl,
        )

    async def check_open(self, key: str) -> None:
        """Raise `UploadClosed` when the media of a storage key takes no more parts, however long its links live."""
        media_id = media_of(key)
        if media_id is None:
            return
        async with self._database.read_unit() as session:
            if not await self._build_media(session).is_pending(media_id):
                raise UploadClosed

    async def _owned_by(self, account_id: UUID, media_id: UUID) -> Media:
        async with self._database.read_unit() as session:
            return await self._build_media(session).owned_by(account_id, media_id)

    async def _sign(self, media: Media, numbers: Sequence[int]) -> Upload:
        expires_at = self._clock() + self._link_ttl
        if not numbers:
            return Upload(media, [], expires_at)
        bounds = {number: media.part_bounds(number) for number in numbers}
        sizes = {number: size for number, (_, size) in bounds.items()}
        signed = await self._storage.upload_parts(media.key, sizes, media.content_type, self._link_ttl)
        return Upload(media, [_part(number, bounds[number], signed[number]) for number in numbers], expires_at)


def _part(number: int, bounds: tuple[int, int], signed: SignedRequest) -> PartUpload:
    offset, size = bounds
    return PartUpload(
        part_number=number, method=signed.method, url=signed.url, headers=signed.headers, offset=offset, size=size
    )

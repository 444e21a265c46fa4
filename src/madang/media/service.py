"""The rules of media, within one unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from madang.kit.clock import Clock
from madang.kit.idempotency import IdempotencyKeyReused, fingerprint
from madang.kit.media_types import is_sound_or_film
from madang.media.errors import REJECTIONS, MediaNotFound, MediaNotReady, NotMedia, UploadTooLarge
from madang.media.events import MediaDeleted, MediaReady, MediaRejected
from madang.media.models import PENDING, READY, REJECTED, Media
from madang.media.repository import MediaRepository
from madang.media.schemas import MAX_PARTS, NewMedia
from madang.outbox.publish import Outbox

SINGLE_PART = 64 << 20
PART = 16 << 20
_LARGEST = MAX_PARTS * SINGLE_PART


@dataclass(frozen=True, slots=True)
class Verdict:
    """What reading a complete file showed; a `reason` refuses it."""

    content_type: str | None
    sha256: str
    reason: str | None = None


class MediaService:
    def __init__(self, media: MediaRepository, outbox: Outbox, clock: Clock, largest: int) -> None:
        self._media = media
        self._outbox = outbox
        self._clock = clock
        self._largest = min(largest, _LARGEST)

    async def announce(self, account_id: UUID, new: NewMedia, idempotency_key: str | None) -> Media:
        """A pending row for a file to come; the same key with the same body gives the row it gave before."""
        if new.size > self._largest:
            raise UploadTooLarge(limit=self._largest, size=new.size)
        if not is_sound_or_film(new.content_type):
            raise NotMedia
        announced = self._announced(account_id, new, idempotency_key)
        if await self._media.add(announced) or idempotency_key is None:
            return announced
        earlier = await self._media.by_idempotency_key(account_id, idempotency_key)
        if earlier is None or earlier.request_hash != announced.request_hash:
            raise IdempotencyKeyReused
        return earlier

    async def owned_by(self, account_id: UUID, media_id: UUID) -> Media:
        """Raises `MediaNotFound`, for other people's media too."""
        media = await self._media.get(media_id)
        if media is None or media.account_id != account_id:
            raise MediaNotFound
        return media

    async def require_ready(self, account_id: UUID, media_id: UUID) -> Media:
        """One's own complete media; raises `MediaNotFound`, `MediaNotReady`, or the problem it was refused with."""
        return ready(await self.owned_by(account_id, media_id))

    async def list_of(self, account_id: UUID, after: UUID | None, limit: int) -> Sequence[Media]:
        return await self._media.of(account_id, after, limit)

    async def is_pending(self, media_id: UUID) -> bool:
        media = await self._media.get(media_id)
        return media is not None and media.state == PENDING

    async def settle(self, media_id: UUID, verdict: Verdict) -> Media | None:
        """Ready or rejected, once; a second verdict changes nothing. None when the media is gone."""
        state = READY if verdict.reason is None else REJECTED
        values = {"state": state, "reason": verdict.reason, "sha256": verdict.sha256}
        if verdict.content_type is not None:
            values["content_type"] = verdict.content_type
        settled = await self._media.settle(media_id, values)
        if settled is None:
            return await self._media.get(media_id)
        self._tell(settled)
        return settled

    async def delete(self, account_id: UUID, media_id: UUID) -> None:
        if not await self._media.delete(account_id, media_id):
            raise MediaNotFound
        self._outbox.publish(MediaDeleted(media_id=media_id, account_id=account_id), key=media_id)

    async def sweep_unfinished(self, before: datetime, limit: int) -> int:
        """Delete a batch of uploads that were never finished; their parts follow by the event."""
        gone = await self._media.delete_unfinished(before, limit)
        for media_id, account_id in gone:
            self._outbox.publish(MediaDeleted(media_id=media_id, account_id=account_id), key=media_id)
        return len(gone)

    async def forget_keys(self, before: datetime) -> None:
        await self._media.forget_keys(before)

    def _announced(self, account_id: UUID, new: NewMedia, idempotency_key: str | None) -> Media:
        return Media(
            account_id=account_id,
            filename=new.filename,
            content_type=new.content_type,
            size=new.size,
            part_size=part_size(new.size),
            announced_sha256=new.sha256,
            idempotency_key=idempotency_key,
            request_hash=None if idempotency_key is None else fingerprint(new),
            created_at=self._clock(),
        )

    def _tell(self, media: Media) -> None:
        ids = {"media_id": media.id, "account_id": media.account_id}
        fact = MediaReady(**ids) if media.reason is None else MediaRejected(**ids, reason=media.reason)
        self._outbox.publish(fact, key=media.id)


def part_size(size: int) -> int:
    """One part up to 64 MiB; above, parts of 16 MiB, larger only where more than 10,000 would be needed."""
    return size if size <= SINGLE_PART else max(PART, -(-size // MAX_PARTS))


def ready(media: Media) -> Media:
    """The media itself when it is complete and accepted; raises `MediaNotReady`, or what it was refused with."""
    if media.state == PENDING:
        raise MediaNotReady
    if media.reason is not None:
        raise REJECTIONS[media.reason]
    return media

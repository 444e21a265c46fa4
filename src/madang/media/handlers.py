"""Files that are no longer wanted, and house-keeping of uploads that were never finished."""

from madang.kit.event import Event
from madang.media.deps import build_media
from madang.media.events import MediaDeleted, MediaRejected
from madang.media.models import STORAGE_FOLDER, storage_key
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.sweeping import sweep

SWEEP_BATCH = 100


async def remove_file(event: Event, delivery: Delivery) -> None:
    """Removing what is gone already changes nothing, so a second delivery is harmless."""
    assert isinstance(event, MediaDeleted | MediaRejected)  # noqa: S101 - registered for these alone
    await delivery.backends.storage.delete(storage_key(event.media_id))


async def sweep_unfinished_uploads(_event: Event, delivery: Delivery) -> None:
    """Rows first; the storage is then asked for what has none, such as a link signed while its media was deleted."""
    before = delivery.before(delivery.backends.retention.unfinished_uploads)
    await sweep(delivery.backends.database, lambda session: build_media(session).sweep_unfinished(before, SWEEP_BATCH))
    await delivery.backends.storage.sweep(STORAGE_FOLDER, before)


async def forget_idempotency_keys(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(delivery.backends.retention.idempotency_keys)
    async with delivery.backends.database.unit() as session:
        await build_media(session).forget_keys(before)


handlers: Handlers = {
    MediaDeleted: [remove_file],
    MediaRejected: [remove_file],
    HousekeepingDue: [sweep_unfinished_uploads, forget_idempotency_keys],
}

"""What captions do when something happened: wake the runners, follow the media, keep house."""

from madang.captions.events import CaptionRequested
from madang.captions.repository import CaptionRepository
from madang.captions.runner import runners
from madang.kit.event import Event
from madang.media.events import MediaDeleted
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.sweeping import sweep

SWEEP_BATCH = 100


async def wake(_event: Event, _delivery: Delivery) -> None:
    """Only this: the table is the queue, and a runner finds the job there whether it is woken or not."""
    runners.ring()


async def delete_of_deleted_media(event: Event, delivery: Delivery) -> None:
    """Captions say what was said in the file, so they go with it; a runner at work on one loses its lease."""
    assert isinstance(event, MediaDeleted)  # noqa: S101 - registered for this event alone
    async with delivery.backends.database.unit() as session:
        await CaptionRepository(session).delete_of_media(event.media_id)


async def sweep_logs(_event: Event, delivery: Delivery) -> None:
    """Nobody follows a job that ended long ago; what it came to is in its own row."""
    before = delivery.before(delivery.backends.retention.run_logs)
    await sweep(
        delivery.backends.database, lambda session: CaptionRepository(session).delete_progress(before, SWEEP_BATCH)
    )


async def forget_idempotency_keys(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(delivery.backends.retention.idempotency_keys)
    async with delivery.backends.database.unit() as session:
        await CaptionRepository(session).forget_keys(before)


handlers: Handlers = {
    CaptionRequested: [wake],
    MediaDeleted: [delete_of_deleted_media],
    HousekeepingDue: [sweep_logs, forget_idempotency_keys],
}

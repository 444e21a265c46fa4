"""House-keeping of the outbox's own rows."""

from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.repository import OutboxRepository
from madang.outbox.sweeping import sweep

SWEEP_BATCH = 1000


async def sweep_sent_events(_event: Event, delivery: Delivery) -> None:
    """Sent events, and the marks of what has handled them."""
    before = delivery.before(delivery.backends.retention.sent_events)
    database = delivery.backends.database
    await sweep(database, lambda session: OutboxRepository(session).delete_sent(before, SWEEP_BATCH))
    async with database.unit() as session:
        await OutboxRepository(session).delete_handled(before)


handlers: Handlers = {HousekeepingDue: [sweep_sent_events]}

"""House-keeping of the outbox's own rows."""

from datetime import timedelta

from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.repository import OutboxRepository

SWEEP_BATCH = 1000


async def sweep_sent_events(_event: Event, delivery: Delivery) -> None:
    """Delete sent events in batches of their own transactions, so that no lock is held for long."""
    before = utc_now() - timedelta(days=delivery.backends.retention.sent_events)
    while True:
        async with delivery.backends.database.unit() as session:
            deleted = await OutboxRepository(session).delete_sent(before, SWEEP_BATCH)
        if deleted < SWEEP_BATCH:
            break
    async with delivery.backends.database.unit() as session:
        await OutboxRepository(session).delete_handled(before)


handlers: Handlers = {HousekeepingDue: [sweep_sent_events]}

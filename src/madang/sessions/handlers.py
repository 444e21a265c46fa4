"""House-keeping of sessions."""

from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.sweeping import sweep
from madang.sessions.repository import SessionRepository

SWEEP_BATCH = 1000


async def sweep_ended_sessions(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(delivery.backends.retention.ended_sessions)
    await sweep(delivery.backends.database, lambda session: SessionRepository(session).delete_over(before, SWEEP_BATCH))


handlers: Handlers = {HousekeepingDue: [sweep_ended_sessions]}

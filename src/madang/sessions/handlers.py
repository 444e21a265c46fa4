"""House-keeping of sessions."""

from datetime import timedelta

from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.sessions.repository import SessionRepository

SWEEP_BATCH = 1000


async def sweep_ended_sessions(_event: Event, delivery: Delivery) -> None:
    before = utc_now() - timedelta(days=delivery.backends.retention.ended_sessions)
    while True:
        async with delivery.backends.database.unit() as session:
            deleted = await SessionRepository(session).delete_over(before, SWEEP_BATCH)
        if deleted < SWEEP_BATCH:
            return


handlers: Handlers = {HousekeepingDue: [sweep_ended_sessions]}

"""House-keeping of chat."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from madang.chat.repository import ChatRepository
from madang.chat.run_repository import RunRepository
from madang.db.session import Database, Session
from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue

SWEEP_BATCH = 1000


async def sweep_run_logs(_event: Event, delivery: Delivery) -> None:
    before = utc_now() - timedelta(days=delivery.backends.retention.run_logs)
    await _sweep(delivery.backends.database, lambda session: RunRepository(session).delete_pieces(before, SWEEP_BATCH))


async def forget_idempotency_keys(_event: Event, delivery: Delivery) -> None:
    before = utc_now() - timedelta(days=delivery.backends.retention.idempotency_keys)
    await _sweep(
        delivery.backends.database,
        lambda session: ChatRepository(session).forget_idempotency_keys(before, SWEEP_BATCH),
    )


async def _sweep(database: Database, batch: Callable[[Session], Awaitable[int]]) -> None:
    """In batches of their own units, so that no lock is held for long."""
    while True:
        async with database.unit() as session:
            swept = await batch(session)
        if swept < SWEEP_BATCH:
            return


handlers: Handlers = {HousekeepingDue: [sweep_run_logs, forget_idempotency_keys]}

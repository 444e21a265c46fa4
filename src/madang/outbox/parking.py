"""For the operator: events that were given up after their last try, and sending them again."""

from collections.abc import Sequence
from uuid import UUID

from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.outbox.models import OutboxEvent
from madang.outbox.publish import WAKE_CHANNEL
from madang.outbox.repository import OutboxRepository


async def parked(database: Database, limit: int, after: UUID | None = None) -> Sequence[OutboxEvent]:
    """The oldest parked events, or the oldest after one of them."""
    async with database.read_unit() as session:
        return await OutboxRepository(session).parked(limit, after)


async def replay(database: Database, event_ids: Sequence[UUID] | None) -> int:
    """Send these parked events again, or all of them, with all their tries before them; how many there were."""
    async with database.unit() as session:
        count = await OutboxRepository(session).unpark(event_ids, utc_now())
    await database.notify(WAKE_CHANNEL)
    return count

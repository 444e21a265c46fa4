"""House-keeping of factors."""

from madang.factors.passkey_repository import PasskeyRepository
from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.sweeping import sweep

SWEEP_BATCH = 1000


async def sweep_unanswered_challenges(_event: Event, delivery: Delivery) -> None:
    now = utc_now()
    await sweep(
        delivery.backends.database, lambda session: PasskeyRepository(session).delete_challenges(now, SWEEP_BATCH)
    )


handlers: Handlers = {HousekeepingDue: [sweep_unanswered_challenges]}

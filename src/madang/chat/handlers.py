"""House-keeping of chat."""

from madang.chat.quota_repository import QuotaRepository
from madang.chat.repository import ChatRepository
from madang.chat.run_repository import RunRepository
from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.sweeping import sweep

SWEEP_BATCH = 1000
_LONGEST_PERIOD_DAYS = 40


async def sweep_run_logs(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(delivery.backends.retention.run_logs)
    await sweep(delivery.backends.database, lambda session: RunRepository(session).delete_pieces(before, SWEEP_BATCH))


async def forget_idempotency_keys(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(delivery.backends.retention.idempotency_keys)
    await sweep(
        delivery.backends.database,
        lambda session: ChatRepository(session).forget_idempotency_keys(before, SWEEP_BATCH),
    )


async def erase_temporary_conversations(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(delivery.backends.retention.temporary_chats)
    await sweep(
        delivery.backends.database, lambda session: ChatRepository(session).delete_temporary(before, SWEEP_BATCH)
    )


async def sweep_spending(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(_LONGEST_PERIOD_DAYS)
    await sweep(
        delivery.backends.database, lambda session: QuotaRepository(session).delete_spending(before, SWEEP_BATCH)
    )


handlers: Handlers = {
    HousekeepingDue: [sweep_run_logs, forget_idempotency_keys, erase_temporary_conversations, sweep_spending]
}

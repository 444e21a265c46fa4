"""House-keeping of sessions."""

from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.sweeping import sweep
from madang.sessions.budget_repository import BudgetRepository
from madang.sessions.budget_service import MILLISECONDS
from madang.sessions.proof_repository import ProofRepository
from madang.sessions.repository import SessionRepository

SWEEP_BATCH = 1000


async def sweep_ended_sessions(_event: Event, delivery: Delivery) -> None:
    before = delivery.before(delivery.backends.retention.ended_sessions)
    await sweep(delivery.backends.database, lambda session: SessionRepository(session).delete_over(before, SWEEP_BATCH))


async def sweep_whole_budgets(_event: Event, delivery: Delivery) -> None:
    now = round(utc_now().timestamp() * MILLISECONDS)
    await sweep(delivery.backends.database, lambda session: BudgetRepository(session).delete_full(now, SWEEP_BATCH))


async def sweep_unanswered_challenges(_event: Event, delivery: Delivery) -> None:
    now = utc_now()
    await sweep(
        delivery.backends.database, lambda session: SessionRepository(session).delete_challenges(now, SWEEP_BATCH)
    )


async def sweep_old_proofs(_event: Event, delivery: Delivery) -> None:
    """A day after they were made: the former owner of an address has been told by then."""
    before = delivery.before(1)
    await sweep(delivery.backends.database, lambda session: ProofRepository(session).delete_old(before, SWEEP_BATCH))


handlers: Handlers = {
    HousekeepingDue: [sweep_ended_sessions, sweep_unanswered_challenges, sweep_whole_budgets, sweep_old_proofs]
}

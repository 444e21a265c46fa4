"""House-keeping of sessions."""

from datetime import datetime
from functools import partial

from madang.db.session import Session
from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.outbox.delivery import Delivery, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.publish import Outbox
from madang.outbox.sweeping import sweep
from madang.sessions.budget_repository import BudgetRepository
from madang.sessions.budget_service import MILLISECONDS
from madang.sessions.events import SessionEnded
from madang.sessions.key_repository import KeyRepository
from madang.sessions.proof_repository import ProofRepository
from madang.sessions.proof_service import INVITE, LINK_TTL, RESET, VERIFY
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
    """A day after they were made: the former owner of an address has been told by then. Invitations live longer."""
    for purposes, days in (((VERIFY, RESET), 1), ((INVITE,), LINK_TTL[INVITE].days + 1)):
        delete = partial(_delete_proofs, purposes=purposes, before=delivery.before(days))
        await sweep(delivery.backends.database, delete)


async def _delete_proofs(session: Session, purposes: tuple[str, ...], before: datetime) -> int:
    return await ProofRepository(session).delete_old(purposes, before, SWEEP_BATCH)


async def end_expired_impersonations(_event: Event, delivery: Delivery) -> None:
    """So that the trail tells of their end, too, when nobody signed out of them."""
    async with delivery.backends.database.unit() as session:
        outbox = Outbox(session)
        for ended in await SessionRepository(session).end_expired_impersonations(utc_now()):
            fact = SessionEnded(session_id=ended.id, account_id=ended.account_id, reason="expired")
            outbox.publish(fact, key=ended.account_id)


async def sweep_retired_keys(_event: Event, delivery: Delivery) -> None:
    async with delivery.backends.database.unit() as session:
        await KeyRepository(session).delete_retired(utc_now())


handlers: Handlers = {
    HousekeepingDue: [
        sweep_ended_sessions,
        sweep_unanswered_challenges,
        sweep_whole_budgets,
        sweep_old_proofs,
        sweep_retired_keys,
        end_expired_impersonations,
    ]
}

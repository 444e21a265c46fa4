"""SQL of the queue: the `captions` table as runners see it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CTE, ScalarSelect, func, or_, select, update
from sqlalchemy.orm import aliased

from madang.captions.models import QUEUED, RUNNING, Caption
from madang.db.session import Session


class QueueRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def claim(self, now: datetime, lease: timedelta, lease_id: UUID, process_id: UUID) -> Caption | None:
        """Take the next job under a lease; None when nothing waits. No two runners ever get the same one."""
        return await self._session.scalar(
            update(Caption)
            .where(Caption.id == _next(now), Caption.state == QUEUED)
            .values(state=RUNNING, lease_id=lease_id, lease_until=now + lease, process_id=process_id, started_at=now)
            .returning(Caption)
        )

    async def is_held(self, caption_id: UUID, lease_id: UUID) -> bool:
        held = select(Caption.id).where(Caption.id == caption_id, Caption.lease_id == lease_id)
        return await self._session.scalar(held) is not None

    async def renew(self, caption_id: UUID, lease_id: UUID, until: datetime) -> bool:
        """Whether the lease is still held, and now until then."""
        renewed = await self._session.scalar(
            update(Caption)
            .where(Caption.id == caption_id, Caption.lease_id == lease_id)
            .values(lease_until=until)
            .returning(Caption.id)
        )
        return renewed is not None

    async def held(self, caption_id: UUID, lease_id: UUID) -> Caption | None:
        """The job, locked, if the lease is still held."""
        statement = select(Caption).where(Caption.id == caption_id, Caption.lease_id == lease_id)
        return await self._session.scalar(statement.with_for_update())

    async def abandoned(self, now: datetime, only_process: UUID | None) -> Sequence[Caption]:
        """Running jobs, locked, whose lease ran out; where one process is all there is, those of former ones too."""
        run_out = Caption.lease_until < now
        lost = run_out if only_process is None else or_(run_out, Caption.process_id != only_process)
        statement = select(Caption).where(Caption.state == RUNNING, lost).with_for_update(skip_locked=True)
        return (await self._session.scalars(statement)).all()


def _next(now: datetime) -> ScalarSelect[UUID]:
    """Of the person with the fewest running jobs, then of the one served the longest ago; their shortest file first.

    People are ranked once each, not once per waiting job: with 10,000 of those that is the difference between
    milliseconds and a second. A scalar subquery, since PostgreSQL may run the one of an `IN` more than once and so
    lock more than one row.
    """
    people = _waiting_people()
    waiting = (
        select(Caption.id)
        .join(people, people.c.account_id == Caption.account_id)
        .where(Caption.state == QUEUED, Caption.due_at <= now)
        .order_by(people.c.running, people.c.served.asc().nulls_first(), Caption.size, Caption.id)
        .limit(1)
    )
    return waiting.with_for_update(of=Caption, skip_locked=True).scalar_subquery()


def _waiting_people() -> CTE:
    """Everyone with a waiting job: how many of theirs run, and when one was last begun.

    Materialised, since PostgreSQL would otherwise fold it into the join and rank a person once per job after all.
    """
    person = select(Caption.account_id).where(Caption.state == QUEUED).distinct().subquery()
    peer = aliased(Caption)
    own = peer.account_id == person.c.account_id
    running = select(func.count(peer.id)).where(own, peer.state == RUNNING).scalar_subquery()
    served = select(func.max(peer.started_at)).where(own).scalar_subquery()
    ranked = select(person.c.account_id, running.label("running"), served.label("served"))
    return ranked.cte("waiting_people").prefix_with("MATERIALIZED", dialect="postgresql")

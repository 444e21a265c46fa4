"""All SQL of the trail."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update

from madang.audit.models import AuditChain, AuditEntry, AuditPerson
from madang.audit.schemas import Sought
from madang.db.session import Session, advisory_lock, changed_rows, insert_once

_COUNTING = timedelta(minutes=2)
_THE_ONE = 1


class AuditRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, entry: dict[str, Any]) -> bool:
        """Whether there was none of this id."""
        return await insert_once(self._session, AuditEntry, **entry)

    async def add_person(self, person: dict[str, Any]) -> None:
        self._session.add(AuditPerson(**person))

    async def delete_strangers(self, before: datetime, limit: int) -> int:
        """Forget from where entries were caused that are nobody's, and so are erased with nobody."""
        old = select(AuditPerson.entry_id).join(AuditEntry, AuditEntry.id == AuditPerson.entry_id)
        old = old.where(AuditPerson.account_id.is_(None), AuditEntry.at < before).limit(limit)
        return changed_rows(await self._session.execute(delete(AuditPerson).where(AuditPerson.entry_id.in_(old))))

    async def count_up(self, entry_id: UUID, count: int) -> bool:
        """Whether there was such an entry that is not sealed yet."""
        mine = (AuditEntry.id == entry_id, AuditEntry.number.is_(None))
        statement = update(AuditEntry).where(*mine).values(count=AuditEntry.count + count)
        return changed_rows(await self._session.execute(statement)) == 1

    async def page(
        self, sought: Sought, before: UUID | None, limit: int
    ) -> list[tuple[AuditEntry, AuditPerson | None]]:
        """The newest first."""
        statement = select(AuditEntry, AuditPerson).outerjoin(AuditPerson, AuditPerson.entry_id == AuditEntry.id)
        for condition in _conditions(sought):
            statement = statement.where(condition)
        if before is not None:
            statement = statement.where(AuditEntry.id < before)
        rows = await self._session.execute(statement.order_by(AuditEntry.id.desc()).limit(limit))
        return [(entry, person) for entry, person in rows]

    async def end(self, *, lock: bool = False) -> AuditChain | None:
        """The end of the chain; locked, one sealer works at a time."""
        if lock:
            await advisory_lock(self._session, "audit chain")
        return await self._session.get(AuditChain, _THE_ONE, with_for_update=lock or None)

    async def keep_end(self, number: int, last: bytes, seal: bytes, key_id: bytes) -> None:
        await self._session.merge(AuditChain(id=_THE_ONE, number=number, last=last, seal=seal, key_id=key_id))

    async def unsealed(self, now: datetime, limit: int) -> Sequence[AuditEntry]:
        """The oldest; those that still count wait until their minute is over."""
        ready = or_(AuditEntry.count.is_(None), AuditEntry.at < now - _COUNTING)
        statement = select(AuditEntry).where(AuditEntry.number.is_(None), ready).order_by(AuditEntry.id).limit(limit)
        return (await self._session.scalars(statement)).all()

    async def waiting(self) -> int:
        return await self._session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.number.is_(None))) or 0

    async def linked(self, number: int) -> AuditEntry | None:
        return await self._session.scalar(select(AuditEntry).where(AuditEntry.number == number))

    async def chain(self, after: int, limit: int) -> Sequence[AuditEntry]:
        statement = select(AuditEntry).where(AuditEntry.number > after).order_by(AuditEntry.number).limit(limit)
        return (await self._session.scalars(statement)).all()


def _conditions(sought: Sought) -> list[Any]:
    conditions = [
        column == value
        for column, value in (
            (AuditEntry.actor_id, sought.actor_id),
            (AuditEntry.target_id, sought.target_id),
            (AuditEntry.outcome, sought.outcome),
        )
        if value is not None
    ]
    if sought.action is not None:
        begins = AuditEntry.action.startswith(f"{sought.action}.", autoescape=True)
        conditions.append(or_(AuditEntry.action == sought.action, begins))
    if sought.since is not None:
        conditions.append(AuditEntry.at >= sought.since)
    if sought.until is not None:
        conditions.append(AuditEntry.at <= sought.until)
    return conditions

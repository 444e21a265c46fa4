"""SQL of exports, and of what belongs to one person in any table.

What belongs to somebody is read off the tables' own foreign keys: whatever refers to `accounts`, and whatever refers to
that. So a table that is added later is exported and erased without anyone thinking of it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    LargeBinary,
    Table,
    delete,
    exists,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from madang.accounts.models import Account
from madang.db.base import Base
from madang.db.session import Database, Session, changed_rows
from madang.media.models import Media
from madang.privacy.errors import ExportRunning
from madang.privacy.models import FAILED, QUEUED, READY, RUNNING, DataExport

_BATCH = 500
_ACCOUNTS = "accounts"
# Copies for look-ups, and how work is shared out: nothing that says anything of a person.
_LEFT_OUT = ("_key", "_hash", "_digest", "search_text", "lease_id", "lease_until", "process_id")


class ExportRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, export: DataExport) -> None:
        """Raises `ExportRunning`; the database decides, so of two at once one is made."""
        self._session.add(export)
        try:
            await self._session.flush()
        except IntegrityError:
            raise ExportRunning from None

    async def count_since(self, account_id: UUID, since: datetime) -> int:
        made = select(DataExport.id).where(DataExport.account_id == account_id, DataExport.created_at > since)
        return len((await self._session.scalars(made)).all())

    async def of(self, account_id: UUID) -> Sequence[DataExport]:
        own = select(DataExport).where(DataExport.account_id == account_id).order_by(DataExport.id.desc())
        return (await self._session.scalars(own)).all()

    async def get_own(self, account_id: UUID, export_id: UUID) -> DataExport | None:
        own = DataExport.id == export_id, DataExport.account_id == account_id
        return await self._session.scalar(select(DataExport).where(*own))

    async def claim(self, now: datetime, until: datetime) -> DataExport | None:
        """Take the oldest that waits or has lost its worker; nobody else gets the same one."""
        lost = (DataExport.state == RUNNING) & (DataExport.lease_until < now)
        due = select(DataExport.id).where(or_(DataExport.state == QUEUED, lost)).order_by(DataExport.id).limit(1)
        statement = (
            update(DataExport)
            .where(DataExport.id == due.with_for_update(skip_locked=True).scalar_subquery())
            .values(state=RUNNING, lease_until=until, attempts=DataExport.attempts + 1)
            .returning(DataExport)
        )
        return await self._session.scalar(statement)

    async def renew(self, export: DataExport, until: datetime) -> bool:
        statement = update(DataExport).where(*_held(export)).values(lease_until=until).returning(DataExport.id)
        return bool((await self._session.execute(statement)).all())

    async def finish(self, export: DataExport, size: int, expires_at: datetime) -> bool:
        values = {"state": READY, "size": size, "expires_at": expires_at, "lease_until": None}
        return changed_rows(await self._session.execute(update(DataExport).where(*_held(export)).values(values))) == 1

    async def give_up(self, export: DataExport, state: str, expires_at: datetime | None) -> None:
        values = {"state": state, "expires_at": expires_at, "lease_until": None}
        await self._session.execute(update(DataExport).where(*_held(export)).values(values))

    async def expired(self, now: datetime) -> Sequence[UUID]:
        over = DataExport.state.in_((READY, FAILED)), DataExport.expires_at < now
        return (await self._session.scalars(select(DataExport.id).where(*over).limit(_BATCH))).all()

    async def remove(self, export_id: UUID) -> None:
        await self._session.execute(delete(DataExport).where(DataExport.id == export_id))


class BelongingsRepository:
    """Everything of one person."""

    def __init__(self, database: Database, account_id: UUID) -> None:
        self._database = database
        self._account_id = account_id

    def tables(self) -> list[str]:
        """The names of what can be read, the account itself first."""
        return [table.name for table in Base.metadata.sorted_tables if _is_owned(table)]

    async def rows(self, name: str) -> AsyncIterator[list[dict[str, Any]]]:
        """What one table says of the person, in pages; secrets, hashes and lease marks left out."""
        table = Base.metadata.tables[name]
        keys, columns = list(table.primary_key.columns), [one for one in table.columns if _is_told(one)]
        page = select(*keys, *columns).where(_owned_by(table, self._account_id)).order_by(*keys).limit(_BATCH)
        last: Sequence[Any] | None = None
        while last is None or len(last):
            after = page if last is None else page.where(tuple_(*keys) > tuple_(*last))
            async with self._database.read_unit() as session:
                found = (await session.execute(after)).all()
            if found:
                names = [column.name for column in columns]
                yield [dict(zip(names, row[len(keys) :], strict=True)) for row in found]
            last = tuple(found[-1][: len(keys)]) if len(found) == _BATCH else ()

    async def file_ids(self) -> tuple[Sequence[UUID], Sequence[UUID]]:
        """The media and the exports of the person."""
        async with self._database.read_unit() as session:
            media = await session.scalars(select(Media.id).where(Media.account_id == self._account_id))
            exports = await session.scalars(select(DataExport.id).where(DataExport.account_id == self._account_id))
            return media.all(), exports.all()

    async def erase(self) -> None:
        """Delete every row but the account's own, leaves first, in short units; what was begun can be gone on with."""
        for table in reversed(Base.metadata.sorted_tables):
            if _is_owned(table) and table.name != _ACCOUNTS:
                while await self._erase_page(table) == _BATCH:
                    pass

    async def _erase_page(self, table: Table) -> int:
        keys = list(table.primary_key.columns)
        page = select(*keys).where(_owned_by(table, self._account_id)).limit(_BATCH)
        async with self._database.unit() as session:
            rows = (await session.execute(page)).all()
            if rows:
                await session.execute(delete(table).where(tuple_(*keys).in_([tuple(row) for row in rows])))
            return len(rows)


async def due_for_erasure(session: Session, before: datetime, limit: int) -> Sequence[UUID]:
    """Accounts deleted before that time and not erased yet."""
    due = select(Account.id).where(Account.deleted_at < before, Account.erased_at.is_(None))
    return (await session.scalars(due.order_by(Account.deleted_at).limit(limit))).all()


async def is_due(session: Session, account_id: UUID, before: datetime) -> bool:
    """Whether it still is: it may have been restored meanwhile."""
    due = select(Account.id).where(Account.id == account_id, Account.deleted_at < before, Account.erased_at.is_(None))
    return bool(await session.scalar(select(due.exists())))


async def blank(session: Session, account_id: UUID, now: datetime) -> None:
    """Take everything personal out of the account's row, which keeps its id for those who refer to it."""
    account = await session.get_one(Account, account_id, with_for_update=True)
    personal = ("password_hash", "account_key", "email", "email_key", "unproven_email", "unproven_email_key", "name")
    for name in (*personal, "language", "time_zone"):
        setattr(account, name, None)
    account.account_id, account.erased_at = "erased", now
    await session.flush()


def _held(export: DataExport) -> tuple[ColumnElement[bool], ...]:
    """Whoever claims counts an attempt, so a worker that comes back late changes nothing."""
    return DataExport.id == export.id, DataExport.state == RUNNING, DataExport.attempts == export.attempts


def _is_told(column: Column[Any]) -> bool:
    return not isinstance(column.type, LargeBinary) and not column.name.endswith(_LEFT_OUT)


def _is_owned(table: Table) -> bool:
    return table.name == _ACCOUNTS or bool(_parents(table))


def _parents(table: Table) -> list[ForeignKeyConstraint]:
    """Foreign keys by which a row belongs to a person, straight or by what it refers to."""
    return [key for key in table.foreign_key_constraints if _is_owned(key.referred_table)]


def _owned_by(table: Table, account_id: UUID) -> ColumnElement[bool]:
    if table.name == _ACCOUNTS:
        return table.c.id == account_id
    straight = [key for key in _parents(table) if key.referred_table.name == _ACCOUNTS]
    if straight:
        return or_(*(key.columns[0] == account_id for key in straight))
    return or_(*(_through(key, account_id) for key in _parents(table)))


def _through(key: ForeignKeyConstraint, account_id: UUID) -> ColumnElement[bool]:
    parent = key.referred_table
    joined = [element.column == element.parent for element in key.elements]
    return exists(select(1).select_from(parent).where(*joined, _owned_by(parent, account_id)))

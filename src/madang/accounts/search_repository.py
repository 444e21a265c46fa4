"""SQL of the list of people: bounded, whatever is asked."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ClauseElement, Executable, Select, func, literal_column, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from madang.accounts.models import Account
from madang.accounts.schemas import People
from madang.db.session import Session
from madang.kit.searching import SHORTEST_SUBSTRING

EXACT_BELOW = 10_000
_SORTS = {"created_at": Account.created_at, "name": Account.name_key, "account_id": Account.account_key}


class SearchRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def page(self, people: People, sort: str, *, descending: bool, skip: int, limit: int) -> Sequence[Account]:
        """In that order, or the reverse: those without a name come last, equal ones in the order of their ids."""
        column = _SORTS[sort]
        order = (column.desc().nulls_first(), Account.id.desc()) if descending else (column.nulls_last(), Account.id)
        statement = _matching(select(Account), people).order_by(*order)
        return (await self._session.scalars(statement.offset(skip).limit(limit))).all()

    async def total(self, people: People) -> tuple[int, bool]:
        """How many there are, and whether that is exact: beyond 10,000 the planner's estimate is taken."""
        some = _matching(select(literal_column("1")).select_from(Account), people).limit(EXACT_BELOW + 1)
        count = await self._session.scalar(select(func.count()).select_from(some.subquery())) or 0
        if count <= EXACT_BELOW:
            return count, True
        connection = await self._session.connection()
        if connection.dialect.name != "postgresql":
            return await self._session.scalar(_matching(select(func.count(Account.id)), people)) or 0, True
        everybody = _matching(select(literal_column("1")).select_from(Account), people)
        plan: Any = await self._session.scalar(_Explained(everybody))
        return max(count, int(plan[0]["Plan"]["Plan Rows"])), False

    async def after(self, people: People, after: UUID | None, limit: int) -> Sequence[Account]:
        """The oldest first, or the oldest after one of them: for whoever wants them all."""
        statement = _matching(select(Account), people)
        if after is not None:
            statement = statement.where(Account.id > after)
        return (await self._session.scalars(statement.order_by(Account.id).limit(limit))).all()


class _Explained(Executable, ClauseElement):
    """A statement's plan on PostgreSQL, as JSON, with the statement's own parameters."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explained)
def _explain(element: _Explained, compiler: SQLCompiler, **options: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + compiler.process(element.statement, **options)


def _matching(statement: Select[Any], people: People) -> Select[Any]:
    statement = statement.where(Account.erased_at.is_(None))
    statement = statement.where(Account.deleted_at.is_not(None) if people.deleted else Account.deleted_at.is_(None))
    for column, value in (
        (Account.role, people.role),
        (Account.is_active, people.is_active),
        (Account.auth_provider, people.provider),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if people.created_from is not None:
        statement = statement.where(Account.created_at >= people.created_from)
    if people.created_to is not None:
        statement = statement.where(Account.created_at <= people.created_to)
    return statement if people.q is None else statement.where(_found_by(people.q))


def _found_by(q: str) -> Any:
    """A substring of id, address or name; of fewer than three letters, which no trigram has, the beginning of one."""
    if len(q) >= SHORTEST_SUBSTRING:
        return Account.search_text.contains(q, autoescape=True)
    columns = (Account.account_key, Account.email_key, Account.name_key)
    return or_(*(column.startswith(q, autoescape=True) for column in columns))

"""SQL of quotas and usage: what decides is one statement each, so that parallel questions can't pass between two."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, delete, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from madang.accounts.models import Account
from madang.chat.models import DailyUsage, Quota, Spending
from madang.db.session import Session, changed_rows

_SUMS = ("requests", "prompt_tokens", "completion_tokens")
_BY: dict[str, Any] = {"day": DailyUsage.day, "model": DailyUsage.model, "account_id": DailyUsage.account_id}


class QuotaRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def of(self, account_id: UUID) -> Quota | None:
        """The person's own, or their role's."""
        role = select(Account.role).where(Account.id == account_id).scalar_subquery()
        statement = select(Quota).where(or_(Quota.account_id == account_id, Quota.role == role))
        return await self._session.scalar(statement.order_by(Quota.account_id.nulls_last()).limit(1))

    async def all(self, after: UUID | None, limit: int) -> Sequence[Quota]:
        statement = select(Quota).order_by(Quota.id).limit(limit)
        return (await self._session.scalars(statement if after is None else statement.where(Quota.id > after))).all()

    async def put(self, whose: dict[str, Any], values: dict[str, Any]) -> Quota:
        """Set somebody's quota; `whose` names an account or a role."""
        insert = await self._insert(Quota)
        statement = insert.values(**whose, **values).on_conflict_do_update(index_elements=list(whose), set_=values)
        quota: Quota = (await self._session.scalars(statement.returning(Quota))).one()
        return quota

    async def remove(self, quota_id: UUID) -> Quota | None:
        return await self._session.scalar(delete(Quota).where(Quota.id == quota_id).returning(Quota))

    async def spending(self, account_id: UUID, period: str, began_at: datetime) -> tuple[int, int]:
        """Tokens and requests."""
        found = await self._session.get(Spending, (account_id, period, began_at), populate_existing=True)
        return (found.tokens, found.requests) if found else (0, 0)

    async def take(self, account_id: UUID, quota: Quota, began_at: datetime, tokens: int) -> bool:
        """Use one request and so many tokens, unless one of them is used up already."""
        insert = await self._insert(Spending)
        limits = (Spending.tokens, quota.tokens), (Spending.requests, quota.requests)
        some_left = and_(true(), *(used < limit for used, limit in limits if limit is not None))
        row = {"account_id": account_id, "period": quota.period, "began_at": began_at}
        statement = insert.values(**row, tokens=tokens, requests=1).on_conflict_do_update(
            index_elements=list(row),
            set_={"tokens": Spending.tokens + tokens, "requests": Spending.requests + 1},
            where=some_left,
        )
        return bool((await self._session.execute(statement.returning(Spending.tokens))).all())

    async def settle(self, key: tuple[UUID, str, datetime], tokens: int, requests: int) -> None:
        """Correct what was taken; below nothing nobody gets."""
        account_id, period, began_at = key
        which = (Spending.account_id == account_id, Spending.period == period, Spending.began_at == began_at)
        left = Spending.tokens + tokens
        values = {"tokens": case((left < 0, 0), else_=left), "requests": Spending.requests + requests}
        statement = update(Spending).where(*which).values(values)
        await self._session.execute(statement, execution_options={"synchronize_session": False})

    async def add_usage(self, account_id: UUID, day: date, model: str, tokens: tuple[int, int]) -> None:
        insert = await self._insert(DailyUsage)
        row, sums = {"account_id": account_id, "day": day, "model": model}, dict(zip(_SUMS, (1, *tokens), strict=True))
        more = {name: getattr(DailyUsage, name) + count for name, count in sums.items()}
        await self._session.execute(
            insert.values(**row, **sums).on_conflict_do_update(index_elements=list(row), set_=more)
        )

    async def usage(
        self, by: Sequence[str], first: date, last: date, account_id: UUID | None, limit: int
    ) -> Sequence[Any]:
        """Sums by day, model or account_id: of days the latest first, of others the largest first."""
        columns = [_BY[name] for name in by]
        sums = [func.sum(getattr(DailyUsage, name)).label(name) for name in _SUMS]
        statement = select(*columns, *sums).where(DailyUsage.day.between(first, last)).group_by(*columns)
        if account_id is not None:
            statement = statement.where(DailyUsage.account_id == account_id)
        largest = func.sum(DailyUsage.prompt_tokens + DailyUsage.completion_tokens).desc()
        order = [DailyUsage.day.desc(), largest] if "day" in by else [largest]
        return (await self._session.execute(statement.order_by(*order, *columns).limit(limit))).all()

    async def delete_spending(self, before: datetime, limit: int) -> int:
        """Delete the spending of periods that began before that time."""
        key = Spending.account_id, Spending.period, Spending.began_at
        old = select(*key).where(Spending.began_at < before).limit(limit).subquery()
        matches = [column == old.c[column.key] for column in key]
        return changed_rows(await self._session.execute(delete(Spending).where(select(1).where(*matches).exists())))

    async def _insert(self, table: Any) -> Any:
        is_postgresql = (await self._session.connection()).dialect.name == "postgresql"
        return (postgresql_insert if is_postgresql else sqlite_insert)(table)

"""SQL of the budgets of failed sign-ins: each step is one statement, so parallel guesses can't pass between two."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, case, delete, literal, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from madang.db.session import Session, changed_rows
from madang.sessions.models import SignInBudget, UserSession


class BudgetRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def take(self, key: str, now: int, step: int, window: int) -> bool:
        """Use one `step` of a budget that holds a `window`, all in milliseconds; False when nothing is left."""
        is_postgresql = (await self._session.connection()).dialect.name == "postgresql"
        insert = (postgresql_insert if is_postgresql else sqlite_insert)(SignInBudget)
        full_at = _from(now) + step
        statement = insert.values(key=key, full_at=now + step).on_conflict_do_update(
            index_elements=["key"], set_={"full_at": full_at}, where=full_at <= now + window
        )
        return bool((await self._session.execute(statement.returning(SignInBudget.key))).all())

    async def full_at(self, key: str) -> int:
        return await self._session.scalar(select(SignInBudget.full_at).where(SignInBudget.key == key)) or 0

    async def give_back(self, key: str, step: int) -> None:
        values = {"full_at": SignInBudget.full_at - step}
        await self._session.execute(update(SignInBudget).where(SignInBudget.key == key).values(values))

    async def reset(self, keys: list[str]) -> None:
        await self._session.execute(delete(SignInBudget).where(SignInBudget.key.in_(keys)))

    async def has_come_from(self, account_id: UUID, ip: str) -> bool:
        """Whether the account has signed in from that address before."""
        seen = select(UserSession.id).where(UserSession.account_id == account_id, UserSession.ip == ip)
        return bool(await self._session.scalar(select(seen.exists())))

    async def delete_full(self, now: int, limit: int) -> int:
        """Delete budgets that are whole again."""
        full = select(SignInBudget.key).where(SignInBudget.full_at < now).limit(limit)
        result = await self._session.execute(delete(SignInBudget).where(SignInBudget.key.in_(full)))
        return changed_rows(result)


def _from(now: int) -> Any:
    """The later of now and the stored time."""
    return case((SignInBudget.full_at > now, SignInBudget.full_at), else_=literal(now, BigInteger))

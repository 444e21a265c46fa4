"""All SQL of API keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, or_, select, update

from madang.accounts.models import PERSON, Account, Role
from madang.apikeys.models import ApiKey
from madang.db.session import Database, Session

_CALLER = (
    select(*PERSON, ApiKey.id.label("key_id"), ApiKey.scope, ApiKey.expires_at, ApiKey.last_used_at)
    .join(Account, Account.id == ApiKey.account_id)
    .join(Role, Role.name == Account.role)
    .where(ApiKey.digest == bindparam("digest"))
)


class ApiKeyRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, key: ApiKey) -> None:
        self._session.add(key)
        await self._session.flush()

    async def count(self, account_id: UUID) -> int:
        keys = select(func.count(ApiKey.id)).where(ApiKey.account_id == account_id)
        return await self._session.scalar(keys) or 0

    async def of(self, account_id: UUID) -> Sequence[ApiKey]:
        keys = select(ApiKey).where(ApiKey.account_id == account_id).order_by(ApiKey.id.desc())
        return (await self._session.scalars(keys)).all()

    async def get_own(self, account_id: UUID, key_id: UUID) -> ApiKey | None:
        return await self._session.scalar(select(ApiKey).where(ApiKey.id == key_id, ApiKey.account_id == account_id))

    async def delete_own(self, account_id: UUID, key_id: UUID) -> bool:
        statement = delete(ApiKey).where(ApiKey.id == key_id, ApiKey.account_id == account_id).returning(ApiKey.id)
        return bool((await self._session.execute(statement)).all())

    async def used(self, key_id: UUID, now: datetime, unless_after: datetime) -> None:
        stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= unless_after)
        await self._session.execute(update(ApiKey).where(ApiKey.id == key_id, stale).values(last_used_at=now))


async def caller(database: Database, digest: bytes) -> Any:
    """The row of a key and its account, or None."""
    async with database.read_connection() as connection:
        return (await connection.execute(_CALLER, {"digest": digest})).one_or_none()

"""All SQL of signing keys."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, or_, select, update

from madang.db.session import Session, changed_rows
from madang.sessions.models import SigningKey


class KeyRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def usable(self, now: datetime) -> Sequence[SigningKey]:
        """Those that sign, will sign, or have signed what may still live; the newest first."""
        live = or_(SigningKey.retires_at.is_(None), SigningKey.retires_at > now)
        keys = select(SigningKey).where(live).order_by(SigningKey.signs_from.desc(), SigningKey.id.desc())
        return (await self._session.scalars(keys.execution_options(populate_existing=True))).all()

    async def add(self, key: SigningKey) -> None:
        self._session.add(key)
        await self._session.flush()

    async def retire(self, keys: Sequence[str], at: datetime) -> None:
        """Unless they retire anyway."""
        others = update(SigningKey).where(SigningKey.id.in_(keys), SigningKey.retires_at.is_(None))
        await self._session.execute(others.values(retires_at=at))

    async def remove(self, key_id: str) -> bool:
        statement = delete(SigningKey).where(SigningKey.id == key_id).returning(SigningKey.id)
        return bool((await self._session.execute(statement)).all())

    async def delete_retired(self, before: datetime) -> int:
        return changed_rows(await self._session.execute(delete(SigningKey).where(SigningKey.retires_at < before)))

"""All SQL of the second factors."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update

from madang.accounts.models import person_tag
from madang.db.session import Session
from madang.db.touching import touch
from madang.factors.models import RecoveryCode, Totp


class FactorRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def totp(self, account_id: UUID) -> Totp | None:
        return await self._session.get(Totp, account_id)

    async def locked_totp(self, account_id: UUID) -> Totp | None:
        return await self._session.get(Totp, account_id, with_for_update=True, populate_existing=True)

    async def add_totp(self, totp: Totp) -> None:
        touch(self._session, person_tag(totp.account_id))
        self._session.add(totp)
        await self._session.flush()

    async def remove_totp(self, totp: Totp) -> None:
        touch(self._session, person_tag(totp.account_id))
        await self._session.delete(totp)
        await self._session.flush()

    async def use_step(self, account_id: UUID, step: int) -> bool:
        """Mark a step as used; of two at once one succeeds."""
        statement = (
            update(Totp)
            .where(Totp.account_id == account_id, Totp.confirmed_at.is_not(None), Totp.last_step < step)
            .values(last_step=step)
            .returning(Totp.account_id)
        )
        return bool((await self._session.execute(statement)).all())

    async def confirm(self, account_id: UUID, step: int, now: datetime) -> bool:
        statement = (
            update(Totp)
            .where(Totp.account_id == account_id, Totp.confirmed_at.is_(None))
            .values(last_step=step, confirmed_at=now)
            .returning(Totp.account_id)
        )
        touch(self._session, person_tag(account_id))
        return bool((await self._session.execute(statement)).all())

    async def use_recovery_code(self, account_id: UUID, digests: Sequence[bytes]) -> bool:
        """Delete the code; of two at once one succeeds."""
        statement = (
            delete(RecoveryCode)
            .where(RecoveryCode.account_id == account_id, RecoveryCode.digest.in_(digests))
            .returning(RecoveryCode.account_id)
        )
        return bool((await self._session.execute(statement)).all())

    async def replace_recovery_codes(self, account_id: UUID, digests: Sequence[bytes], key_id: bytes) -> None:
        await self._session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
        self._session.add_all(RecoveryCode(digest=digest, account_id=account_id, key_id=key_id) for digest in digests)
        await self._session.flush()

    async def recovery_codes_left(self, account_id: UUID) -> int:
        codes = select(func.count(RecoveryCode.digest)).where(RecoveryCode.account_id == account_id)
        return await self._session.scalar(codes) or 0

"""SQL of the passkeys."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from madang.accounts.models import person_tag
from madang.db.session import Session, changed_rows
from madang.db.touching import touch
from madang.factors.errors import PasskeyAlreadyAdded
from madang.factors.models import Passkey, PasskeyChallenge


class PasskeyRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def of(self, account_id: UUID) -> Sequence[Passkey]:
        """The oldest first."""
        return (
            await self._session.scalars(select(Passkey).where(Passkey.account_id == account_id).order_by(Passkey.id))
        ).all()

    async def count(self, account_id: UUID) -> int:
        return await self._session.scalar(select(func.count(Passkey.id)).where(Passkey.account_id == account_id)) or 0

    async def by_credential(self, credential_id: bytes) -> Passkey | None:
        return await self._session.scalar(select(Passkey).where(Passkey.credential_id == credential_id))

    async def exists(self, passkey_id: UUID) -> bool:
        return bool(await self._session.scalar(select(select(Passkey.id).where(Passkey.id == passkey_id).exists())))

    async def add(self, passkey: Passkey) -> None:
        """Raises `PasskeyAlreadyAdded`; the database decides, so two at once can't both win."""
        touch(self._session, person_tag(passkey.account_id))
        self._session.add(passkey)
        try:
            await self._session.flush()
        except IntegrityError:
            raise PasskeyAlreadyAdded from None

    async def rename(self, account_id: UUID, passkey_id: UUID, name: str) -> Passkey | None:
        statement = update(Passkey).where(Passkey.id == passkey_id, Passkey.account_id == account_id)
        return await self._session.scalar(statement.values(name=name).returning(Passkey))

    async def remove(self, account_id: UUID, passkey_id: UUID) -> bool:
        touch(self._session, person_tag(account_id))
        statement = delete(Passkey).where(Passkey.id == passkey_id, Passkey.account_id == account_id)
        return bool((await self._session.execute(statement.returning(Passkey.id))).all())

    async def advance(self, passkey_id: UUID, sign_count: int, now: datetime, *, is_backed_up: bool) -> bool:
        """Note a use; False when the counter did not go up. Of two at once with one counter one succeeds.

        Authenticators that count nothing show zero for ever.
        """
        goes_up = Passkey.sign_count < sign_count if sign_count else Passkey.sign_count == 0
        statement = (
            update(Passkey)
            .where(Passkey.id == passkey_id, goes_up)
            .values(sign_count=sign_count, last_used_at=now, is_backed_up=is_backed_up)
            .returning(Passkey.id)
        )
        return bool((await self._session.execute(statement)).all())

    async def add_challenge(self, challenge: PasskeyChallenge) -> None:
        self._session.add(challenge)
        await self._session.flush()

    async def use_challenge(
        self, digest: bytes, purpose: str, account_id: UUID | None, mfa_digest: bytes | None, now: datetime
    ) -> bool:
        """Delete it if it is what was asked for and still young; of two at once one succeeds."""
        statement = (
            delete(PasskeyChallenge)
            .where(PasskeyChallenge.digest == digest, PasskeyChallenge.purpose == purpose)
            .where(PasskeyChallenge.account_id.is_not_distinct_from(account_id))
            .where(PasskeyChallenge.mfa_digest.is_not_distinct_from(mfa_digest), PasskeyChallenge.expires_at > now)
            .returning(PasskeyChallenge.digest)
        )
        return bool((await self._session.execute(statement)).all())

    async def delete_challenges(self, before: datetime, limit: int) -> int:
        """Delete challenges that ran out before that time."""
        old = select(PasskeyChallenge.digest).where(PasskeyChallenge.expires_at < before).limit(limit)
        result = await self._session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.digest.in_(old)))
        return changed_rows(result)

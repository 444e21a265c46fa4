"""All SQL of accounts."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

from madang.accounts.errors import AccountIdTaken, EmailTaken
from madang.accounts.models import ADMIN, Account, Preferences
from madang.db.session import Session


class AccountRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, account: Account) -> Account:
        """Raises `AccountIdTaken` or `EmailTaken`."""
        self._session.add(account)
        return await self.flush(account)

    async def flush(self, account: Account) -> Account:
        """Raises `AccountIdTaken` or `EmailTaken`; the database decides, so two at once can't both win."""
        wanted = account.account_id
        try:
            await self._session.flush()
        except IntegrityError as error:
            if "email_key" in str(error.orig):
                raise EmailTaken from None
            raise AccountIdTaken(account_id=wanted) from None
        return account

    async def get(self, account_id: UUID) -> Account | None:
        return await self._session.get(Account, account_id)

    async def locked(self, account_id: UUID) -> Account | None:
        return await self._session.get(Account, account_id, with_for_update={"key_share": True}, populate_existing=True)

    async def update(self, account_id: UUID, values: dict[str, Any]) -> Account:
        account = await self._session.get_one(Account, account_id, with_for_update=True)
        for name, value in values.items():
            setattr(account, name, value)
        await self._session.flush()
        return account

    async def by_sign_in_name(self, name: str) -> Account | None:
        """By account id or proven e-mail, without regard to case; an account id holds no `@`, so both can't match."""
        key = name.casefold()
        return await self._session.scalar(
            select(Account).where(or_(Account.account_key == key, Account.email_key == key))
        )

    async def by_email(self, email_key: str) -> Account | None:
        return await self._session.scalar(select(Account).where(Account.email_key == email_key))

    async def prove_email(self, account: Account, email: str) -> None:
        """Raises `EmailTaken`; the database decides, so two at once can't both have it."""
        key = email.casefold()
        account.email, account.email_key = email, key
        account.unproven_email = account.unproven_email_key = None
        try:
            await self._session.flush()
        except IntegrityError:
            raise EmailTaken from None
        rivals = select(Account).where(Account.unproven_email_key == key).order_by(Account.id).with_for_update()
        for rival in await self._session.scalars(rivals):
            rival.unproven_email = rival.unproven_email_key = None
        await self._session.flush()

    async def exists(self, account_key: str) -> bool:
        return bool(
            await self._session.scalar(select(select(Account.id).where(Account.account_key == account_key).exists()))
        )

    async def has_admin(self) -> bool:
        admins = select(Account.id).where(Account.role == ADMIN, Account.is_active)
        return bool(await self._session.scalar(select(admins.exists())))

    async def active_admins(self) -> int:
        admins = select(func.count(Account.id)).where(Account.role == ADMIN, Account.is_active)
        return await self._session.scalar(admins) or 0

    async def preferences(self, account_id: UUID) -> Preferences | None:
        return await self._session.get(Preferences, account_id)

    async def add_preferences(self, preferences: Preferences) -> None:
        self._session.add(preferences)
        await self._session.flush()

    async def deleted(self, account_id: str) -> Account | None:
        """Who had that account id last, among those deleted and not erased yet."""
        found = select(Account).where(func.lower(Account.account_id) == account_id.lower())
        gone = found.where(Account.deleted_at.is_not(None), Account.erased_at.is_(None))
        return await self._session.scalar(gone.order_by(Account.deleted_at.desc()).limit(1))

    async def count(self) -> int:
        return await self._session.scalar(select(func.count(Account.id))) or 0

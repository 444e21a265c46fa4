"""The rules of accounts."""

from typing import Any
from uuid import UUID

from madang.accounts.events import AccountRegistered
from madang.accounts.models import MEMBER, Account
from madang.accounts.repository import AccountRepository
from madang.accounts.schemas import NewAccount, ProfilePatch
from madang.db.session import Session, advisory_lock
from madang.kit.clock import Clock
from madang.outbox.publish import Outbox


class AccountService:
    def __init__(self, accounts: AccountRepository, outbox: Outbox, clock: Clock) -> None:
        self._accounts = accounts
        self._outbox = outbox
        self._clock = clock

    async def register(
        self, new: NewAccount, password_hash: str, *, role: str = MEMBER, is_email_proven: bool = False
    ) -> Account:
        """Add an account; an address given by its owner alone is unproven, so it signs nobody in and takes nothing."""
        email = new.email
        account = await self._accounts.add(
            Account(
                account_id=new.account_id,
                account_key=new.account_id.casefold(),
                password_hash=password_hash,
                email=email if is_email_proven else None,
                email_key=email.casefold() if email and is_email_proven else None,
                unproven_email=None if is_email_proven else email,
                unproven_email_key=email.casefold() if email and not is_email_proven else None,
                name=new.name,
                language=new.language,
                role=role,
                created_at=self._clock(),
            )
        )
        self._outbox.publish(AccountRegistered(account_id=account.id), key=account.id)
        return account

    async def change_profile(self, account_id: UUID, patch: ProfilePatch) -> Account:
        return await self._accounts.update(account_id, _changes(patch))

    async def by_sign_in_name(self, name: str) -> Account | None:
        return await self._accounts.by_sign_in_name(name)

    async def get(self, account_id: UUID) -> Account | None:
        return await self._accounts.get(account_id)

    async def locked(self, account_id: UUID) -> Account | None:
        """The account, kept as it is until the unit ends: what depends on its password or state can't be overtaken."""
        return await self._accounts.locked(account_id)

    async def by_email(self, email: str) -> Account | None:
        """Whose proven address it is."""
        return await self._accounts.by_email(email.casefold())

    async def propose_email(self, account: Account, email: str) -> None:
        """Let an address wait until it is proven; until then the former one goes on."""
        account.unproven_email, account.unproven_email_key = email, email.casefold()

    async def prove_email(self, account: Account, email: str) -> None:
        """Make it the account's address, and take it from accounts that never proved it; raises `EmailTaken`."""
        await self._accounts.prove_email(account, email)

    async def exists(self, account_id: str) -> bool:
        return await self._accounts.exists(account_id.casefold())

    async def has_admin(self) -> bool:
        return await self._accounts.has_admin()


async def lock_administrators(session: Session) -> None:
    """Serialise what depends on whether an administrator exists."""
    await advisory_lock(session, "administrators")


def _changes(patch: ProfilePatch) -> dict[str, Any]:
    return patch.model_dump(include={"name", "language", "time_zone"} & patch.model_fields_set)

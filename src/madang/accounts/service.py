"""The rules of accounts."""

import re
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from madang.accounts.errors import AccountNotFound, EmailTaken, FieldNotYours, NotDeleted
from madang.accounts.events import (
    AccountEnabled,
    AccountProfileChanged,
    AccountRegistered,
    AccountRestored,
    AccountRoleChanged,
)
from madang.accounts.models import MEMBER, Account
from madang.accounts.repository import AccountRepository
from madang.accounts.schemas import InvitedAccount, NewAccount, ProfilePatch
from madang.db.session import Session, advisory_lock
from madang.kit.clock import Clock
from madang.kit.tokens import readable
from madang.outbox.publish import Outbox


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What another provider says of somebody; `is_email_proven` when it may be believed about the address."""

    provider: str
    name: str | None
    email: str | None
    language: str | None
    is_email_proven: bool


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

    async def admit(self, newcomer: Newcomer) -> Account:
        """Add an account for somebody whom another provider vouches for: no password, and an account id of ours.

        Raises `AccountIdTaken` or `EmailTaken`; trying again makes another id.
        """
        account_id, email = _generated_id(newcomer.name), newcomer.email
        account = await self._accounts.add(
            Account(
                account_id=account_id,
                account_key=account_id.casefold(),
                is_account_id_generated=True,
                unproven_email=email,
                unproven_email_key=email.casefold() if email else None,
                name=newcomer.name,
                language=newcomer.language,
                auth_provider=newcomer.provider,
                created_at=self._clock(),
            )
        )
        if email and newcomer.is_email_proven:
            await self._accounts.prove_email(account, email)
        self._outbox.publish(AccountRegistered(account_id=account.id), key=account.id)
        return account

    async def invite(self, invited: InvitedAccount, role: str) -> Account:
        """Add an account without a password; its owner chooses one with what is mailed. Raises `AccountIdTaken`, or
        `EmailTaken` when somebody has proven the address."""
        if await self.by_email(invited.email) is not None:
            raise EmailTaken
        account = await self._accounts.add(
            Account(
                account_id=invited.account_id,
                account_key=invited.account_id.casefold(),
                unproven_email=invited.email,
                unproven_email_key=invited.email.casefold(),
                name=invited.name,
                language=invited.language,
                role=role,
                created_at=self._clock(),
            )
        )
        self._outbox.publish(AccountRegistered(account_id=account.id), key=account.id)
        return account

    async def give_role(self, account: Account, role: str) -> None:
        """Holds from the next request on."""
        if account.role != role:
            fact = AccountRoleChanged(account_id=account.id, role=role, former=account.role)
            account.role = role
            self._outbox.publish(fact, key=account.id)

    async def change_profile(self, account_id: UUID, patch: ProfilePatch) -> Account:
        """Raises `FieldNotYours` for an account id that was chosen already, or `AccountIdTaken`."""
        account = await self._accounts.update(account_id, _changes(patch))
        if "account_id" in patch.model_fields_set and patch.account_id != account.account_id:
            if not account.is_account_id_generated:
                raise FieldNotYours(field="account_id")
            account.account_id, account.account_key = patch.account_id, patch.account_id.casefold()
            account.is_account_id_generated = False
            await self._accounts.flush(account)
        fields = tuple(sorted(patch.model_fields_set))
        self._outbox.publish(AccountProfileChanged(account_id=account.id, fields=fields), key=account.id)
        return account

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

    async def delete(self, account: Account) -> None:
        """Its id and address are free from now on, and it signs nobody in."""
        account.deleted_at, account.is_active = self._clock(), False
        account.account_key = account.email_key = account.unproven_email_key = None

    async def restore(self, account_id: UUID, new_id: str | None = None) -> Account:
        """What was deleted and is not erased yet, under its former id or a new one.

        Raises `AccountNotFound`, `NotDeleted`, `AccountIdTaken`, or `EmailTaken` when its address is another's now.
        """
        account = await self._accounts.locked(account_id)
        if account is None or account.erased_at is not None:
            raise AccountNotFound
        if account.deleted_at is None:
            raise NotDeleted
        account.account_id = new_id or account.account_id
        account.account_key = account.account_id.casefold()
        account.email_key = account.email.casefold() if account.email else None
        account.unproven_email_key = account.unproven_email.casefold() if account.unproven_email else None
        account.deleted_at, account.is_active = None, True
        await self._accounts.flush(account)
        self._outbox.publish(AccountRestored(account_id=account.id), key=account.id)
        return account

    async def enable(self, account_id: UUID) -> Account:
        """Raises `AccountNotFound`, for deleted ones too."""
        account = await self._accounts.locked(account_id)
        if account is None or account.deleted_at is not None:
            raise AccountNotFound
        if not account.is_active:
            account.is_active = True
            self._outbox.publish(AccountEnabled(account_id=account.id), key=account.id)
        return account

    async def active_admins(self) -> int:
        return await self._accounts.active_admins()

    async def deleted(self, account_id: str) -> Account | None:
        """Who had that account id last, among those deleted and not erased yet."""
        return await self._accounts.deleted(account_id)

    async def exists(self, account_id: str) -> bool:
        return await self._accounts.exists(account_id.casefold())

    async def has_admin(self) -> bool:
        return await self._accounts.has_admin()


async def lock_administrators(session: Session) -> None:
    """Serialise what depends on whether an administrator exists."""
    await advisory_lock(session, "administrators")


def _generated_id(name: str | None) -> str:
    """From the name, never from the address: account ids are public, addresses are not."""
    spelled = re.sub(r"[^a-z0-9]+", "_", (name or "").lower()).strip("_")[:20].strip("_") or "user"
    return f"{spelled}_{readable(secrets.token_bytes(8)).lower()}"


def _changes(patch: ProfilePatch) -> dict[str, Any]:
    return patch.model_dump(include={"name", "language", "time_zone"} & patch.model_fields_set)

"""Closing accounts: leaving, and being disabled. Every session ends with it, so that nothing works from the next
request on; what else there is of a person is erased after a grace time (`privacy`)."""

from uuid import UUID

from madang.accounts.errors import AccountNotFound, LastAdministrator
from madang.accounts.events import AccountDeleted, AccountDisabled
from madang.accounts.models import ADMIN, Account
from madang.accounts.service import AccountService, lock_administrators
from madang.db.session import Session
from madang.kit.clock import Clock
from madang.kit.event import Event
from madang.outbox.publish import Outbox
from madang.sessions.events import SessionEnded
from madang.sessions.proof_repository import ProofRepository
from madang.sessions.proof_service import INVITE, RESET, VERIFY
from madang.sessions.repository import SessionRepository


class ClosingService:
    """Within one unit."""

    def __init__(self, session: Session, accounts: AccountService, clock: Clock) -> None:
        self._session = session
        self._accounts = accounts
        self._clock = clock

    async def delete(self, account_id: UUID) -> None:
        """The id and the address are free at once; the rest is erased later, unless it is restored before.

        Raises `LastAdministrator`, or `AccountNotFound` when it is deleted already.
        """
        account = await self._closable(account_id)
        await self._accounts.delete(account)
        await self._end(account_id, "account_deleted", AccountDeleted(account_id=account_id))

    async def disable(self, account_id: UUID) -> None:
        """Raises `LastAdministrator` or `AccountNotFound`."""
        account = await self._closable(account_id)
        account.is_active = False
        await self._end(account_id, "account_disabled", AccountDisabled(account_id=account_id))

    async def demotable(self, account_id: UUID, role: str) -> Account:
        """The account, locked, which may be given that role. Raises `LastAdministrator` or `AccountNotFound`."""
        if role == ADMIN:
            await lock_administrators(self._session)
            account = await self._accounts.locked(account_id)
            if account is None or account.deleted_at is not None:
                raise AccountNotFound
            return account
        return await self._closable(account_id)

    async def _closable(self, account_id: UUID) -> Account:
        """Administrators close one after another, so that of the last two at once one stays."""
        await lock_administrators(self._session)
        account = await self._accounts.locked(account_id)
        if account is None or account.deleted_at is not None:
            raise AccountNotFound
        if account.role == ADMIN and account.is_active and await self._accounts.active_admins() == 1:
            raise LastAdministrator
        return account

    async def _end(self, account_id: UUID, reason: str, fact: Event) -> None:
        sessions, proofs = SessionRepository(self._session), ProofRepository(self._session)
        outbox = Outbox(self._session, self._clock)
        for ended in await sessions.end_all(account_id, self._clock(), reason):
            outbox.publish(SessionEnded(session_id=ended.id, account_id=account_id, reason=reason), key=account_id)
        await sessions.delete_challenges_of(account_id)
        for purpose in (RESET, VERIFY, INVITE):
            await proofs.void(account_id, purpose)
        outbox.publish(fact, key=account_id)

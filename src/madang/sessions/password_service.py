"""Proving and changing one's password while signed in, and choosing a new one when it was forgotten."""

from collections.abc import Iterable
from uuid import UUID

from madang.accounts.models import Account
from madang.accounts.password_policy import PasswordPolicy
from madang.db.session import Database, Session
from madang.kit.clock import Clock
from madang.kit.hashing import PasswordHasher, normalise
from madang.kit.secrets import Keyring
from madang.outbox.publish import Outbox
from madang.sessions.budget_service import BudgetService, may_mail
from madang.sessions.errors import IncorrectPassword, PasswordUnchanged
from madang.sessions.events import PasswordChanged, SessionEnded
from madang.sessions.models import UserSession
from madang.sessions.proof_service import INVITE, RESET, ProofService
from madang.sessions.repository import SessionRepository
from madang.sessions.sign_in_service import BuildAccounts


class PasswordService:
    """Takes the database rather than a unit, as `SignInService` does: a password is hashed between two short units."""

    def __init__(
        self,
        database: Database,
        build_accounts: BuildAccounts,
        hasher: PasswordHasher,
        policy: PasswordPolicy,
        budgets: BudgetService,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._database = database
        self._build_accounts = build_accounts
        self._hasher = hasher
        self._policy = policy
        self._budgets = budgets
        self._keyring = keyring
        self._clock = clock

    async def verify(self, account_id: UUID, session_id: UUID, password: str) -> None:
        """Make the session fresh again; raises `IncorrectPassword`, counted like a failed sign-in."""
        await self._proven(account_id, password)
        async with self._database.unit() as session:
            await SessionRepository(session).authenticated(session_id, self._clock())

    async def change(self, account_id: UUID, session_id: UUID, old: str, new: str) -> None:
        """Replace the password, which ends all other sessions; the one that asks goes on, and is fresh.

        Raises `IncorrectPassword`, `PasswordUnchanged` or a problem of the policy. Of two changes at once one wins.
        """
        seen = await self._proven(account_id, old)
        if normalise(old) == normalise(new):
            raise PasswordUnchanged
        await self._policy.check(new, (seen.account_id, seen.email or seen.unproven_email, seen.name), "new_password")
        password_hash = await self._hasher.hash(new)
        async with self._database.unit() as session:
            account = await self._build_accounts(session).locked(account_id)
            if account is None or account.password_hash != seen.password_hash:
                raise IncorrectPassword
            account.password_hash = password_hash
            await self._proofs(session).void_resets(account_id)
            sessions = SessionRepository(session)
            await sessions.authenticated(session_id, self._clock())
            ended = await sessions.end_others(account_id, session_id, self._clock(), "password_changed")
            self._tell(session, account_id, ended, by="change")

    async def request_reset(self, email: str) -> None:
        """Mail a code if the address is somebody's; the same is written either way, so an answer tells nothing."""
        async with self._database.unit() as session:
            if await may_mail(session, email, self._clock()):
                await self._proofs(session).request(RESET, email, None)

    async def reset(self, code: str, new: str) -> None:
        """Set a new password, which ends every session and makes the account's sign-in budgets whole again.

        It signs nobody in, so a second factor is asked for as ever. A password that the policy refuses leaves the code
        unused. An invitation's code proves the address too. Raises `WrongMailCode`, `EmailTaken` or a problem of the
        policy.
        """
        async with self._database.unit() as session:
            taken = await self._budgets.take_address(session)
            shown, seen = await self._proofs(session).redeemable(code, RESET, INVITE)
            await self._budgets.give_address_back(session, taken)
        await self._policy.check(new, (seen.account_id, shown.email, seen.name), "new_password")
        password_hash = await self._hasher.hash(new)
        async with self._database.unit() as session:
            # Budgets before the account, the order in which sign-ins lock them; whoever got here has shown the code.
            await self._budgets.forget(session, (seen.account_id, seen.email or ""))
            proofs = self._proofs(session)
            proof, account = await proofs.redeemable(code, RESET, INVITE)
            await proofs.use(proof)
            if proof.purpose == INVITE:
                await self._build_accounts(session).prove_email(account, proof.email)
            account.password_hash = password_hash
            await proofs.void_resets(account.id)
            ended = await SessionRepository(session).end_all(account.id, self._clock(), "password_reset")
            self._tell(session, account.id, ended, by="reset")

    async def _proven(self, account_id: UUID, password: str) -> Account:
        """The account as it was when the password was checked against it."""
        async with self._database.unit() as session:
            account = await self._build_accounts(session).get(account_id)
            if account is None:
                raise IncorrectPassword
            taken = await self._budgets.take(session, account.account_id, account.id)
        matches, _ = await self._hasher.verify(password, account.password_hash)
        if not matches:
            raise IncorrectPassword
        async with self._database.unit() as session:
            await self._budgets.give_back(session, taken)
        return account

    def _tell(self, session: Session, account_id: UUID, ended: Iterable[UserSession], by: str) -> None:
        outbox = Outbox(session, self._clock)
        for one in ended:
            fact = SessionEnded(session_id=one.id, account_id=account_id, reason=one.end_reason or "")
            outbox.publish(fact, key=account_id)
        outbox.publish(PasswordChanged(account_id=account_id, by=by), key=account_id)

    def _proofs(self, session: Session) -> ProofService:
        return ProofService(session, self._build_accounts(session), self._keyring, self._clock)

"""What a mailed code does: proves an address, or lets somebody who forgot the password choose a new one."""

from uuid import UUID

from madang.accounts.models import Account
from madang.accounts.password_policy import PasswordPolicy
from madang.accounts.service import AccountService
from madang.db.session import Database, Session
from madang.kit.clock import Clock
from madang.kit.hashing import PasswordHasher
from madang.kit.secrets import Keyring
from madang.outbox.publish import Outbox
from madang.sessions.budget_service import BudgetService, may_mail
from madang.sessions.errors import EmailAlreadyVerified, NoEmail, TooManyMails, WrongMailCode
from madang.sessions.events import EmailProven, PasswordChanged, SessionEnded
from madang.sessions.models import MailProof
from madang.sessions.proof_service import RESET, VERIFY, ProofService
from madang.sessions.repository import SessionRepository
from madang.sessions.sign_in_service import BuildAccounts


class MailService:
    """Takes the database rather than a unit, as `SignInService` does: a new password is hashed between two units."""

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

    async def request_verification(self, account_id: UUID, email: str | None) -> None:
        """Mail a code to the address that waits, or to a new one, which then waits in its place.

        Whether somebody else has the address shows to its owner alone, by mail. Raises `NoEmail`,
        `EmailAlreadyVerified` or `TooManyMails`.
        """
        async with self._database.unit() as session:
            accounts = self._build_accounts(session)
            account = await accounts.locked(account_id)
            waiting = account and (email or account.unproven_email)
            if account is None or (not waiting and account.email is None):
                raise NoEmail
            if not waiting or waiting.casefold() == account.email_key:
                raise EmailAlreadyVerified
            if not await may_mail(session, waiting, self._clock()):
                raise TooManyMails(retry_after=3600)
            await accounts.propose_email(account, waiting)
            await self._proofs(session).request(VERIFY, waiting, account)

    async def request_reset(self, email: str) -> None:
        """Mail a code if the address is somebody's; the same is written either way, so an answer tells nothing."""
        async with self._database.unit() as session:
            if await may_mail(session, email, self._clock()):
                await self._proofs(session).request(RESET, email, None)

    async def verify(self, code: str) -> Account:
        """Make the address that the code was mailed to the account's; raises `WrongMailCode` or `EmailTaken`."""
        async with self._database.unit() as session:
            taken = await self._budgets.take_address(session)
            proof, account = await self._proven(session, VERIFY, code)
            former = account.email
            if not await self._proofs(session).use(proof, former):
                raise WrongMailCode
            await self._build_accounts(session).prove_email(account, proof.email)
            await self._proofs(session).void_resets(account.id)
            await self._budgets.give_address_back(session, taken)
            fact = EmailProven(account_id=account.id, proof_id=proof.id)
            Outbox(session, self._clock).publish(fact, key=account.id)
            return account

    async def reset(self, code: str, new_password: str) -> None:
        """Set a new password, which ends every session and makes the account's sign-in budgets whole again.

        It signs nobody in, so a second factor is asked for as ever. A password that the policy refuses leaves the code
        unused. Raises `WrongMailCode` or a problem of the policy.
        """
        async with self._database.unit() as session:
            taken = await self._budgets.take_address(session)
            _, seen = await self._proven(session, RESET, code)
            await self._budgets.give_address_back(session, taken)
        await self._policy.check(new_password, (seen.account_id, seen.email, seen.name), "new_password")
        password_hash = await self._hasher.hash(new_password)
        async with self._database.unit() as session:
            # Budgets before the account, the order in which sign-ins lock them.
            await self._budgets.forget(session, (seen.account_id, seen.email or ""))
            proof, account = await self._proven(session, RESET, code)
            if not await self._proofs(session).use(proof):
                raise WrongMailCode
            account.password_hash = password_hash
            await self._proofs(session).void_resets(account.id)
            await self._end_all(session, account.id)

    async def _proven(self, session: Session, purpose: str, code: str) -> tuple[MailProof, Account]:
        """What the code belongs to, the account locked; raises `WrongMailCode`."""
        proof = await self._proofs(session).find(purpose, code)
        account = await self._owner(self._build_accounts(session), proof)
        if proof is None or account is None:
            raise WrongMailCode
        return proof, account

    async def _owner(self, accounts: AccountService, proof: MailProof | None) -> Account | None:
        account = await accounts.locked(proof.account_id) if proof and proof.account_id else None
        if proof is None or account is None or not account.is_active:
            return None
        is_current = proof.purpose == VERIFY or account.email_key == proof.email_key
        return account if is_current else None

    async def _end_all(self, session: Session, account_id: UUID) -> None:
        outbox, reason = Outbox(session, self._clock), "password_reset"
        for one in await SessionRepository(session).end_all(account_id, self._clock(), reason):
            outbox.publish(SessionEnded(session_id=one.id, account_id=account_id, reason=reason), key=account_id)
        outbox.publish(PasswordChanged(account_id=account_id, by="reset"), key=account_id)

    def _proofs(self, session: Session) -> ProofService:
        return ProofService(session, self._keyring, self._clock)

"""A person's e-mail address: having a code mailed to it, and proving it by that code."""

from uuid import UUID

from madang.accounts.models import Account
from madang.db.session import Database
from madang.kit.clock import Clock
from madang.kit.secrets import Keyring
from madang.outbox.publish import Outbox
from madang.sessions.budget_service import LETTER_STEP, BudgetService, may_mail
from madang.sessions.errors import EmailAlreadyVerified, NoEmail, TooManyMails
from madang.sessions.events import EmailProven
from madang.sessions.proof_service import VERIFY, ProofService
from madang.sessions.sign_in_service import BuildAccounts


class EmailService:
    def __init__(
        self, database: Database, build_accounts: BuildAccounts, budgets: BudgetService, keyring: Keyring, clock: Clock
    ) -> None:
        self._database = database
        self._build_accounts = build_accounts
        self._budgets = budgets
        self._keyring = keyring
        self._clock = clock

    async def request_proof(self, account_id: UUID, email: str | None) -> None:
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
                raise TooManyMails(retry_after=LETTER_STEP.total_seconds())
            await accounts.propose_email(account, waiting)
            await ProofService(session, accounts, self._keyring, self._clock).request(VERIFY, waiting, account)

    async def prove(self, code: str) -> Account:
        """Make the address that the code was mailed to the account's; raises `WrongMailCode` or `EmailTaken`."""
        async with self._database.unit() as session:
            taken = await self._budgets.take_address(session)
            accounts = self._build_accounts(session)
            proofs = ProofService(session, accounts, self._keyring, self._clock)
            proof, account = await proofs.redeemable(code, VERIFY)
            await proofs.use(proof, former_email=account.email)
            await accounts.prove_email(account, proof.email)
            await proofs.void_resets(account.id)
            await self._budgets.give_address_back(session, taken)
            fact = EmailProven(account_id=account.id, proof_id=proof.id)
            Outbox(session, self._clock).publish(fact, key=account.id)
            return account

"""Signing in: sign-up, the password grant, and the first administrator."""

import hmac
from collections.abc import Callable

from madang.accounts.models import ADMIN, Account
from madang.accounts.password_policy import PasswordPolicy
from madang.accounts.schemas import NewAccount
from madang.accounts.service import AccountService, lock_administrators
from madang.db.session import Database, Session
from madang.kit.clock import Clock
from madang.kit.hashing import PasswordHasher
from madang.sessions.budget_service import BudgetService
from madang.sessions.errors import MfaRequired, SetupClosed, WrongCredentials, WrongFactor, WrongSetupCode
from madang.sessions.models import UserSession
from madang.sessions.opening_service import OpeningService, digest_of, grant_scope, password_mark
from madang.sessions.repository import SessionRepository
from madang.sessions.schemas import SetUp

BuildAccounts = Callable[[Session], AccountService]


class SignInService:
    """Takes the database rather than a unit: a password is hashed between two short units, never inside one."""

    def __init__(
        self,
        database: Database,
        build_accounts: BuildAccounts,
        opening: OpeningService,
        hasher: PasswordHasher,
        clock: Clock,
        policy: PasswordPolicy,
        budgets: BudgetService,
    ) -> None:
        self._database = database
        self._build_accounts = build_accounts
        self._opening = opening
        self._hasher = hasher
        self._clock = clock
        self._policy = policy
        self._budgets = budgets

    async def sign_up(self, new: NewAccount) -> Account:
        await self._policy.check(new.password, (new.account_id, new.email, new.name))
        password_hash = await self._hasher.hash(new.password)
        async with self._database.unit() as session:
            return await self._build_accounts(session).register(new, password_hash)

    async def set_up(self, body: SetUp, code: str) -> Account:
        """Make the first administrator; of two at once one succeeds. Raises `SetupClosed` or `WrongSetupCode`."""
        async with self._database.read_unit() as session:
            if await self._build_accounts(session).has_admin():
                raise SetupClosed
        if not hmac.compare_digest(body.code.strip().upper().encode(), code.encode()):
            raise WrongSetupCode
        await self._policy.check(body.password, (body.account_id,))
        password_hash = await self._hasher.hash(body.password)
        async with self._database.unit() as session:
            await lock_administrators(session)
            accounts = self._build_accounts(session)
            if await accounts.has_admin():
                raise SetupClosed
            new = NewAccount(account_id=body.account_id, password=body.password)
            return await accounts.register(new, password_hash, role=ADMIN)

    async def sign_in(self, name: str, password: str, scope: str | None) -> tuple[UserSession, str]:
        """A new session and its refresh token; unknown names take as long and answer the same as wrong passwords.

        The try is taken from the budgets before the password is looked at; raises `TooManySignIns` when one is used up,
        and `MfaRequired` when the password was right and a second factor is on.
        """
        granted = grant_scope(scope)
        async with self._database.unit() as session:
            account = await self._build_accounts(session).by_sign_in_name(name)
            taken = await self._budgets.take(session, name, account.id if account else None)
        usable = account is not None and account.is_active
        matches, better_hash = await self._hasher.verify(
            password, account.password_hash if account and usable else None
        )
        if account is None or not matches:
            raise WrongCredentials(target_id=account.id if account else None)
        async with self._database.unit() as session:
            await self._budgets.give_back(session, taken)
            account = await self._unchanged(session, account, better_hash)
            mfa_token = await self._opening.challenge(session, account, granted)
            if mfa_token is None:
                return await self._opening.open(session, account, granted, "pwd")
            methods = await self._opening.build_factors(session).methods(account.id)
        raise MfaRequired(mfa_token, methods)

    async def prove_factor(self, mfa_token: str, code: str) -> tuple[UserSession, str]:
        """A new session for a challenge and a code, both of which are used up.

        Raises `WrongFactor`, or `TooManySignIns` once ten tries of an account have failed, whatever the challenge.
        """
        digest, now = digest_of(mfa_token), self._clock()
        async with self._database.unit() as session:
            sessions = SessionRepository(session)
            challenge = await sessions.challenge(digest, now)
            if challenge is None:
                raise WrongFactor
            await self._budgets.take_factor(session, challenge.account_id)
            account = await self._build_accounts(session).locked(challenge.account_id)
            if account is None or not account.is_active or password_mark(account) != challenge.password_mark:
                raise WrongFactor
            method = await self._opening.build_factors(session).prove(account.id, code)
            if method is None or not await sessions.use_challenge(digest):
                raise WrongFactor
            await self._budgets.give_factor_back(session, account.id)
            first = "" if challenge.method == "pwd" else f"{challenge.method}+"
            return await self._opening.open(session, account, challenge.scope, first + method)

    async def _unchanged(self, session: Session, seen: Account, better_hash: str | None) -> Account:
        """The account, if it still is what the password was checked against."""
        account = await self._build_accounts(session).locked(seen.id)
        if account is None or not account.is_active or account.password_hash != seen.password_hash:
            raise WrongCredentials
        if better_hash is not None:
            account.password_hash = better_hash
        return account

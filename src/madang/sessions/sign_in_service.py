"""Signing in: sign-up, the password grant, and the first administrator."""

import hashlib
import hmac
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

from madang.accounts.models import ADMIN, Account
from madang.accounts.password_policy import PasswordPolicy
from madang.accounts.schemas import NewAccount
from madang.accounts.service import AccountService, lock_administrators
from madang.db.session import Database, Session
from madang.factors.service import FactorService
from madang.kit import refresh_token, tokens
from madang.kit.clock import Clock
from madang.kit.hashing import PasswordHasher
from madang.kit.origin import current_origin
from madang.kit.secrets import Keyring
from madang.outbox.publish import Outbox
from madang.sessions.budget_service import BudgetService
from madang.sessions.errors import InvalidScope, MfaRequired, SetupClosed, WrongCredentials, WrongFactor, WrongSetupCode
from madang.sessions.events import SessionStarted
from madang.sessions.models import SignInChallenge, UserSession
from madang.sessions.repository import SessionRepository
from madang.sessions.schemas import DEFAULT_SCOPE, OFFLINE, SetUp

BuildAccounts = Callable[[Session], AccountService]
BuildFactors = Callable[[Session], FactorService]
MFA_PREFIX = "mdm_"
MFA_TTL = timedelta(minutes=10)
UnitFactory = Callable[[], AbstractAsyncContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long sessions live: without use, at most, and how long a replaced refresh token is forgiven."""

    idle: timedelta
    absolute: timedelta
    grace: timedelta


class SignInService:
    """Takes the database rather than a unit: a password is hashed between two short units, never inside one."""

    def __init__(
        self,
        database: Database,
        build_accounts: BuildAccounts,
        build_factors: BuildFactors,
        hasher: PasswordHasher,
        keyring: Keyring,
        lifetimes: Lifetimes,
        clock: Clock,
        policy: PasswordPolicy,
        budgets: BudgetService,
    ) -> None:
        self._database = database
        self._build_accounts = build_accounts
        self._build_factors = build_factors
        self._hasher = hasher
        self._keyring = keyring
        self._lifetimes = lifetimes
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
            raise WrongCredentials
        async with self._database.unit() as session:
            await self._budgets.give_back(session, taken)
            account = await self._unchanged(session, account, better_hash)
            if not await self._build_factors(session).is_enrolled(account.id):
                return await self._open(session, account, granted, "pwd")
            mfa_token = await self._challenge(session, account, granted)
        raise MfaRequired(mfa_token)

    async def prove_factor(self, mfa_token: str, code: str) -> tuple[UserSession, str]:
        """A new session for a challenge and a code, both of which are used up.

        Raises `WrongFactor`, or `TooManySignIns` once ten tries of an account have failed, whatever the challenge.
        """
        digest, now = _digest(mfa_token), self._clock()
        async with self._database.unit() as session:
            sessions = SessionRepository(session)
            challenge = await sessions.challenge(digest, now)
            if challenge is None:
                raise WrongFactor
            await self._budgets.take_factor(session, challenge.account_id)
            account = await self._build_accounts(session).locked(challenge.account_id)
            if account is None or not account.is_active or _mark(account) != challenge.password_mark:
                raise WrongFactor
            method = await self._build_factors(session).prove(account.id, code)
            if method is None or not await sessions.use_challenge(digest):
                raise WrongFactor
            await self._budgets.give_factor_back(session, account.id)
            return await self._open(session, account, challenge.scope, method)

    async def _challenge(self, session: Session, account: Account, scope: str) -> str:
        token = tokens.encode(MFA_PREFIX, os.urandom(32))
        challenge = SignInChallenge(
            digest=_digest(token),
            account_id=account.id,
            scope=scope,
            password_mark=_mark(account),
            expires_at=self._clock() + MFA_TTL,
        )
        await SessionRepository(session).add_challenge(challenge)
        return token

    async def _unchanged(self, session: Session, seen: Account, better_hash: str | None) -> Account:
        """The account, if it still is what the password was checked against."""
        account = await self._build_accounts(session).locked(seen.id)
        if account is None or not account.is_active or account.password_hash != seen.password_hash:
            raise WrongCredentials
        if better_hash is not None:
            account.password_hash = better_hash
        return account

    async def _open(self, session: Session, account: Account, scope: str, method: str) -> tuple[UserSession, str]:
        started = self._new_session(account, scope, method)
        await SessionRepository(session).add(started)
        fact = SessionStarted(session_id=started.id, account_id=account.id)
        Outbox(session, self._clock).publish(fact, key=account.id)
        token = refresh_token.make(self._keyring, started.key_id, started.salt, started.id, started.counter)
        return started, token.encode() if token else ""

    def _new_session(self, account: Account, scope: str, method: str) -> UserSession:
        now, origin = self._clock(), current_origin()
        return UserSession(
            account_id=account.id,
            salt=os.urandom(refresh_token.SALT_BYTES),
            key_id=self._keyring.current_id,
            counter=0,
            rotated_at=now,
            scope=scope,
            method=method,
            authenticated_at=now,
            created_at=now,
            last_used_at=now,
            idle_expires_at=now + self._lifetimes.idle,
            expires_at=now + self._lifetimes.absolute,
            ip=origin.ip,
            user_agent=origin.user_agent,
        )


def _digest(mfa_token: str) -> bytes:
    return hashlib.sha256(mfa_token.encode()).digest()


def _mark(account: Account) -> bytes:
    return hashlib.sha256((account.password_hash or "").encode()).digest()


def grant_scope(asked: str | None) -> str:
    """What is granted: all a member has, or the subset asked for, in the order of `DEFAULT_SCOPE`."""
    known = [*DEFAULT_SCOPE.split(), OFFLINE]
    wanted = set((asked or "").split())
    if not wanted <= set(known):
        raise InvalidScope(known=" ".join(known))
    if not wanted - {OFFLINE}:
        wanted |= set(DEFAULT_SCOPE.split())
    return " ".join(scope for scope in known if scope in wanted)

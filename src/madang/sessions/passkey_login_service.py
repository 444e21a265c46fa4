"""Passkeys as the way in, as second factor, and as proof in between that it is still the same person."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

from madang.accounts.models import Account
from madang.db.session import Database, Session
from madang.factors.errors import PasskeyCounterBehind, PasskeyRefused
from madang.factors.models import Passkey
from madang.factors.passkey_service import LOGIN, VERIFY, PasskeyService
from madang.kit.clock import Clock
from madang.sessions.budget_service import BudgetService
from madang.sessions.errors import InvalidScope, MfaTokenInvalid, UnknownScope
from madang.sessions.models import SignInChallenge, UserSession
from madang.sessions.opening_service import OpeningService, digest_of, grant_scope, password_mark
from madang.sessions.repository import SessionRepository
from madang.sessions.sign_in_service import BuildAccounts

PASSKEY = "passkey"


class PasskeyLoginService:
    """A try is taken from its budget, and its challenge is used up, before the signature is looked at.

    A refusal is raised outside the unit that counted it, so that the count stays; one in the second unit undoes it, so
    that the try is not given back.
    """

    def __init__(
        self,
        database: Database,
        build_accounts: BuildAccounts,
        opening: OpeningService,
        passkeys: PasskeyService,
        budgets: BudgetService,
        clock: Clock,
    ) -> None:
        self._database = database
        self._build_accounts = build_accounts
        self._opening = opening
        self._passkeys = passkeys
        self._budgets = budgets
        self._clock = clock

    async def ask(self, mfa_token: str | None) -> dict[str, Any]:
        """Options for any passkey of this site or, with the token of a sign-in, for those of its account.

        Raises `MfaTokenInvalid`, or `NoSuchPasskey` when that account has none.
        """
        if mfa_token is None:
            return await self._passkeys.ask(LOGIN)
        digest = digest_of(mfa_token)
        async with self._database.read_unit() as session:
            challenge = await self._challenge(session, digest)
        return await self._passkeys.ask(LOGIN, challenge.account_id, mfa_digest=digest, must_verify=False)

    async def ask_again(self, account_id: UUID) -> dict[str, Any]:
        """Options to prove again who one is; raises `NoSuchPasskey`."""
        return await self._passkeys.ask(VERIFY, account_id)

    async def sign_in(self, answer: Mapping[str, Any], scope: str | None) -> tuple[UserSession, str]:
        """A new session for a passkey that verified its person, which is both factors, and its refresh token.

        Raises `TooManySignIns`, `UnknownScope`, or what is wrong with the answer.
        """
        with _scope_as_a_problem():
            return await self._enter(answer, grant_scope(scope))

    async def _enter(self, answer: Mapping[str, Any], scope: str) -> tuple[UserSession, str]:
        assertion = self._passkeys.read(answer, must_verify=True)
        async with self._database.unit() as session:
            taken = await self._budgets.take_address(session)
            redeemed = await self._passkeys.redeem(session, assertion, LOGIN)
        passkey, used = self._passkeys.check(redeemed)
        async with self._unit(passkey) as session:
            await self._budgets.give_address_back(session, taken)
            account = await self._usable(session, passkey)
            await self._passkeys.note_use(session, passkey, used)
            return await self._opening.open(session, account, scope, PASSKEY)

    async def complete(self, answer: Mapping[str, Any], mfa_token: str) -> tuple[UserSession, str]:
        """A new session for a sign-in whose password was right, which is used up; its scope was asked for then.

        Raises `MfaTokenInvalid`, `TooManySignIns` once ten tries of an account have failed, or what is wrong with the
        answer.
        """
        digest = digest_of(mfa_token)
        assertion = self._passkeys.read(answer, must_verify=False)
        async with self._database.unit() as session:
            challenge = await self._challenge(session, digest)
            await self._budgets.take_factor(session, challenge.account_id)
            redeemed = await self._passkeys.redeem(session, assertion, LOGIN, mfa_digest=digest)
        passkey, used = self._passkeys.check(redeemed, owner=challenge.account_id)
        async with self._unit(passkey) as session:
            await self._budgets.give_factor_back(session, challenge.account_id)
            account = await self._usable(session, passkey)
            is_unchanged = password_mark(account) == challenge.password_mark
            if not is_unchanged or not await SessionRepository(session).use_challenge(digest):
                raise MfaTokenInvalid
            await self._passkeys.note_use(session, passkey, used)
            return await self._opening.open(session, account, challenge.scope, f"{challenge.method}+{PASSKEY}")

    async def verify(self, account_id: UUID, session_id: UUID, answer: Mapping[str, Any]) -> None:
        """Make the session fresh again; counted like a failed sign-in when the answer is wrong."""
        assertion = self._passkeys.read(answer, must_verify=True)
        async with self._database.unit() as session:
            taken = await self._budgets.take_address(session)
            redeemed = await self._passkeys.redeem(session, assertion, VERIFY, account_id=account_id)
        passkey, used = self._passkeys.check(redeemed, owner=account_id)
        async with self._unit(passkey) as session:
            await self._budgets.give_address_back(session, taken)
            await self._usable(session, passkey)
            await self._passkeys.note_use(session, passkey, used)
            await SessionRepository(session).authenticated(session_id, self._clock())

    @asynccontextmanager
    async def _unit(self, passkey: Passkey) -> AsyncIterator[Session]:
        """A unit that is undone when the passkey seems to be copied, after which its owner is told."""
        try:
            async with self._database.unit() as session:
                yield session
        except PasskeyCounterBehind:
            await self._passkeys.tell_of_clone(passkey)
            raise

    async def _challenge(self, session: Session, digest: bytes) -> SignInChallenge:
        challenge = await SessionRepository(session).challenge(digest, self._clock())
        if challenge is None:
            raise MfaTokenInvalid
        return challenge

    async def _usable(self, session: Session, passkey: Passkey) -> Account:
        account = await self._build_accounts(session).locked(passkey.account_id)
        if account is None or not account.is_active:
            raise PasskeyRefused
        return account


@contextmanager
def _scope_as_a_problem() -> Iterator[None]:
    """The token endpoint's error is no problem, which this way in answers."""
    try:
        yield
    except InvalidScope as error:
        raise UnknownScope(known=error.values["known"]) from None

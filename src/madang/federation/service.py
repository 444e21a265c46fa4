"""Whose account an identity opens, and linking and unlinking one's own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from madang.accounts.errors import AccountIdTaken, EmailTaken
from madang.accounts.models import Account
from madang.accounts.service import Newcomer
from madang.backends.oidc.base import Claims, IdentityProvider
from madang.db.session import Database, Session
from madang.federation.errors import (
    AccountDisabled,
    IdentityTaken,
    LastWayIn,
    LinkingEnded,
    NoSuchIdentity,
    ProviderError,
)
from madang.federation.events import IdentityLinked, IdentityUnlinked
from madang.federation.models import Identity
from madang.federation.repository import FederationRepository
from madang.kit.clock import Clock
from madang.kit.ids import new_id
from madang.kit.urls import GOOGLE_ISSUER
from madang.outbox.publish import Outbox
from madang.sessions.events import NoticeDue
from madang.sessions.models import UserSession
from madang.sessions.opening_service import OpeningService, grant_scope
from madang.sessions.service import SessionService
from madang.sessions.sign_in_service import BuildAccounts

SessionsOf = Callable[[Session], SessionService]
_GMAIL = "@gmail.com"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class SignedIn:
    started: UserSession
    refresh_token: str


@dataclass(frozen=True, slots=True)
class FactorAwaited:
    """The token that a second factor completes, and what that may be."""

    mfa_token: str
    methods: list[str]


class FederationService:
    def __init__(
        self,
        database: Database,
        build_accounts: BuildAccounts,
        opening: OpeningService,
        sessions: SessionsOf,
        providers: Mapping[str, IdentityProvider],
        clock: Clock,
    ) -> None:
        self._database = database
        self._build_accounts = build_accounts
        self._opening = opening
        self._sessions = sessions
        self._providers = providers
        self._clock = clock

    async def sign_in(self, provider: str, claims: Claims) -> SignedIn | FactorAwaited:
        """Open a session for whoever has this identity, making an account if need be; raises `AccountDisabled`.

        Two first sign-ins at once may both find nothing: the one that comes too late looks again.
        """
        for _ in range(_TRIES):
            with suppress(AccountIdTaken, EmailTaken, IdentityTaken):
                async with self._database.unit() as session:
                    return await self._sign_in(session, provider, claims)
        raise ProviderError

    async def link(self, provider: str, claims: Claims, account_id: UUID, session_id: UUID) -> None:
        """Link the identity to the account, if the session that asked still lives.

        Raises `LinkingEnded`, or `IdentityTaken` when it opens another account.
        """
        async with self._database.unit() as session:
            account = await self._build_accounts(session).locked(account_id)
            live = await self._sessions(session).live_of(account_id)
            if account is None or not account.is_active or session_id not in {one.id for one in live}:
                raise LinkingEnded
            identities = FederationRepository(session)
            await identities.release(claims)
            known = await identities.by_subject(claims.issuer, claims.subject)
            if known is None:
                await self._add(session, provider, claims, account, "owner")
            elif known.account_id != account_id:
                raise IdentityTaken

    async def of_account(self, account_id: UUID) -> Sequence[Identity]:
        async with self._database.read_unit() as session:
            return await FederationRepository(session).of_account(account_id)

    async def unlink(self, account_id: UUID, identity_id: UUID) -> None:
        """Raises `NoSuchIdentity`, or `LastWayIn` when neither a password nor another identity opens the account.

        A passkey does not count, since it may be removed as well. The account is locked, so two at once can't remove
        the last two.
        """
        async with self._database.unit() as session:
            account = await self._build_accounts(session).locked(account_id)
            identities = FederationRepository(session)
            own = {one.id: one for one in await identities.of_account(account_id)}
            identity = own.pop(identity_id, None)
            if account is None or identity is None:
                raise NoSuchIdentity
            if account.password_hash is None and not self._opens_any(own.values()):
                raise LastWayIn
            await identities.remove(identity)
            fact = IdentityUnlinked(identity_id=identity.id, account_id=account_id, provider=identity.provider)
            self._tell(session, fact, "identity_unlinked")

    async def _sign_in(self, session: Session, provider: str, claims: Claims) -> SignedIn | FactorAwaited:
        account = await self._known(session, claims) or await self._newcomer(session, provider, claims)
        if not account.is_active:
            raise AccountDisabled
        method = f"oidc:{provider}{'+mfa' if 'mfa' in claims.methods else ''}"
        scope = grant_scope(None)
        mfa_token = await self._opening.challenge(session, account, scope, f"oidc:{provider}")
        if mfa_token is not None:
            return FactorAwaited(mfa_token, await self._opening.build_factors(session).methods(account.id))
        started, refresh_token = await self._opening.open(session, account, scope, method)
        if claims.authenticated_at is not None:
            started.authenticated_at = min(started.authenticated_at, claims.authenticated_at)
        return SignedIn(started, refresh_token)

    async def _known(self, session: Session, claims: Claims) -> Account | None:
        identities = FederationRepository(session)
        await identities.release(claims)
        account_id = await identities.use(claims, self._clock())
        return await self._build_accounts(session).locked(account_id) if account_id else None

    async def _newcomer(self, session: Session, provider: str, claims: Claims) -> Account:
        """The account that has proven the address which the provider vouches for, or else a new one."""
        accounts, email = self._build_accounts(session), claims.email
        holder = await accounts.by_email(email) if email and is_email_proven(claims) else None
        owner = await accounts.locked(holder.id) if holder and is_same_address(holder.email, email) else None
        if owner is not None and not owner.is_active:
            raise AccountDisabled
        if owner is not None and is_same_address(owner.email, email):
            await self._add(session, provider, claims, owner, "email")
            return owner
        is_proven = is_email_proven(claims) and holder is None
        account = await accounts.admit(Newcomer(provider, claims.name, email, claims.language, is_proven))
        await self._add(session, provider, claims, account, "sign_up")
        return account

    async def _add(self, session: Session, provider: str, claims: Claims, account: Account, by: str) -> None:
        now = self._clock()
        identity = Identity(
            id=new_id(),
            account_id=account.id,
            provider=provider,
            issuer=claims.issuer,
            subject=claims.subject,
            email=claims.email,
            email_verified=claims.is_email_verified,
            created_at=now,
            last_used_at=now,
        )
        await FederationRepository(session).add(identity)
        fact = IdentityLinked(identity_id=identity.id, account_id=account.id, provider=provider, by=by)
        self._tell(session, fact, None if by == "sign_up" else "identity_linked")

    def _tell(self, session: Session, fact: IdentityLinked | IdentityUnlinked, notice: str | None) -> None:
        outbox = Outbox(session, self._clock)
        outbox.publish(fact, key=fact.account_id)
        if notice is not None:
            provider = self._providers.get(fact.provider)
            label = provider.label if provider else fact.provider
            outbox.publish(NoticeDue(notice=notice, account_id=fact.account_id, provider=label), key=new_id())

    def _opens_any(self, identities: Iterable[Identity]) -> bool:
        """Whether one of them is of an issuer that can still be asked."""
        issuers = {one.issuer for one in self._providers.values()}
        return any(one.issuer in issuers for one in identities)


def is_email_proven(claims: Claims) -> bool:
    """Whether the provider may be believed about the address.

    Google verifies an address once and is no authority for it afterwards, unless it runs that mailbox: its own
    domain, or one that a Google Workspace hosts (`hd`).
    """
    if claims.email is None or not claims.is_email_verified:
        return False
    return (
        claims.issuer != GOOGLE_ISSUER or claims.email.casefold().endswith(_GMAIL) or claims.hosted_domain is not None
    )


def is_same_address(one: str | None, other: str | None) -> bool:
    """Letter for letter, but for the case of ASCII: other scripts have letters that only look alike when folded."""
    return one is not None and other is not None and one.encode().lower() == other.encode().lower()

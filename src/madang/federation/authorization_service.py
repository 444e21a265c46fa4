"""Sending a browser to a provider, and making sure of what it brings back."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from madang.backends.oidc.base import (
    Answer,
    Claims,
    IdentityProvider,
    ProviderRefused,
    ProviderUnavailable,
    Request,
)
from madang.db.session import Database
from madang.federation.errors import (
    AccessDenied,
    NoSuchProvider,
    ProviderAway,
    ProviderError,
    ReauthenticationFailed,
    UnknownState,
    UnprovenIdentity,
    UnsafeNext,
)
from madang.federation.models import OidcState
from madang.federation.repository import FederationRepository
from madang.kit.clock import Clock
from madang.kit.return_to import is_safe_return
from madang.kit.secrets import Keyring, UnreadableSecret
from madang.kit.urls import GOOGLE_ISSUER

LOGIN, LINK = "login", "link"
STATE_TTL = timedelta(minutes=10)
CLOCK_SKEW = timedelta(seconds=60)
_RANDOM_BYTES = 32
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
log = structlog.get_logger("madang.federation")


@dataclass(frozen=True, slots=True)
class Site:
    """Where providers send browsers back to, and the origins that `next` may lead to."""

    url: str
    origins: frozenset[str]

    def callback(self, provider: str) -> str:
        return f"{self.url}/api/v1/auth/{provider}/callback"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a sign-in is for; with an account, its session links an identity to it."""

    next: str | None = None
    is_fresh: bool = False
    account_id: UUID | None = None
    session_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the cookie that it comes back with."""

    url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Returned:
    """The parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207)."""

    state: str | None
    code: str | None
    error: str | None
    issuer: str | None


class AuthorizationService:
    """Takes the database rather than a unit: providers are asked between two short units, never inside one."""

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, IdentityProvider],
        keyring: Keyring,
        site: Site,
        clock: Clock,
    ) -> None:
        self._database = database
        self._providers = providers
        self._keyring = keyring
        self._site = site
        self._clock = clock

    async def begin(self, name: str, browser: str | None, wish: Wish) -> Begun:
        """Raises `NoSuchProvider`, `UnsafeNext` or `ProviderAway`; nothing is stored before all is well.

        The browser's cookie is used again while it lives, so that several tabs can sign in at once.
        """
        provider = self._provider(name)
        if wish.next is not None and not is_safe_return(wish.next, self._site.origins):
            raise UnsafeNext
        browser = browser if browser and _BROWSER.fullmatch(browser) else secrets.token_urlsafe(_RANDOM_BYTES)
        request = Request(
            state=secrets.token_urlsafe(_RANDOM_BYTES),
            nonce=secrets.token_urlsafe(_RANDOM_BYTES),
            code_verifier=secrets.token_urlsafe(_RANDOM_BYTES),
            redirect_uri=self._site.callback(name),
            is_fresh=wish.is_fresh,
        )
        try:
            url = await provider.authorization_url(request)
        except ProviderUnavailable as error:
            raise self._away(name, error) from error
        async with self._database.unit() as session:
            await FederationRepository(session).add_state(self._state(name, browser, request, wish))
        return Begun(url, browser)

    async def use_state(self, name: str, returned: Returned, browser: str | None) -> tuple[OidcState, bool]:
        """What was begun, which is used up by this, and whether the browser has begun more; raises `UnknownState`."""
        self._provider(name)
        if not returned.state or not browser:
            raise UnknownState
        now, browser_digest = self._clock(), digest_of(browser)
        async with self._database.unit() as session:
            states = FederationRepository(session)
            state = await states.use_state(digest_of(returned.state), name, browser_digest, now)
            if state is None:
                raise UnknownState
            return state, await states.has_states(browser_digest, now)

    async def prove(self, state: OidcState, returned: Returned) -> Claims:
        """Who came back. Raises `UnprovenIdentity`, or one of the problems that bring the browser back."""
        provider = self._provider(state.provider)
        try:
            if not await provider.is_own_issuer(returned.issuer):
                raise ProviderRefused("the response names another issuer")
            _ensure_success(returned)
            claims = await provider.redeem(self._answer(state, returned))
        except ProviderUnavailable as error:
            raise self._away(state.provider, error) from error
        except ProviderRefused as error:
            log.warning("a provider's answer was refused", provider=state.provider, reason=str(error))
            raise UnprovenIdentity from None
        if state.is_fresh:
            _ensure_fresh(state, claims)
        return claims

    def _provider(self, name: str) -> IdentityProvider:
        provider = self._providers.get(name)
        if provider is None:
            raise NoSuchProvider
        return provider

    def _state(self, name: str, browser: str, request: Request, wish: Wish) -> OidcState:
        return OidcState(
            digest=digest_of(request.state),
            provider=name,
            browser=digest_of(browser),
            nonce=digest_of(request.nonce),
            sealed_verifier=self._keyring.seal(request.code_verifier.encode()),
            purpose=LINK if wish.account_id else LOGIN,
            next=wish.next,
            is_fresh=wish.is_fresh,
            account_id=wish.account_id,
            session_id=wish.session_id,
            expires_at=self._clock() + STATE_TTL,
        )

    def _answer(self, state: OidcState, returned: Returned) -> Answer:
        try:
            verifier = self._keyring.unseal(state.sealed_verifier).decode()
        except UnreadableSecret:
            raise UnknownState from None
        return Answer(returned.code or "", verifier, state.nonce, self._site.callback(state.provider))

    def _away(self, name: str, error: ProviderUnavailable) -> ProviderAway:
        log.warning("a provider does not answer", provider=name, reason=str(error))
        return ProviderAway(retry_after=5)


def digest_of(secret: str) -> bytes:
    """What is stored of a random value that comes back."""
    return hashlib.sha256(secret.encode()).digest()


def _ensure_success(returned: Returned) -> None:
    if returned.error == "access_denied":
        raise AccessDenied
    if returned.error or not returned.code:
        raise ProviderError


def _ensure_fresh(state: OidcState, claims: Claims) -> None:
    """`max_age` was asked for, so `auth_time` must be there (Core §3.1.3.7); Google alone never gives it."""
    asked = state.expires_at - STATE_TTL
    if claims.authenticated_at is None:
        if claims.issuer != GOOGLE_ISSUER:
            raise ReauthenticationFailed
    elif claims.authenticated_at < asked - CLOCK_SKEW:
        raise ReauthenticationFailed

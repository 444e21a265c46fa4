"""Builds the services of sessions."""

import base64
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request, Response

from madang.accounts.deps import build_accounts, build_password_policy
from madang.apikeys.authentication_service import ApiKeyAuthenticationService
from madang.db.session import Session
from madang.factors.deps import build_passkeys
from madang.factors.service import FactorService
from madang.http.client_address import limit_key
from madang.http.cookies import device_cookie_name, set_device_cookie, set_session_cookies
from madang.http.limits import Limiter
from madang.http.state import App, Running, running
from madang.http.unit import ReadUnit, Unit
from madang.kit.origin import current_origin
from madang.kit.scopes import OFFLINE
from madang.kit.secrets import Keyring
from madang.sessions.authentication_service import AuthenticationService
from madang.sessions.budget_service import Budget, BudgetService
from madang.sessions.closing_service import ClosingService
from madang.sessions.email_service import EmailService
from madang.sessions.errors import MailSwitchedOff
from madang.sessions.introspection_service import IntrospectionService
from madang.sessions.models import UserSession
from madang.sessions.opening_service import Lifetimes, OpeningService, device_of
from madang.sessions.passkey_login_service import PasskeyLoginService
from madang.sessions.password_service import PasswordService
from madang.sessions.rotation_service import RotationService
from madang.sessions.schemas import TokenView
from madang.sessions.service import SessionService
from madang.sessions.sign_in_service import SignInService


def lifetimes(app: Running) -> Lifetimes:
    settings = app.settings
    return Lifetimes(
        timedelta(seconds=settings.refresh_idle_ttl),
        timedelta(seconds=settings.refresh_absolute_ttl),
        timedelta(seconds=settings.refresh_grace),
    )


def setup_code(keyring: Keyring) -> str:
    """The code that makes the first administrator: derived, so every server of the installation knows the same."""
    text = base64.b32encode(keyring.current_key("setup code"))[:16].decode()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _budgets(request: Request) -> BudgetService:
    """The budgets of failed sign-ins, and whose try this request would be."""
    limiter: Limiter = request.app.state.limiter
    account, address = (
        Budget(name, *limit) if (limit := limiter.budget(name)) else None
        for name in ("sign_in_account", "sign_in_address")
    )
    return BudgetService(account, address, limit_key(current_origin().ip or ""), running(request).clock)


def build_opening(request: Request) -> OpeningService:
    app = running(request)
    device = request.cookies.get(device_cookie_name(app.settings))

    def build_factors(session: Session) -> FactorService:
        return FactorService(session, app.keyring, app.clock)

    return OpeningService(build_factors, app.keyring, lifetimes(app), app.clock, device)


async def _sign_in(request: Request) -> SignInService:
    app = running(request)
    return SignInService(
        app.backends.database,
        lambda session: build_accounts(session, app.clock),
        build_opening(request),
        app.hasher,
        app.clock,
        build_password_policy(app.settings, app.backends.breaches),
        _budgets(request),
    )


async def _passkey_login(request: Request) -> PasskeyLoginService:
    app = running(request)
    return PasskeyLoginService(
        app.backends.database,
        lambda session: build_accounts(session, app.clock),
        build_opening(request),
        build_passkeys(request),
        _budgets(request),
        app.clock,
    )


async def _passwords(request: Request) -> PasswordService:
    app = running(request)
    return PasswordService(
        app.backends.database,
        lambda session: build_accounts(session, app.clock),
        app.hasher,
        build_password_policy(app.settings, app.backends.breaches),
        _budgets(request),
        app.keyring,
        app.clock,
    )


async def _emails(request: Request) -> EmailService:
    app = running(request)
    return EmailService(
        app.backends.database,
        lambda session: build_accounts(session, app.clock),
        _budgets(request),
        app.keyring,
        app.clock,
    )


async def _mail_is_on(app: App) -> None:
    if app.backends.mail is None:
        raise MailSwitchedOff


async def _rotation(request: Request) -> RotationService:
    app = running(request)
    return RotationService(app.backends.database, app.keyring, lifetimes(app), app.clock)


async def _sessions(app: App, session: Unit) -> SessionService:
    return SessionService(session, app.keyring, app.clock)


async def _sessions_reading(app: App, session: ReadUnit) -> SessionService:
    return SessionService(session, app.keyring, app.clock)


async def _authentication(request: Request) -> AuthenticationService:
    service = running(request).authenticator.access_tokens
    assert isinstance(service, AuthenticationService)  # noqa: S101 - app.py fills it with nothing else
    return service


async def _closing(app: App, session: Unit) -> ClosingService:
    return ClosingService(session, build_accounts(session, app.clock), app.clock)


async def _introspecting(request: Request) -> IntrospectionService:
    app = running(request)
    api_keys = ApiKeyAuthenticationService(app.backends.database, app.clock)
    return IntrospectionService(app.backends.database, await _authentication(request), api_keys, app.keyring, app.clock)


def grant(
    response: Response, app: Running, authentication: AuthenticationService, started: UserSession, live: str
) -> TokenView:
    """Put a session's pair of tokens into the response's cookies; returns what the body may say of them."""
    access, life = authentication.issue(started)
    until = min(started.idle_expires_at, started.expires_at) - app.clock()
    set_session_cookies(
        response,
        app.settings,
        access=access,
        access_age=life,
        refresh=live,
        refresh_age=max(0, int(until.total_seconds())),
    )
    if started.counter == 0:
        set_device_cookie(response, app.settings, device_of(app.keyring, started.id))
    response.headers["Cache-Control"] = "no-store"
    offered = live if OFFLINE in started.scope.split() else None
    return TokenView(access_token=access, expires_in=life, scope=started.scope, refresh_token=offered)


SignIn = Annotated[SignInService, Depends(_sign_in)]
PasskeyLogin = Annotated[PasskeyLoginService, Depends(_passkey_login)]
Passwords = Annotated[PasswordService, Depends(_passwords)]
Emails = Annotated[EmailService, Depends(_emails)]
mail_is_on = Depends(_mail_is_on)
Rotation = Annotated[RotationService, Depends(_rotation)]
Sessions = Annotated[SessionService, Depends(_sessions)]
SessionsReading = Annotated[SessionService, Depends(_sessions_reading)]
Opening = Annotated[OpeningService, Depends(build_opening)]
Closing = Annotated[ClosingService, Depends(_closing)]
Introspecting = Annotated[IntrospectionService, Depends(_introspecting)]
Authentication = Annotated[AuthenticationService, Depends(_authentication)]

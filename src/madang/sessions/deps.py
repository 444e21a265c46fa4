"""Builds the services of sessions."""

import base64
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from madang.accounts.deps import build_accounts, build_password_policy
from madang.factors.service import FactorService
from madang.http.client_address import limit_key
from madang.http.limits import Limiter
from madang.http.state import App, Running, running
from madang.http.unit import ReadUnit, Unit
from madang.kit.origin import current_origin
from madang.kit.secrets import Keyring
from madang.sessions.authentication_service import AuthenticationService
from madang.sessions.budget_service import Budget, BudgetService
from madang.sessions.password_service import PasswordService
from madang.sessions.rotation_service import RotationService
from madang.sessions.service import SessionService
from madang.sessions.sign_in_service import Lifetimes, SignInService


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


async def _sign_in(request: Request) -> SignInService:
    app = running(request)
    return SignInService(
        app.backends.database,
        lambda session: build_accounts(session, app.clock),
        lambda session: FactorService(session, app.keyring, app.clock),
        app.hasher,
        app.keyring,
        lifetimes(app),
        app.clock,
        build_password_policy(app.settings, app.backends.breaches),
        _budgets(request),
    )


async def _passwords(request: Request) -> PasswordService:
    app = running(request)
    return PasswordService(
        app.backends.database,
        lambda session: build_accounts(session, app.clock),
        app.hasher,
        build_password_policy(app.settings, app.backends.breaches),
        _budgets(request),
        app.clock,
    )


async def _rotation(request: Request) -> RotationService:
    app = running(request)
    return RotationService(app.backends.database, app.keyring, lifetimes(app), app.clock)


async def _sessions(app: App, session: Unit) -> SessionService:
    return SessionService(session, app.keyring, app.clock)


async def _sessions_reading(app: App, session: ReadUnit) -> SessionService:
    return SessionService(session, app.keyring, app.clock)


async def _authentication(request: Request) -> AuthenticationService:
    service = running(request).authenticator
    assert isinstance(service, AuthenticationService)  # noqa: S101 - app.py fills it with nothing else
    return service


SignIn = Annotated[SignInService, Depends(_sign_in)]
Passwords = Annotated[PasswordService, Depends(_passwords)]
Rotation = Annotated[RotationService, Depends(_rotation)]
Sessions = Annotated[SessionService, Depends(_sessions)]
SessionsReading = Annotated[SessionService, Depends(_sessions_reading)]
Authentication = Annotated[AuthenticationService, Depends(_authentication)]

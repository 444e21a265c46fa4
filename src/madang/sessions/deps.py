"""Builds the services of sessions."""

import base64
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from madang.accounts.deps import build_accounts
from madang.http.state import App, Running, running
from madang.http.unit import ReadUnit, Unit
from madang.kit.secrets import Keyring
from madang.sessions.authentication_service import AuthenticationService
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


async def _sign_in(app: App) -> SignInService:
    return SignInService(
        app.backends.database,
        lambda session: build_accounts(session, app.clock),
        app.hasher,
        app.keyring,
        lifetimes(app),
        app.clock,
        app.settings.password_min_length,
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
Rotation = Annotated[RotationService, Depends(_rotation)]
Sessions = Annotated[SessionService, Depends(_sessions)]
SessionsReading = Annotated[SessionService, Depends(_sessions_reading)]
Authentication = Annotated[AuthenticationService, Depends(_authentication)]

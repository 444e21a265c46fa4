"""Builds the services of federated sign-in."""

from typing import Annotated

from fastapi import Depends, Request

from madang.accounts.deps import build_accounts
from madang.federation.authorization_service import AuthorizationService, Site
from madang.federation.service import FederationService
from madang.http.state import running
from madang.kit.urls import origin_of
from madang.sessions.deps import build_opening
from madang.sessions.service import SessionService
from madang.settings import Settings


def build_site(settings: Settings) -> Site:
    places = [settings.site, *([settings.frontend_url] if settings.frontend_url else [])]
    return Site(settings.site, frozenset(origin_of(place) for place in places))


async def _authorization(request: Request) -> AuthorizationService:
    app = running(request)
    return AuthorizationService(
        app.backends.database,
        app.backends.identity_providers,
        app.keyring,
        build_site(app.settings),
        app.clock,
    )


async def _federation(request: Request) -> FederationService:
    app = running(request)
    return FederationService(
        app.backends.database,
        lambda session: build_accounts(session, app.clock),
        build_opening(request),
        lambda session: SessionService(session, app.keyring, app.clock),
        app.backends.identity_providers,
        app.clock,
    )


Authorization = Annotated[AuthorizationService, Depends(_authorization)]
Federation = Annotated[FederationService, Depends(_federation)]

"""Builds the services of second factors and passkeys."""

from typing import Annotated

from fastapi import Depends, Request

from madang.db.session import Session
from madang.factors.passkey_service import PasskeyService
from madang.factors.service import FactorService
from madang.http.csrf import own_origin
from madang.http.state import App, running
from madang.http.unit import ReadUnit, Unit
from madang.kit.passkeys import relying_party


async def _writing(app: App, session: Unit) -> FactorService:
    return FactorService(session, app.keyring, app.clock)


async def _reading(app: App, session: ReadUnit) -> FactorService:
    return FactorService(session, app.keyring, app.clock)


def build_passkeys(request: Request) -> PasskeyService:
    """Without a public URL the page may be on any port of this machine, so the request's own loopback origin counts."""
    app = running(request)
    own = own_origin(request.url.scheme, request.headers.get("host", ""), app.settings, behind_proxy=False)

    def build_factors(session: Session) -> FactorService:
        return FactorService(session, app.keyring, app.clock)

    party = relying_party(app.settings.site, app.settings.frontend_url, own)
    return PasskeyService(app.backends.database, party, build_factors, app.clock)


async def _passkeys(request: Request) -> PasskeyService:
    return build_passkeys(request)


Factors = Annotated[FactorService, Depends(_writing)]
FactorsReading = Annotated[FactorService, Depends(_reading)]
Passkeys = Annotated[PasskeyService, Depends(_passkeys)]

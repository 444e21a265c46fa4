"""Builds the service of second factors."""

from typing import Annotated

from fastapi import Depends

from madang.factors.service import FactorService
from madang.http.state import App
from madang.http.unit import ReadUnit, Unit


async def _writing(app: App, session: Unit) -> FactorService:
    return FactorService(session, app.keyring, app.clock)


async def _reading(app: App, session: ReadUnit) -> FactorService:
    return FactorService(session, app.keyring, app.clock)


Factors = Annotated[FactorService, Depends(_writing)]
FactorsReading = Annotated[FactorService, Depends(_reading)]

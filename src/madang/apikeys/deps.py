"""Builds the service of API keys."""

from typing import Annotated

from fastapi import Depends

from madang.accounts.deps import build_accounts
from madang.apikeys.service import ApiKeyService
from madang.http.state import App
from madang.http.unit import ReadUnit, Unit


async def _writing(app: App, session: Unit) -> ApiKeyService:
    return ApiKeyService(session, build_accounts(session, app.clock), app.clock)


async def _reading(app: App, session: ReadUnit) -> ApiKeyService:
    return ApiKeyService(session, build_accounts(session, app.clock), app.clock)


ApiKeys = Annotated[ApiKeyService, Depends(_writing)]
ApiKeysReading = Annotated[ApiKeyService, Depends(_reading)]

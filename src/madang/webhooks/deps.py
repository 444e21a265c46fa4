"""Builds the service of webhooks."""

from typing import Annotated

from fastapi import Depends

from madang.http.state import App
from madang.http.unit import ReadUnit, Unit
from madang.webhooks.service import WebhookService


async def _writing(session: Unit, app: App) -> WebhookService:
    return WebhookService(session, app.keyring, app.clock)


async def _reading(session: ReadUnit, app: App) -> WebhookService:
    return WebhookService(session, app.keyring, app.clock)


Webhooks = Annotated[WebhookService, Depends(_writing)]
WebhooksReading = Annotated[WebhookService, Depends(_reading)]

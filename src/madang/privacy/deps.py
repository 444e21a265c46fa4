"""Builds the service of exports."""

from typing import Annotated

from fastapi import Depends

from madang.http.state import App
from madang.privacy.service import ExportService


async def _exports(app: App) -> ExportService:
    return ExportService(app.backends.database, app.backends.storage, app.clock)


Exports = Annotated[ExportService, Depends(_exports)]

"""Builds the service of the trail."""

from typing import Annotated

from fastapi import Depends

from madang.audit.service import AuditService
from madang.http.unit import ReadUnit


async def _trail(session: ReadUnit) -> AuditService:
    return AuditService(session)


Trail = Annotated[AuditService, Depends(_trail)]

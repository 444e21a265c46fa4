"""Requests and responses of exports."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from madang.kit.schemas import Body, View


class NewExport(Body):
    include: list[Literal["media"]] = Field([], max_length=1, description="the files themselves, not their names alone")


class ExportView(View):
    id: UUID
    state: Literal["queued", "running", "ready", "failed"]
    includes_media: bool
    size: int | None = Field(description="bytes of the archive")
    created_at: datetime
    expires_at: datetime | None = Field(description="when the archive goes")


class ExportWithLink(ExportView):
    download_url: str | None = Field(description="once it is ready, until it expires")

"""Facts of one's own data."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class ExportRequested(Event):
    name: ClassVar[str] = "privacy.export_requested.v1"
    export_id: UUID
    account_id: UUID


class ErasureDue(Event):
    """The grace time of a deleted account is over."""

    name: ClassVar[str] = "privacy.erasure_due.v1"
    account_id: UUID

"""Facts of captions."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class CaptionRequested(Event):
    """A job waits to be run."""

    name: ClassVar[str] = "captions.caption_requested.v1"
    caption_id: UUID
    account_id: UUID


class CaptionFinished(Event):
    """A job has reached its end: `succeeded`, `failed` or `cancelled`."""

    name: ClassVar[str] = "captions.caption_finished.v1"
    caption_id: UUID
    account_id: UUID
    state: str

"""Facts of media."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class MediaReady(Event):
    """The file is complete and is what it should be."""

    name: ClassVar[str] = "media.media_ready.v1"
    media_id: UUID
    account_id: UUID


class MediaRejected(Event):
    """The file is complete and was refused; `reason` is the problem's code. Its bytes go."""

    name: ClassVar[str] = "media.media_rejected.v1"
    media_id: UUID
    account_id: UUID
    reason: str


class MediaDeleted(Event):
    """Deleted by its owner, or never finished. The row is gone, the stored file follows."""

    name: ClassVar[str] = "media.media_deleted.v1"
    media_id: UUID
    account_id: UUID

"""Builds the services of media."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from madang.backends.storage.local import LocalStorage
from madang.db.session import Session
from madang.http.problems import NoSuchRoute
from madang.http.state import App
from madang.http.unit import ReadUnit, Unit
from madang.kit.clock import Clock, utc_now
from madang.media.completion_service import CompletionService
from madang.media.repository import MediaRepository
from madang.media.service import MediaService
from madang.media.upload_service import UploadService
from madang.outbox.publish import Outbox

_NO_LIMIT = 1 << 62


def build_media(session: Session, clock: Clock = utc_now, largest: int = _NO_LIMIT) -> MediaService:
    """`largest` bounds new uploads, in bytes; other features, which announce none, leave it out."""
    return MediaService(MediaRepository(session), Outbox(session, clock), clock, largest)


async def _writing(app: App, session: Unit) -> MediaService:
    return build_media(session, app.clock)


async def _reading(app: App, session: ReadUnit) -> MediaService:
    return build_media(session, app.clock)


async def _uploads(app: App) -> UploadService:
    build = partial(build_media, clock=app.clock, largest=app.settings.max_upload)
    ttl = app.settings.seconds("upload_ttl")
    return UploadService(app.backends.database, app.backends.storage, build, ttl, app.clock)


async def _completion(app: App) -> CompletionService:
    build = partial(build_media, clock=app.clock)
    return CompletionService(app.backends.database, app.backends.storage, build)


async def _local_storage(app: App) -> LocalStorage:
    """The embedded storage; links to any other lead elsewhere, so nothing is here."""
    if not isinstance(app.backends.storage, LocalStorage):
        raise NoSuchRoute
    return app.backends.storage


async def _base_url(request: Request, app: App) -> str:
    """What makes a relative link absolute: programs such as curl need it whole."""
    return app.settings.public_url or str(request.base_url)


MediaWriting = Annotated[MediaService, Depends(_writing)]
MediaReading = Annotated[MediaService, Depends(_reading)]
Uploads = Annotated[UploadService, Depends(_uploads)]
Completing = Annotated[CompletionService, Depends(_completion)]
LocalFiles = Annotated[LocalStorage, Depends(_local_storage)]
BaseUrl = Annotated[str, Depends(_base_url)]

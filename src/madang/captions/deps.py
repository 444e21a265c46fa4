"""Builds the services of captions."""

from typing import Annotated

from fastapi import Depends

from madang.captions.document_service import DocumentService
from madang.captions.progress_service import ProgressLog, ProgressService
from madang.captions.repository import CaptionRepository
from madang.captions.service import CaptionService
from madang.db.session import Session
from madang.http.state import App, Running
from madang.http.unit import ReadUnit, Unit
from madang.media.deps import build_media
from madang.outbox.publish import Outbox


def _build(app: Running, session: Session) -> CaptionService:
    backends, outbox = app.backends, Outbox(session, app.clock)
    progress = ProgressLog(session, backends.cache, outbox, app.clock)
    media = build_media(session, app.clock)
    return CaptionService(CaptionRepository(session), media, backends.captioner, progress, outbox, app.clock)


async def _writing(app: App, session: Unit) -> CaptionService:
    return _build(app, session)


async def _reading(app: App, session: ReadUnit) -> CaptionService:
    return _build(app, session)


async def _progress(app: App) -> ProgressService:
    return ProgressService(app.backends.database, app.backends.cache)


async def _documents(app: App) -> DocumentService:
    return DocumentService(app.backends.database)


Captions = Annotated[CaptionService, Depends(_writing)]
CaptionsReading = Annotated[CaptionService, Depends(_reading)]
Following = Annotated[ProgressService, Depends(_progress)]
Documents = Annotated[DocumentService, Depends(_documents)]

"""Uploads and downloads of one's own media; the bytes travel over signed links."""

from typing import Annotated
from urllib.parse import urljoin
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi.responses import RedirectResponse

from madang.http.caller import CurrentUser, requires
from madang.http.limits import limited_by_person
from madang.http.paging import FeedQuery, Page, cut
from madang.kit.idempotency import LONGEST_KEY
from madang.media.deps import BaseUrl, Completing, MediaReading, MediaWriting, Uploads
from madang.media.schemas import (
    AnnouncedMedia,
    Completion,
    MediaView,
    NewMedia,
    PartNumbers,
    PartUpload,
    PartUploads,
    UploadedPart,
)

router = APIRouter(prefix="/api/v1/media", tags=["media"], dependencies=[requires("media")])
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=LONGEST_KEY)]


@router.post("", status_code=201, dependencies=[limited_by_person("uploads")], summary="Announce a file to upload")
async def announce(
    body: NewMedia, user: CurrentUser, uploads: Uploads, base: BaseUrl, idempotency_key: IdempotencyKey = None
) -> AnnouncedMedia:
    upload = await uploads.announce(user.id, body, idempotency_key)
    return AnnouncedMedia(
        id=upload.media.id,
        parts=_absolute(upload.parts, base),
        part_size=upload.media.part_size,
        expires_at=upload.expires_at,
    )


@router.get("", summary="One's own media, the newest first")
async def list_media(user: CurrentUser, media: MediaReading, feed: FeedQuery) -> Page[MediaView]:
    rows = await media.list_of(user.id, feed.after, feed.fetch)
    page, following = cut(rows, [row.id for row in rows], feed)
    return Page(items=[MediaView.model_validate(row) for row in page], next_cursor=following)


@router.get("/{media_id}", summary="One media, with the parts that have arrived")
async def look_up(media_id: UUID, user: CurrentUser, uploads: Uploads) -> MediaView:
    media, arrived = await uploads.look_up(user.id, media_id)
    parts = [UploadedPart.model_validate(part) for part in arrived]
    return MediaView.model_validate(media).model_copy(update={"uploaded_parts": parts})


@router.delete("/{media_id}", status_code=204, summary="Delete one media and its file")
async def delete(media_id: UUID, user: CurrentUser, media: MediaWriting) -> None:
    await media.delete(user.id, media_id)


@router.post("/{media_id}/parts", summary="Fresh links for parts")
async def more_parts(
    media_id: UUID, body: PartNumbers, user: CurrentUser, uploads: Uploads, base: BaseUrl
) -> PartUploads:
    upload = await uploads.more_parts(user.id, media_id, body.part_numbers)
    return PartUploads(parts=_absolute(upload.parts, base), expires_at=upload.expires_at)


@router.post("/{media_id}/complete", summary="All parts are there: check the file")
async def complete(
    media_id: UUID, user: CurrentUser, completing: Completing, body: Completion | None = None
) -> MediaView:
    media = await completing.complete(user.id, media_id, body.parts if body else None)
    return MediaView.model_validate(media).model_copy(update={"uploaded_parts": []})


@router.get("/{media_id}/download", status_code=302, summary="Where to GET the file, with Range")
async def download(media_id: UUID, user: CurrentUser, uploads: Uploads, base: BaseUrl) -> RedirectResponse:
    signed = await uploads.download(user.id, media_id)
    return RedirectResponse(urljoin(base, signed.url), 302, headers={"Cache-Control": "no-store"})


def _absolute(parts: list[PartUpload], base: str) -> list[PartUpload]:
    return [part.model_copy(update={"url": urljoin(base, part.url)}) for part in parts]

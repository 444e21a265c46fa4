"""The other end of the embedded storage's signed links: the link itself is the credential."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from madang.backends.storage.base import NotStored, UploadOver
from madang.backends.storage.links import LINK_PATH, BadLink, Link, LinkExpired
from madang.backends.storage.local import WrongSize
from madang.kit.problems import Problem
from madang.media.deps import LocalFiles, Uploads
from madang.media.errors import (
    DownloadLinkExpired,
    DownloadLinkInvalid,
    MediaNotFound,
    PartTooLarge,
    RangeNotSatisfiable,
    UploadClosed,
    UploadIncomplete,
    UploadLinkExpired,
    UploadLinkInvalid,
    UploadTypeMismatch,
)
from madang.media.service import SINGLE_PART

router = APIRouter(prefix=LINK_PATH, tags=["media"])
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")


async def _upload_link(token: str, request: Request, files: LocalFiles) -> Link:
    _hide_token(request)
    try:
        return files.links.read(token, "PUT")
    except LinkExpired:
        raise UploadLinkExpired from None
    except BadLink:
        raise UploadLinkInvalid from None


async def _download_link(token: str, request: Request, files: LocalFiles) -> Link:
    _hide_token(request)
    try:
        return files.links.read(token, "GET")
    except LinkExpired:
        raise DownloadLinkExpired from None
    except BadLink:
        raise DownloadLinkInvalid from None


UploadLink = Annotated[Link, Depends(_upload_link)]
DownloadLink = Annotated[Link, Depends(_download_link)]


@router.put("/{token}", max_body_size=SINGLE_PART, response_class=Response, summary="Send one part of an upload")
async def receive(link: UploadLink, request: Request, files: LocalFiles, uploads: Uploads) -> Response:
    _check_headers(link, request)
    await uploads.check_open(link.key)
    try:
        part = await files.receive(link, request.stream())
    except WrongSize as error:
        raise _wrong_size(link, error.too_long) from None
    except ClientDisconnect:
        raise UploadIncomplete(size=link.size) from None
    except UploadOver:
        raise UploadClosed from None
    return Response(headers={"ETag": f'"{part.etag}"'})


@router.get("/{token}", response_class=FileResponse, summary="The bytes of a file, whole or a range")
async def serve(link: DownloadLink, request: Request, files: LocalFiles) -> FileResponse:
    try:
        path = await files.path(link.key)
    except NotStored:
        raise MediaNotFound from None
    _settle_range(request, path.stat().st_size)
    headers = {
        "Content-Disposition": link.disposition,
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private",
    }
    return FileResponse(path, media_type=link.content_type, headers=headers)


router.add_api_route("/{token}", serve, methods=["HEAD"], response_class=FileResponse, include_in_schema=False)


def _hide_token(request: Request) -> None:
    """Neither the access log nor a problem's `instance` may show what is a credential while it lives."""
    request.scope["path"] = f"{LINK_PATH}/{{token}}"


def _check_headers(link: Link, request: Request) -> None:
    """Refuse by the headers alone what can be, before a byte of the body is read."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != link.content_type:
        raise UploadTypeMismatch(expected=link.content_type)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) != link.size:
        raise _wrong_size(link, int(length) > link.size)


def _wrong_size(link: Link, too_long: bool) -> Problem:
    return PartTooLarge(size=link.size) if too_long else UploadIncomplete(size=link.size)


def _settle_range(request: Request, size: int) -> None:
    """Refuse a range outside the file; drop a malformed or manifold one, as RFC 9110 §14.2 allows."""
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or (match[2] and int(match[2]) < int(match[1])):
        request.scope["headers"] = [entry for entry in request.scope["headers"] if entry[0] != b"range"]
    elif (match[1] and int(match[1]) >= size) or (match[3] and int(match[3]) == 0):
        raise RangeNotSatisfiable(size=size)

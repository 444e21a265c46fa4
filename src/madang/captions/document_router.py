"""Reading the caption document and taking it along in other formats."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from madang.captions.deps import Documents
from madang.http.caller import CurrentUser, requires
from madang.kit.disposition import content_disposition
from madang.subtitles.document import Document

router = APIRouter(prefix="/api/v1/captions/{caption_id}", tags=["captions"], dependencies=[requires("captions")])
_PRIVATE = {"Cache-Control": "private, no-cache"}


@router.get("/document", summary="The caption document", response_model=Document, responses={304: {}})
async def read(
    caption_id: UUID,
    user: CurrentUser,
    documents: Documents,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    document = await documents.read(user.id, caption_id)
    headers = _PRIVATE | {"ETag": f'"{document.revision}"'}
    if if_none_match is not None and _names(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(document.content, media_type="application/json", headers=headers)


@router.get(
    "/export",
    summary="The captions as a file",
    responses={200: {"content": {"text/vtt": {}, "application/json": {}}}},
    response_class=Response,
)
async def export(
    caption_id: UUID,
    user: CurrentUser,
    documents: Documents,
    format: Annotated[str, Query(max_length=20, description="`vtt` or `json`")] = "vtt",  # noqa: A002 - the contract's name
) -> Response:
    written = await documents.export(user.id, caption_id, format)
    headers = _PRIVATE | {
        "Content-Disposition": content_disposition(written.filename, attachment=True),
        "X-Caption-Loss": ", ".join(written.file.losses),
    }
    return Response(written.file.body, media_type=written.file.media_type, headers=headers)


def _names(if_none_match: str, etag: str) -> bool:
    """RFC 9110 §13.1.2: compared weakly."""
    given = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in given or etag in given

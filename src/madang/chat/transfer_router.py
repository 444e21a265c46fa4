"""Conversations as files."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response

from madang.chat.deps import Transfers
from madang.chat.transfer_schemas import ImportedFile, ImportView
from madang.http.caller import CurrentUser, requires
from madang.http.limits import limited_by_person
from madang.kit.disposition import content_disposition

router = APIRouter(prefix="/api/v1/chat", tags=["chat"], dependencies=[requires("chat"), limited_by_person("chat")])
_TYPES = {"json": "application/json", "md": "text/markdown; charset=utf-8"}


@router.get(
    "/conversations/{conversation_id}/export",
    summary="A conversation as a file",
    responses={200: {"content": {"application/json": {}, "text/markdown": {}}}},
    response_class=Response,
)
async def export(
    conversation_id: UUID,
    user: CurrentUser,
    transfers: Transfers,
    format: Literal["json", "md"] = "json",  # noqa: A002 - the contract's name
) -> Response:
    """`json` holds every branch and can be imported again; `md` is the branch of the latest message, to be read."""
    write = transfers.json if format == "json" else transfers.markdown
    title, body = await write(user.id, conversation_id)
    name = content_disposition(f"{title or 'conversation'}.{format}", attachment=True)
    return Response(body, media_type=_TYPES[format], headers={"Content-Disposition": name})


@router.post("/import", summary="Take in conversations: an export of ours, or ChatGPT's conversations.json")
async def take_in(body: ImportedFile, user: CurrentUser, transfers: Transfers) -> ImportView:
    """Each becomes a new conversation; what can't be read is `skipped` with the reason, and the others are taken.

    At most 1,000 at once, and as many bytes as `MADANG_MAX_BODY` allows.
    """
    return await transfers.take_in(user.id, body)

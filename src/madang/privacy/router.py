"""One's own data as an archive. Asking for it and fetching it need a fresh sign-in."""

from urllib.parse import urljoin
from uuid import UUID

from fastapi import APIRouter, Response

from madang.http.caller import FreshUser, SessionUser
from madang.http.paging import Page
from madang.media.deps import BaseUrl
from madang.privacy.deps import Exports
from madang.privacy.schemas import ExportView, ExportWithLink, NewExport

router = APIRouter(prefix="/api/v1/accounts/me/exports", tags=["accounts"])


@router.post("", status_code=202, summary="Have everything about oneself put into an archive")
async def request_export(
    user: FreshUser, exports: Exports, response: Response, body: NewExport | None = None
) -> ExportView:
    wanted = body.include if body else []
    export = await exports.request(user.id, includes_media="media" in wanted)
    response.headers["Location"] = f"{router.prefix}/{export.id}"
    return ExportView.model_validate(export)


@router.get("", summary="One's own exports, the newest first")
async def list_exports(user: SessionUser, exports: Exports) -> Page[ExportView]:
    items = [ExportView.model_validate(export) for export in await exports.of(user.id)]
    return Page(items=items, next_cursor=None)


@router.get("/{export_id}", summary="One export; its link once it is ready")
async def show_export(
    export_id: UUID, user: FreshUser, exports: Exports, base: BaseUrl, response: Response
) -> ExportWithLink:
    export, link = await exports.get(user.id, export_id)
    response.headers["Cache-Control"] = "no-store"
    url = urljoin(base, link.url) if link else None
    return ExportWithLink(**ExportView.model_validate(export).model_dump(), download_url=url)

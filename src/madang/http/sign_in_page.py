"""The page that providers' sign-ins end on when no `next` was given: it says how it went, and asks for a second
factor. A front end of one's own (`MADANG_FRONTEND_URL`) has its own."""

from fastapi import APIRouter
from fastapi.responses import FileResponse

from madang.http.mail_pages import FILES, HEADERS
from madang.kit.urls import SIGNED_IN_PAGE

router = APIRouter(include_in_schema=False)


@router.get(SIGNED_IN_PAGE)
async def signed_in() -> FileResponse:
    return FileResponse(FILES / "signed_in.html", headers=HEADERS)


def failed_page(status: int) -> FileResponse:
    """The same page where the sign-in broke off: it says to begin again."""
    return FileResponse(FILES / "signed_in.html", status, HEADERS | {"Cache-Control": "no-store"})

"""The pages behind mailed links. Opening one changes nothing; its button POSTs what the link's fragment holds."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from madang.kit.urls import RESET_PAGE, VERIFY_PAGE

FILES = Path(__file__).parent / "pages"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {"Content-Security-Policy": _CSP, "Cache-Control": "no-cache"}

router = APIRouter(include_in_schema=False)


@router.get(VERIFY_PAGE)
@router.get(RESET_PAGE)
async def mailed() -> FileResponse:
    return FileResponse(FILES / "mailed.html", headers=HEADERS)


def install_mail_pages(app: FastAPI) -> None:
    app.include_router(router)
    app.mount("/app/assets", StaticFiles(directory=FILES), name="mail-pages")

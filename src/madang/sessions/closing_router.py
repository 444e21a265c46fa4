"""Leaving."""

from fastapi import APIRouter, Response

from madang.http.caller import FreshUser
from madang.http.cookies import clear_session_cookies
from madang.http.state import App
from madang.sessions.deps import Closing

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])


@router.delete("/me", status_code=204, summary="Leave: everything ends now, and is erased after the grace time")
async def leave(user: FreshUser, closing: Closing, app: App, response: Response) -> None:
    await closing.delete(user.id)
    clear_session_cookies(response, app.settings)

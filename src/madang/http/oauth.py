"""Token endpoints speak RFC 6749: a malformed request is `invalid_request`, re-raised so that the unit rolls back."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from madang.http.problems import OAUTH_ROUTE, InvalidRequest

_UNREADABLE = "the request body can't be read"
_REFUSED = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/TokenError"}}}}


class OAuthRoute(APIRoute):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["responses"] = {**(options.get("responses") or {}), "4XX": _REFUSED}
        super().__init__(*arguments, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def oauth_handler(request: Request) -> Response:
            request.scope[OAUTH_ROUTE] = True
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise InvalidRequest(reason=_reason(error)) from None
            except HTTPException as error:
                if error.status_code != HTTPStatus.BAD_REQUEST:
                    raise
                raise InvalidRequest(reason=_UNREADABLE) from None

        return oauth_handler


def _reason(error: RequestValidationError) -> str:
    """ASCII, as RFC 6749 §5.2 demands; names the parameters, never their values."""
    names = sorted({str(fault["loc"][-1]) for fault in error.errors() if len(fault["loc"]) > 1})
    text = f"missing or invalid: {', '.join(names)}" if names else _UNREADABLE
    return text.encode("ascii", "replace").decode()

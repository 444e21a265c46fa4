"""What is refused before any route is looked up: cross-site requests and callers beyond the general limit."""

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from madang.http.caller import credential
from madang.http.client_address import limit_key
from madang.http.csrf import SAFE_METHODS, CrossSiteRequest, is_allowed, own_origin
from madang.http.problems import problem_response
from madang.kit.problems import Problem
from madang.settings import Settings

_UNCOUNTED = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})


class Gate:
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                await self._check(scope)
            except Problem as problem:
                return await problem_response(problem, Request(scope))(scope, receive, send)
        return await self._app(scope, receive, send)

    async def _check(self, scope: Scope) -> None:
        headers: dict[str, str] = scope["madang.headers"]
        if scope["method"] not in SAFE_METHODS and not self._is_own(scope, headers):
            raise CrossSiteRequest
        if scope["path"] not in _UNCOUNTED:
            await self._count(Request(scope))

    def _is_own(self, scope: Scope, headers: dict[str, str]) -> bool:
        own = own_origin(
            scope["scheme"], headers.get("host", ""), self._settings, behind_proxy=scope["madang.behind_proxy"]
        )
        return is_allowed(scope["method"], headers, own, self._settings)

    async def _count(self, request: Request) -> None:
        """One hit of the general limit: for the person a valid signature names, else for the address."""
        token = credential(request)
        subject = request.app.state.running.authenticator.subject(token) if token else None
        await request.app.state.limiter.hit("everything", subject or limit_key(request.scope["madang.origin"].ip))

"""The outermost layer: request id, origin, access log, metrics, security headers, and the last resort for errors."""

import re
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from madang.http.client_address import client_address, is_trusted
from madang.http.headers import security_headers
from madang.http.metrics import request_metrics
from madang.http.problems import BodyTooLarge, InternalError, preferred_language, problem_response
from madang.kit.ids import new_id
from madang.kit.origin import Origin, set_origin
from madang.settings import Settings

log = structlog.get_logger("madang.http")
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST_USER_AGENT = 300
_OF_THE_BODY = frozenset({b"content-type", b"content-length"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Edge:
    """Pure ASGI, since one wrapper of `send` costs a few microseconds and a middleware per concern costs many."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._headers = list(security_headers(settings).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = _Exchange(scope, send, self._headers)
        self._describe(scope)
        set_origin(scope["madang.origin"])
        try:
            await self._app(scope, receive, exchange.send)
        except Exception:
            log.exception("request failed", request_id=scope["madang.origin"].request_id, path=_loggable_path(scope))
            if not exchange.status:
                await problem_response(InternalError(), Request(scope))(scope, receive, exchange.send)
        finally:
            exchange.record()
        return None

    def _describe(self, scope: Scope) -> None:
        """Read what the rest of the house asks of a request: who, from where, under which id; `/x/` means `/x`."""
        headers = scope["madang.headers"] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        peer = scope["client"][0] if scope.get("client") else ""
        proxies = self._settings.trusted_proxies
        scope["madang.behind_proxy"] = bool(proxies) and is_trusted(peer, proxies)
        if scope["madang.behind_proxy"] and headers.get("x-forwarded-proto") in {"http", "https"}:
            scope["scheme"] = headers["x-forwarded-proto"]
        if len(scope["path"]) > 1 and scope["path"].endswith("/"):
            scope["path"] = scope["path"].rstrip("/") or "/"
        scope["madang.origin"] = Origin(
            request_id=_request_id(headers.get("x-request-id")),
            ip=client_address(peer, _forwarded_for(scope), proxies),
            user_agent=headers.get("user-agent", "")[:_LONGEST_USER_AGENT] or None,
            language=preferred_language(headers.get("accept-language", "")),
        )


class _Exchange:
    """One request's response as it passes by."""

    def __init__(self, scope: Scope, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._scope, self._send, self._headers = scope, send, headers
        self._started = time.perf_counter()
        self._replaced = False
        self.status = 0

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if _is_plain_413(message):
                self._replaced = True
                await self._send_too_large(message["headers"])
                return
            self._add_headers(message)
        await self._send(message)

    def _add_headers(self, message: MutableMapping[str, Any]) -> None:
        headers = message["headers"] = list(message.get("headers", ()))
        present = {name for name, _ in headers}
        headers.extend(entry for entry in self._headers if entry[0] not in present)
        if b"cache-control" not in present and self._scope["path"].startswith("/api/"):
            headers.append((b"cache-control", b"no-store"))
        headers.append((b"x-request-id", self._scope["madang.origin"].request_id.encode()))

    async def _send_too_large(self, kept: list[tuple[bytes, bytes]]) -> None:
        """The framework answers a body over its limit in plain text; ours is a problem like any other."""
        response = problem_response(BodyTooLarge(), Request(self._scope))
        message: Message = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers + [entry for entry in kept if entry[0] not in _OF_THE_BODY],
        }
        self._add_headers(message)
        await self._send(message)
        await self._send({"type": "http.response.body", "body": response.body})

    def record(self) -> None:
        seconds = time.perf_counter() - self._started
        route = getattr(self._scope.get("route"), "path", "(none)")
        method = self._scope["method"] if self._scope["method"] in _METHODS else "other"
        requests, duration = request_metrics(method, route, self.status)
        requests.inc()
        duration.observe(seconds)
        origin: Origin = self._scope["madang.origin"]
        log.info(
            "request",
            method=method,
            path=_loggable_path(self._scope),
            status=self.status,
            ms=round(seconds * 1000, 1),
            request_id=origin.request_id,
            ip=origin.ip,
            account=str(origin.actor_id) if origin.actor_id else None,
        )


def _loggable_path(scope: Scope) -> str:
    """A signed link's token is a credential as long as it lives, so the log keeps its route only."""
    path: str = scope["path"]
    token = scope.get("path_params", {}).get("token")
    return path.replace(token, "{token}") if token else path


def _forwarded_for(scope: Scope) -> str | None:
    """The header's lines as one list (RFC 9110 §5.3): each proxy may have added a line of its own."""
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return ",".join(lines) if lines else None


def _request_id(given: str | None) -> str:
    return given if given and _SANE_REQUEST_ID.fullmatch(given) else new_id().hex


def _is_plain_413(message: Message) -> bool:
    return message["status"] == 413 and (b"content-type", b"text/plain; charset=utf-8") in message.get("headers", ())  # noqa: PLR2004 - Content Too Large

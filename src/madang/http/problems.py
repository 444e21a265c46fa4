"""Every refusal rendered once: RFC 9457 problems, RFC 6749 token errors, RFC 6750 challenges."""

import re
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from madang.http.openai_errors import PREFIX, openai_body, openai_headers, openai_status
from madang.kit.origin import current_origin
from madang.kit.problems import Forbidden, Invalid, NotFound, OAuthError, Problem, Text, Unauthenticated

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_LANGUAGE_RANGE = re.compile(
    r"\s*(?P<language>[a-z]{1,8}|\*)(-[a-z0-9]{1,8})*\s*(;\s*q=(?P<weight>0(\.\d{0,3})?|1(\.0{0,3})?)\s*)?",
    re.IGNORECASE,
)
OAUTH_ROUTE = "madang.oauth_route"
_TEMPORARY = frozenset({429, 503})
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class NoSuchRoute(NotFound):
    code = "not-found"
    title = Text("Nothing is here", "여기에는 아무것도 없습니다")
    detail = Text("No resource answers at this path.", "이 경로에는 자원이 없습니다.")


class MethodNotAllowed(Problem):
    status = 405
    code = "method-not-allowed"
    title = Text("Method not allowed", "허용되지 않는 메서드입니다")
    detail = Text(
        "This resource answers other methods; see the Allow header.", "허용되는 메서드는 Allow 헤더를 보세요."
    )


class BodyTooLarge(Problem):
    status = 413
    code = "body-too-large"
    title = Text("The request is too large", "요청이 너무 큽니다")
    detail = Text("The body is larger than this resource accepts.", "본문이 이 자원이 받는 크기보다 큽니다.")


class UnsupportedMediaType(Problem):
    status = 415
    code = "unsupported-media-type"
    title = Text("This type of body is not taken", "지원하지 않는 본문 형식입니다")
    detail = Text("Send JSON with Content-Type: application/json.", "Content-Type: application/json으로 보내세요.")


class MalformedRequest(Problem):
    status = 400
    code = "malformed-request"
    title = Text("The request can't be read", "요청을 읽을 수 없습니다")
    detail = Text("The request is not well-formed HTTP for this resource.", "이 자원에 맞는 형식의 요청이 아닙니다.")


class InvalidFields(Invalid):
    code = "invalid-fields"
    title = Text("Some fields are not valid", "올바르지 않은 필드가 있습니다")
    detail = Text("See errors: each entry points at one field.", "errors 항목이 각 필드를 가리킵니다.")


class InternalError(Problem):
    code = "internal-error"
    title = Text("Something went wrong on our side", "서버에서 오류가 발생했습니다")
    detail = Text(
        "The error is logged under the request id; nothing was changed.",
        "요청 번호와 함께 오류가 기록되었으며 변경된 것은 없습니다.",
    )


class InvalidRequest(OAuthError):
    error: ClassVar[str] = "invalid_request"
    code = "invalid-request"
    title = Text("Invalid token request", "올바르지 않은 토큰 요청")
    detail = Text("{reason}", "{reason}")


def install_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)


def problem_response(problem: Problem, request: Request, errors: list[dict[str, str]] | None = None) -> JSONResponse:
    """The response of a problem in the caller's language."""
    if isinstance(problem, OAuthError):
        body: dict[str, Any] = {
            "error": problem.error,
            "error_description": problem.detail.render("en", problem.values),
            **problem.members,
        }
        return JSONResponse(body, problem.status, headers=problem.headers | _NO_STORE)
    body = problem_body(problem, request.url.path, language_of(request))
    if errors or (errors := _own_errors(problem, body["detail"])):
        body["errors"] = errors
    if request.scope.get(OAUTH_ROUTE) and problem.status in _TEMPORARY:
        body["error"] = "temporarily_unavailable"
    headers = problem.headers | _challenge(problem)
    if request.url.path.startswith(PREFIX):
        told = openai_body(problem, body["detail"], body.get("errors"))
        return JSONResponse(told, openai_status(problem), headers=headers | openai_headers(problem))
    return JSONResponse(body, problem.status, headers=headers, media_type="application/problem+json")


def problem_body(problem: Problem, instance: str, language: str) -> dict[str, Any]:
    return {
        "type": f"/problems/{problem.code}",
        "title": problem.title.render(language, problem.values),
        "status": problem.status,
        "detail": problem.detail.render(language, problem.values),
        "instance": instance,
        "code": problem.code,
        "request_id": current_origin().request_id,
    }


def _own_errors(problem: Problem, detail: str) -> list[dict[str, str]]:
    if isinstance(problem, Invalid) and problem.pointer is not None:
        return [{"pointer": problem.pointer, "code": problem.code, "detail": detail}]
    return []


def language_of(request: Request) -> str:
    """The account's language when signed in, else the better of ko and en in `Accept-Language`, else en."""
    chosen: str | None = request.scope.get("madang.language")
    return chosen or preferred_language(request.headers.get("accept-language", ""))


def preferred_language(header: str) -> str:
    """RFC 9110 §12.5.4 for the two languages there are."""
    weights: dict[str, float] = {}
    for entry in header.split(",")[:20]:
        if found := _LANGUAGE_RANGE.fullmatch(entry):
            language = found["language"].lower()
            weights[language] = max(weights.get(language, 0), float(found["weight"] or 1))
    others = weights.get("*", 0)
    return "ko" if weights.get("ko", others) > weights.get("en", others) else "en"


def _challenge(problem: Problem) -> dict[str, str]:
    """The `WWW-Authenticate` of RFC 6750 §3."""
    if not isinstance(problem, Unauthenticated | Forbidden):
        return {}
    if problem.error is None:
        return {"WWW-Authenticate": 'Bearer realm="madang"'} if isinstance(problem, Unauthenticated) else {}
    age = f", max_age={problem.values['max_age']}" if "max_age" in problem.values else ""
    return {"WWW-Authenticate": f'Bearer realm="madang", error="{problem.error}"{age}'}


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class alone
    if error.audited is not None:
        _note_refusal(error.audited, error, request)
    return problem_response(error, request)


def _note_refusal(action: str, problem: Problem, request: Request) -> None:
    """Counted in memory, so that it costs whoever is refused as long as anybody else."""
    path = getattr(request.scope.get("route"), "path", "")
    request.app.state.running.refusals.note(action, problem.code, path, problem.values.get("target_id"))


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    faults = error.errors()
    if not _is_json(request) and any(
        tuple(fault["loc"]) == ("body",) and fault["type"] != "missing" for fault in faults
    ):
        return problem_response(UnsupportedMediaType(), request)
    return problem_response(InvalidFields(), request, [_field_error(fault) for fault in faults])


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _field_error(fault: dict[str, Any]) -> dict[str, str]:
    """A validation fault as a JSON pointer (RFC 6901) into the body, or `#name` for query, path and header."""
    place, *path = fault["loc"] or ("body",)
    if fault["type"] == "json_invalid":
        path = []  # the parser's offset, which is no place in a document that has none
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
    return {
        "pointer": pointer if place == "body" else f"#{place}{pointer}",
        "code": fault["type"].replace("_", "-"),
        "detail": fault["msg"],
    }


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    kinds: dict[int, type[Problem]] = {
        HTTPStatus.NOT_FOUND: NoSuchRoute,
        HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowed,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLarge,
    }
    response = problem_response(kinds.get(error.status_code, MalformedRequest)(), request)
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (allowed := _allowed_methods(request)):
        response.headers["Allow"] = ", ".join(allowed)
    return response


def _allowed_methods(request: Request) -> list[str]:
    """Every method of the resource (RFC 9110 §10.2.1); the framework names those of its first route only."""
    routes = request.app.router.routes
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    return [name for name, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]

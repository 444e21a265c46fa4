"""Problems as OpenAI's clients expect them, below `/v1`."""

from http import HTTPStatus
from typing import Any

from madang.kit.problems import Problem, TooMany, Unavailable

PREFIX = "/v1/"
_TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}
_LONGEST_RETRY_SECONDS = 60


def openai_status(problem: Problem) -> int:
    """OpenAI knows no 422."""
    is_invalid = problem.status == HTTPStatus.UNPROCESSABLE_ENTITY
    return HTTPStatus.BAD_REQUEST if is_invalid else problem.status


def openai_body(problem: Problem, message: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """`param` is the first field at fault, `code` the problem's own."""
    status = openai_status(problem)
    kind = _TYPES.get(HTTPStatus(status)) or ("invalid_request_error" if status < 500 else "server_error")  # noqa: PLR2004 - of the client or of ours
    first = errors[0] if errors else None
    if first is not None:
        message = f"{message} {first['pointer']}: {first['detail']}"
    param = first["pointer"].strip("/").replace("/", ".") if first else None
    return {"error": {"message": message, "type": kind, "param": param, "code": problem.code}}


def openai_headers(problem: Problem) -> dict[str, str]:
    """The SDKs try again by themselves; where that can't help, they are told so."""
    wait = problem.retry_after or 0
    is_passing = isinstance(problem, TooMany | Unavailable) or problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return {"x-should-retry": "true" if is_passing and wait <= _LONGEST_RETRY_SECONDS else "false"}

"""The OpenAPI document: every refusal is a problem, and no operation claims the framework's own error shape."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from madang.http.openai_errors import PREFIX

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457; `code` is stable, see docs/problems.md",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
            },
        },
    },
}
_TOKEN_ERROR_SCHEMA: dict[str, Any] = {
    "title": "TokenError",
    "description": "RFC 6749 §5.2",
    "type": "object",
    "required": ["error", "error_description"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}
_OPENAI_ERROR_SCHEMA: dict[str, Any] = {
    "title": "OpenAIError",
    "description": "What OpenAI's clients read; `code` is a problem's, see docs/problems.md",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}
_REFUSALS: dict[str, dict[str, Any]] = {
    code: {"description": text, "content": {"application/problem+json": {"schema": _PROBLEM}}}
    for code, text in (("4XX", "Refused; see `code`"), ("5XX", "Not our caller's fault; see `code`"))
}
_CREDENTIALS: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "an access token, or an API key (`mdg_…`)"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-madang_access"},
}
_OPENAI_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAIError"}}}
_UNWANTED = ("HTTPValidationError", "ValidationError")


def operation_id(route: APIRoute) -> str:
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


def install_openapi(app: FastAPI) -> None:
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # FastAPI's documented way


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, routes=app.routes, summary="Self-hosted AI application server"
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        for name in _UNWANTED:
            schemas.pop(name, None)
        schemas |= {"Problem": _PROBLEM_SCHEMA, "TokenError": _TOKEN_ERROR_SCHEMA, "OpenAIError": _OPENAI_ERROR_SCHEMA}
        for url, path in made["paths"].items():
            for operation in path.values():
                operation["responses"].pop("422", None)
                _add_refusals(operation["responses"], url)
                if "security" in operation:
                    operation["security"] += [{name: []} for name in _CREDENTIALS]
        made["components"].setdefault("securitySchemes", {}).update(_CREDENTIALS)
        app.openapi_schema = made
    return app.openapi_schema


def _add_refusals(responses: dict[str, Any], url: str) -> None:
    """Beside what a route says of its own refusals: the token endpoints' have another form."""
    for code, refusal in _REFUSALS.items():
        if url.startswith(PREFIX):
            responses[code] = {**refusal, "content": _OPENAI_ERROR}
            continue
        own = responses.get(code, {}).get("content", {})
        responses[code] = {**refusal, "content": {**refusal["content"], **own}}

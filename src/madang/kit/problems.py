"""The exception tree of every refusal this product can give.

Problem
├── Invalid (400/422)   Unauthenticated (401)   Forbidden (403)   NotFound (404)   Conflict (409)
├── TooMany (429)       Unavailable (503)
└── OAuthError          rendered as RFC 6749 §5.2 instead of RFC 9457

Features subclass a family beside their rules and give `code`, `title` and `detail`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple


class Text(NamedTuple):
    """A sentence in both languages of the product; `{names}` are filled from the problem's values."""

    en: str
    ko: str

    def render(self, language: str, values: Mapping[str, object]) -> str:
        return (self.ko if language == "ko" else self.en).format_map(values)


class Problem(Exception):
    """A refusal with a stable code, rendered as `application/problem+json` (RFC 9457).

    `commit = True` lets the unit of work keep what was written before the refusal (a mark that must stay,
    such as a family of tokens ended for theft); raising any other problem rolls the unit back. `audited` is the action
    under which the refusal is counted in the audit trail; the value `target_id` names the account it was about.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str]
    title: ClassVar[Text]
    detail: ClassVar[Text]
    commit: ClassVar[bool] = False
    audited: ClassVar[str | None] = None

    def __init__(self, *, retry_after: float | None = None, **values: object) -> None:
        self.retry_after = retry_after
        self.values = values
        super().__init__(self.detail.render("en", values))

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(max(1, round(self.retry_after)))}


class Invalid(Problem):
    """The request is understood and can't be accepted; 422 points at fields, 400 at the whole."""

    status = 422
    pointer: str | None = None


class Unauthenticated(Problem):
    """Nobody, or nobody known, is calling. `error` is the RFC 6750 §3.1 error, absent when no token came."""

    status = 401
    error: ClassVar[str | None] = "invalid_token"


class Forbidden(Problem):
    status = 403
    audited = "access.refused"
    error: ClassVar[str | None] = None


class NotFound(Problem):
    status = 404


class Conflict(Problem):
    status = 409


class TooMany(Problem):
    status = 429


class Unavailable(Problem):
    status = 503


class OAuthError(Problem):
    """An error of the token endpoint (RFC 6749 §5.2); `error` comes from its registered set."""

    status = 400
    error: ClassVar[str]

    @property
    def members(self) -> Mapping[str, Any]:
        """What the answer carries beside `error` and `error_description`."""
        return {}


def catalogue() -> Iterator[type[Problem]]:
    """Every concrete problem that has been imported, in the order of its code."""
    found = {kind for kind in _descendants(Problem) if "code" in vars(kind)}
    yield from sorted(found, key=lambda kind: kind.code)


def _descendants(kind: type[Problem]) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)

"""Who and what caused the work in hand; set at the edge, copied into every event's envelope."""

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True)
class Origin:
    request_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    actor_id: UUID | None = None
    language: str | None = None


_NOBODY = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=_NOBODY)


def current_origin() -> Origin:
    return _origin.get()


def set_origin(origin: Origin) -> None:
    _origin.set(origin)

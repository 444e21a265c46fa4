"""What was refused, counted in memory: one entry for each key and minute, however often somebody tries."""

import time
from dataclasses import dataclass
from uuid import UUID

from madang.kit.origin import current_origin

_MINUTE = 60
_MOST_KEYS = 1000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Who was refused what; `minute` is its start in Unix seconds."""

    action: str
    code: str
    path: str
    actor_id: UUID | None
    target_id: UUID | None
    ip: str | None
    minute: int


@dataclass(slots=True)
class Counted:
    count: int
    request_id: str | None
    user_agent: str | None


class Refusals:
    """Of one process, until they are written. Beyond a thousand keys addresses and paths are left out."""

    def __init__(self) -> None:
        self._counted: dict[Refusal, Counted] = {}

    def note(self, action: str, code: str, path: str, target_id: UUID | None) -> None:
        """Count it for whoever causes the work in hand."""
        origin, minute = current_origin(), int(time.time()) // _MINUTE * _MINUTE
        refusal = Refusal(action, code, path, origin.actor_id, target_id, origin.ip, minute)
        if refusal not in self._counted and len(self._counted) >= _MOST_KEYS:
            refusal = Refusal(action, code, "", None, None, None, minute)
        counted = self._counted.setdefault(refusal, Counted(0, origin.request_id, origin.user_agent))
        counted.count += 1

    def drain(self) -> dict[Refusal, Counted]:
        """What was counted since the last time."""
        counted, self._counted = self._counted, {}
        return counted

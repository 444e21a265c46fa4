"""The envelope on the wire: CloudEvents 1.0, structured mode, JSON."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from madang.backends.broker.base import Message

CONTENT_TYPE = "application/cloudevents+json"
_SOURCE = "madang"
# What is known of who caused it, as extension attributes, whose names are lower-case letters and digits alone.
_ORIGIN = {
    "request_id": "requestid",
    "ip": "clientip",
    "user_agent": "useragent",
    "actor_id": "actorid",
    "language": "language",
}


class NotAnEvent(ValueError):
    """These bytes are no event of ours."""


def to_bytes(message: Message) -> bytes:
    event = {
        "specversion": "1.0",
        "id": str(message.id),
        "source": _SOURCE,
        "type": message.name,
        "subject": message.key,
        "time": message.at.isoformat(),
        "datacontenttype": "application/json",
        **{_ORIGIN[name]: value for name, value in message.origin.items() if name in _ORIGIN},
        "data": message.data,
    }
    return json.dumps(event, ensure_ascii=False).encode()


def from_bytes(body: bytes) -> Message:
    """Raises `NotAnEvent`."""
    try:
        event: dict[str, Any] = json.loads(body)
        origin = {name: event[attribute] for name, attribute in _ORIGIN.items() if attribute in event}
        at = datetime.fromisoformat(event["time"])
        return Message(UUID(event["id"]), event["type"], event["subject"], at, dict(event["data"]), origin)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAnEvent(f"{type(error).__name__}: {error}") from error

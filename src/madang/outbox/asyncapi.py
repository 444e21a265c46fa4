"""The published facts as an AsyncAPI 3 document: what arrives on RabbitMQ's exchange, for those who bind to it."""

import inspect
from typing import Any

from madang.kit.event import Event

_EXCHANGE = "madang.events"
_HEADERS = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "format": "uuid", "description": "The same at each delivery: skip what was seen."},
    "source": {"const": "madang"},
    "subject": {"type": "string", "description": "The key: facts of one key are published in their order."},
    "time": {"type": "string", "format": "date-time"},
    "datacontenttype": {"const": "application/json"},
    "actorid": {"type": "string", "format": "uuid", "description": "The account that caused it, where one did."},
    "requestid": {"type": "string"},
    "clientip": {"type": "string"},
    "useragent": {"type": "string"},
    "language": {"type": "string", "enum": ["ko", "en"]},
}


def document(version: str) -> dict[str, Any]:
    """Of every fact whose module has been imported."""
    facts = sorted(Event.__subclasses__(), key=lambda kind: kind.name)
    facts = [kind for kind in facts if kind.__module__.startswith("madang.")]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Madang events",
            "version": version,
            "description": "Facts of what was committed, at least once each, as CloudEvents 1.0 in structured JSON. "
            "Personal data is looked up by the ids that they carry; none is in them beside the caller's address and "
            "device.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {kind.name: _channel(kind) for kind in facts},
        "operations": {kind.__name__: _operation(kind) for kind in facts},
        "components": {"messages": {kind.__name__: _message(kind) for kind in facts}},
    }


def _channel(kind: type[Event]) -> dict[str, Any]:
    return {
        "address": kind.name,
        "messages": {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": _EXCHANGE, "type": "topic", "durable": True, "autoDelete": False},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _operation(kind: type[Event]) -> dict[str, Any]:
    channel = f"#/channels/{kind.name}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{kind.__name__}"}],
    }


def _message(kind: type[Event]) -> dict[str, Any]:
    data = kind.model_json_schema()
    data.pop("description", None)
    payload = {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {**_HEADERS, "type": {"const": kind.name}, "data": data},
    }
    described = (
        {"description": inspect.cleandoc(kind.__doc__)} if kind.__doc__ and kind.__doc__ != Event.__doc__ else {}
    )
    return {"name": kind.name, "contentType": "application/cloudevents+json", **described, "payload": payload}

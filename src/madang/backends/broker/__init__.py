"""The broker port: carries published facts from the outbox's relay to the handlers."""

from urllib.parse import urlsplit

from madang.backends.broker.base import Broker
from madang.settings import BadSettings


def open_broker(url: str) -> Broker:
    match urlsplit(url).scheme:
        case "local":
            from madang.backends.broker.local import LocalBroker

            return LocalBroker()
        case scheme:
            raise BadSettings(f"MADANG_BROKER_URL: no adapter for {scheme!r}; use local://")

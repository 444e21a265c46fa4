"""The broker port: carries published facts from the outbox's relay to the handlers."""

from urllib.parse import urlsplit

from madang.backends.broker.base import Broker
from madang.settings import BadSettings


def open_broker(url: str) -> Broker:
    """`local://` calls the handlers in this process; `amqp://user:password@host/vhost` (or `amqps://`) is RabbitMQ."""
    match urlsplit(url).scheme:
        case "local":
            from madang.backends.broker.local import LocalBroker

            return LocalBroker()
        case "amqp" | "amqps":
            return _open_rabbitmq(url)
        case scheme:
            raise BadSettings(f"MADANG_BROKER_URL: no adapter for {scheme!r}; use local:// or amqp://host:5672/")


def _open_rabbitmq(url: str) -> Broker:
    try:
        from madang.backends.broker.rabbitmq import RabbitMQBroker
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"aio_pika", "aiormq"}:
            raise
        raise BadSettings("MADANG_BROKER_URL: amqp:// needs the extra; run: pip install 'madang[rabbitmq]'") from None
    return RabbitMQBroker(url)

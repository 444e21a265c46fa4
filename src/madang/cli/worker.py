"""`madang worker`: what happens later, in a process of its own; as many as wanted."""

import asyncio
import signal

import structlog

from madang.backends import open_backends
from madang.cli.installation import bring_schema_up, read_settings
from madang.cli.logging import configure_logging
from madang.settings import BadSettings, Settings
from madang.worker import working

log = structlog.get_logger("madang.worker")


def worker() -> None:
    """Relay events, run their handlers, caption jobs and exports, keep the schedules; start as many as you want.

    SIGTERM ends it: what is in hand is finished, or handed back within ten seconds.
    """
    settings = read_settings()
    configure_logging(settings)
    refuse_embedded(settings, "madang worker")
    asyncio.run(_work(settings))


def refuse_embedded(settings: Settings, command: str) -> None:
    if settings.embedded_ports:
        raise BadSettings(
            f"{command} shares its data with other processes, so these must name servers: "
            f"{', '.join(settings.embedded_ports)} (postgresql://, redis://, amqp://). "
            "With embedded back ends `madang serve` does this work itself."
        )


async def _work(settings: Settings) -> None:
    await bring_schema_up(settings)
    stopping = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
    async with open_backends(settings) as backends, working(backends):
        log.info("worker started")
        await stopping.wait()
        log.info("worker stopping")

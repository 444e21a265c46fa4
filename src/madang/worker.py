"""The worker: the outbox's relay, every feature's handlers, schedules."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from madang.admin import handlers as admin_handlers
from madang.audit import handlers as audit_handlers
from madang.audit.runner import seal_for_ever
from madang.backends import Backends
from madang.captions import handlers as caption_handlers
from madang.captions.runner import CaptionRunner, Reaper
from madang.chat import handlers as chat_handlers
from madang.chat.reaper_runner import reap_for_ever
from madang.factors import handlers as factor_handlers
from madang.federation import handlers as federation_handlers
from madang.kit.clock import utc_now
from madang.kit.event import Event
from madang.kit.tasks import end
from madang.media import handlers as media_handlers
from madang.outbox import handlers as outbox_handlers
from madang.outbox.delivery import Consumer, Dispatcher, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.publish import WAKE_CHANNEL, Outbox, pass_on_wakes, relays
from madang.outbox.relay import Relay
from madang.privacy import handlers as privacy_handlers
from madang.privacy.runner import ExportRunner
from madang.sessions import handlers as session_handlers
from madang.sessions import mail_handlers
from madang.tables import metadata as _all_tables  # noqa: F401 - what belongs to somebody is read off every table
from madang.webhooks import handlers as webhook_handlers
from madang.webhooks.runner import DeliveryRunner

log = structlog.get_logger("madang.worker")
HANDLERS: list[Handlers] = [
    outbox_handlers.handlers,
    session_handlers.handlers,
    mail_handlers.handlers,
    federation_handlers.handlers,
    factor_handlers.handlers,
    media_handlers.handlers,
    caption_handlers.handlers,
    chat_handlers.handlers,
    privacy_handlers.handlers,
    admin_handlers.handlers,
    audit_handlers.handlers,
    webhook_handlers.handlers,
]
SCHEDULES: list[tuple[timedelta, Event]] = [(timedelta(hours=1), HousekeepingDue())]
_RESTART_SECONDS = 1.0
_AFTER_SECONDS = 0.1


@asynccontextmanager
async def working(backends: Backends) -> AsyncIterator[None]:
    """Run the worker beside whatever the context holds; leaving it stops the worker."""
    await _consume(backends)
    duties = [_supervise("relay", Relay(backends.database, backends.broker).run)]
    duties += [_supervise("relay's ear", partial(backends.database.listen, WAKE_CHANNEL, relays.ring))]
    duties += [_supervise("webhook runner", DeliveryRunner(backends).run)]
    duties += [_supervise("export runner", ExportRunner(backends).run)]
    duties += [_supervise("audit sealer", partial(seal_for_ever, backends.database, backends.keyring))]
    duties += [_supervise("answer reaper", partial(reap_for_ever, backends))]
    duties += [_supervise(event.name, partial(_publish_every, backends, every, event)) for every, event in SCHEDULES]
    duties += [_supervise(name, duty) for name, duty in _caption_duties(backends)]
    tasks = [asyncio.create_task(duty) for duty in duties]
    try:
        yield
    finally:
        await end(*tasks)
        await backends.broker.stop()


@asynccontextmanager
async def leaving_work_to_others(backends: Backends) -> AsyncIterator[None]:
    """Beside a server without a worker: only tell the workers of other processes that there is something to do."""
    task = asyncio.create_task(_supervise("wake-up call", partial(pass_on_wakes, backends.database)))
    try:
        yield
    finally:
        await end(task)


async def _consume(backends: Backends) -> None:
    """An embedded broker tells the relay what failed; from a server, only the consumer can."""
    dispatcher = Dispatcher(backends, HANDLERS)
    consumer = Consumer(backends.database, dispatcher.deliver)
    if backends.broker.is_remote:
        await backends.broker.consume(consumer.deliver, consumer.bury)
    else:
        await backends.broker.consume(dispatcher.deliver)


def _caption_duties(backends: Backends) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """The runners of this process, and the reaper of those that are gone; nothing when captions are switched off."""
    if backends.captioner is None:
        return
    yield "caption reaper", Reaper(backends).run
    for number in range(backends.caption_workers):
        yield f"caption runner {number}", CaptionRunner(backends, backends.captioner).run


async def _supervise(name: str, duty: Callable[[], Awaitable[None]]) -> None:
    """Run a duty for ever: whatever it raises (a database restart, say) is logged, and it starts again."""
    while True:
        try:
            await duty()
        except Exception:
            log.exception("duty failed", duty=name)
        await asyncio.sleep(_RESTART_SECONDS)


async def _publish_every(backends: Backends, every: timedelta, event: Event) -> None:
    """At the start, when one process is all there is; otherwise once in each period for all processes together."""
    seconds = every.total_seconds()
    while True:
        period = int(utc_now().timestamp() // seconds)
        async with backends.database.unit() as session:
            if backends.broker.is_remote:
                moment = datetime.fromtimestamp(period * seconds, UTC)
                await Outbox(session).publish_once(event, key=event.name, moment=moment)
            else:
                Outbox(session).publish(event, key=event.name)
        await asyncio.sleep((period + 1) * seconds - utc_now().timestamp() + _AFTER_SECONDS)

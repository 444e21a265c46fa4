"""The worker: the outbox's relay, every feature's handlers, schedules."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import structlog

from madang.backends import Backends
from madang.captions import handlers as caption_handlers
from madang.captions.runner import CaptionRunner, Reaper
from madang.chat import handlers as chat_handlers
from madang.chat.reaper_runner import reap_for_ever
from madang.kit.event import Event
from madang.media import handlers as media_handlers
from madang.outbox import handlers as outbox_handlers
from madang.outbox.delivery import Dispatcher, Handlers
from madang.outbox.events import HousekeepingDue
from madang.outbox.publish import Outbox
from madang.outbox.relay import Relay
from madang.sessions import handlers as session_handlers
from madang.sessions import mail_handlers

log = structlog.get_logger("madang.worker")
HANDLERS: list[Handlers] = [
    outbox_handlers.handlers,
    session_handlers.handlers,
    mail_handlers.handlers,
    media_handlers.handlers,
    caption_handlers.handlers,
    chat_handlers.handlers,
]
SCHEDULES: list[tuple[timedelta, Event]] = [(timedelta(hours=1), HousekeepingDue())]
_RESTART_SECONDS = 1.0


@asynccontextmanager
async def working(backends: Backends) -> AsyncIterator[None]:
    """Run the worker beside whatever the context holds; leaving it stops the worker."""
    await backends.broker.consume(Dispatcher(backends, HANDLERS).deliver)
    duties = [_supervise("relay", Relay(backends.database, backends.broker).run)]
    duties += [_supervise("answer reaper", partial(reap_for_ever, backends))]
    duties += [_supervise(event.name, partial(_publish_every, backends, every, event)) for every, event in SCHEDULES]
    duties += [_supervise(name, duty) for name, duty in _caption_duties(backends)]
    tasks = [asyncio.create_task(duty) for duty in duties]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
    while True:
        async with backends.database.unit() as session:
            Outbox(session).publish(event, key=event.name)
        await asyncio.sleep(every.total_seconds())

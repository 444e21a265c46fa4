"""PostgreSQL's LISTEN and NOTIFY: a hint to look now rather than at the next poll. SQLite has one process and none.

A listener needs a session of its own, which a pooler in transaction mode does not give: MADANG_DATABASE_DIRECT_URL.
"""

import asyncio
from collections.abc import Callable

import asyncpg
import structlog
from sqlalchemy import make_url

log = structlog.get_logger("madang.db")
_TIMEOUT = 5.0
ABSENCE = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


async def listen(url: str, channel: str, heard: Callable[[], None]) -> None:
    """Call `heard` at once and at each notification; returns when the connection is lost or can't be had."""
    target = make_url(url)
    _, options = target.get_dialect()().create_connect_args(target)
    lost = asyncio.Event()
    try:
        connection = await asyncpg.connect(**options, timeout=_TIMEOUT)
    except ABSENCE as error:
        log.debug("no connection to listen on", error=str(error))
        return
    try:
        connection.add_termination_listener(lambda _: lost.set())
        await connection.add_listener(channel, lambda *_: heard())
        heard()
        await lost.wait()
    except ABSENCE as error:
        log.debug("the listening connection was lost", error=str(error))
    finally:
        connection.terminate()

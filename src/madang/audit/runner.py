"""What goes on beside: sealing in the worker, and writing what servers have refused."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import structlog

from madang.audit.chain_service import ChainService
from madang.audit.errors import ChainBroken
from madang.audit.service import AuditService
from madang.db.session import Database
from madang.kit.refusals import Counted, Refusal
from madang.kit.secrets import Keyring
from madang.kit.tasks import end

Drain = Callable[[], Mapping[Refusal, Counted]]
log = structlog.get_logger("madang.audit")
_SEAL_SECONDS = 5.0
_BROKEN_SECONDS = 60.0
_WRITE_SECONDS = 2.0


async def seal_for_ever(database: Database, keyring: Keyring) -> None:
    chain = ChainService(database, keyring)
    while True:
        pause = _SEAL_SECONDS
        try:
            while await chain.seal():
                pass
        except ChainBroken as error:
            log.error("the audit trail was changed; nothing is sealed until it is looked at", fault=str(error))
            pause = _BROKEN_SECONDS
        await asyncio.sleep(pause)


@asynccontextmanager
async def writing_refusals(database: Database, drain: Drain) -> AsyncIterator[None]:
    """Every two seconds, and once more when the context ends; what a killed process had counted since is lost."""
    task = asyncio.create_task(_write_for_ever(database, drain))
    try:
        yield
    finally:
        await end(task)
        await write(database, drain())


async def _write_for_ever(database: Database, drain: Drain) -> None:
    while True:
        await asyncio.sleep(_WRITE_SECONDS)
        await write(database, drain())


async def write(database: Database, refused: Mapping[Refusal, Counted]) -> None:
    """In one unit, and in one order on every server; what the database can't take now is told in the log instead."""
    if not refused:
        return
    try:
        async with database.unit() as session:
            trail = AuditService(session)
            for refusal in sorted(refused, key=repr):
                await trail.count(refusal, refused[refusal])
    except Exception as error:
        missing = [(one.action, one.code, one.path, one.ip, counted.count) for one, counted in refused.items()]
        log.error("refusals are missing in the trail", error=str(error), missing=missing)

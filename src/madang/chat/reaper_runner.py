"""Ends the runs whose server is gone: their lease is over, their text is what the log holds."""

import asyncio
from datetime import datetime
from functools import partial
from uuid import UUID

from madang.backends import Backends
from madang.chat.errors import AnswerInterrupted
from madang.chat.models import INTERRUPTED
from madang.chat.run_repository import Ending, RunRepository
from madang.chat.runner import ENDED, finish_run, live_channel
from madang.db.session import Session, after_commit
from madang.kit.clock import utc_now

_PAUSE_SECONDS = 5.0
_BATCH = 20


async def reap_for_ever(backends: Backends) -> None:
    while True:
        await reap_interrupted(backends, utc_now())
        await asyncio.sleep(_PAUSE_SECONDS)


async def reap_interrupted(backends: Backends, lost_before: datetime) -> int:
    """Mark running runs whose lease ended before that time as interrupted; returns how many there were."""
    count = 0
    while True:
        async with backends.database.unit() as session:
            # Locked from here to the commit, so a server that was only slow can't add to what is being closed.
            run_ids = await RunRepository(session).abandoned(lost_before, _BATCH)
            for run_id in run_ids:
                await _interrupt(session, backends, run_id)
        count += len(run_ids)
        if len(run_ids) < _BATCH:
            return count


async def _interrupt(session: Session, backends: Backends, run_id: UUID) -> None:
    text = await RunRepository(session).stored_text(run_id)
    await finish_run(session, run_id, Ending(INTERRUPTED, INTERRUPTED, text, AnswerInterrupted.code), utc_now())
    after_commit(session, partial(backends.cache.publish, live_channel(run_id), ENDED))

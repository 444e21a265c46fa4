"""What followers of a job are told: written beside each change, read from any node."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog

from madang.backends.cache.base import Cache
from madang.captions.errors import CaptionNotFound
from madang.captions.events import CaptionFinished
from madang.captions.models import Caption, CaptionProgress
from madang.captions.repository import CaptionRepository
from madang.db.session import Database, Session, after_commit
from madang.kit.clock import Clock
from madang.kit.tasks import end
from madang.outbox.publish import Outbox

log = structlog.get_logger("madang.captions")
_POLL_SECONDS = 1.0


class ProgressLog:
    """Writes what happens to a job within one unit of work; followers are woken once the unit has committed."""

    def __init__(self, session: Session, cache: Cache, outbox: Outbox, clock: Clock) -> None:
        self._session = session
        self._cache = cache
        self._outbox = outbox
        self._clock = clock

    async def end(self, caption: Caption, state: str) -> None:
        """The job's end, whichever it is: nobody holds it any more, followers and other features learn of it."""
        caption.state, caption.stage, caption.finished_at = state, None, self._clock()
        caption.lease_id = caption.lease_until = None
        await self.tell(caption)
        fact = CaptionFinished(caption_id=caption.id, account_id=caption.account_id, state=state)
        self._outbox.publish(fact, key=caption.id)

    async def tell(self, caption: Caption) -> None:
        """Number the change; the end of a job needs no row, since its caption says it all."""
        caption.sequence += 1
        if not caption.is_finished:
            told = CaptionProgress(
                caption_id=caption.id,
                sequence=caption.sequence,
                state=caption.state,
                stage=caption.stage,
                progress=caption.progress,
            )
            await CaptionRepository(self._session).add_progress(told)
        after_commit(self._session, partial(_wake_followers, self._cache, caption.id))


async def _wake_followers(cache: Cache, caption_id: UUID) -> None:
    """Followers poll as well, so a cache that does not answer costs them a second, and the job nothing."""
    try:
        await cache.publish(_channel(caption_id), "")
    except Exception as error:
        log.warning("followers not woken", caption=str(caption_id), error=repr(error))


@dataclass(frozen=True, slots=True)
class Told:
    """One entry for a follower: progress, or the caption itself at the end."""

    sequence: int
    what: CaptionProgress | Caption


class ProgressService:
    """Reads the log; opens a short unit of its own for each look."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache

    async def is_over(self, account_id: UUID, caption_id: UUID, after: int) -> bool:
        """Whether nothing will ever come after this id; raises `CaptionNotFound`."""
        async with self._database.read_unit() as session:
            caption = await CaptionRepository(session).own(account_id, caption_id)
        if caption is None:
            raise CaptionNotFound
        return caption.is_finished and after >= caption.sequence

    async def follow(self, account_id: UUID, caption_id: UUID, after: int) -> AsyncGenerator[Told]:
        """Everything after that id as it comes; the last entry is the finished caption. Ends when it is deleted.

        The channel is joined before the log is read, so nothing falls between the two; a lost message costs a second.
        """
        async with self._cache.subscribe(_channel(caption_id)) as woken:
            following = asyncio.ensure_future(anext(woken))
            try:
                while (entries := await self._after(account_id, caption_id, after)) is not None:
                    for told in entries:
                        yield told
                        after = told.sequence
                        if isinstance(told.what, Caption):
                            return
                    await asyncio.wait({following}, timeout=_POLL_SECONDS)
                    if following.done():
                        following.result()
                        following = asyncio.ensure_future(anext(woken))
            finally:
                await end(following)

    async def _after(self, account_id: UUID, caption_id: UUID, after: int) -> list[Told] | None:
        """None when there is no such caption any more."""
        async with self._database.read_unit() as session:
            captions = CaptionRepository(session)
            caption = await captions.own(account_id, caption_id)
            if caption is None:
                return None
            told = [Told(row.sequence, row) for row in await captions.progress_after(caption_id, after)]
        return [*told, Told(caption.sequence, caption)] if caption.is_finished else told


def _channel(caption_id: UUID) -> str:
    return f"captions:{caption_id}"

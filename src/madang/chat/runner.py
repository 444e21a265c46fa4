"""Answers being written by this server: tasks that outlive the request, under a lease that one heartbeat renews."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import datetime
from typing import cast
from uuid import UUID

import structlog

from madang.backends.cache.base import Cache
from madang.backends.llm.base import Role, Turn, Usage
from madang.backends.llm.upstreams import Upstreams
from madang.chat.ask_service import LEASE, Task
from madang.chat.errors import AnswerFailed, AnswerInterrupted
from madang.chat.events import AnswerFinished
from madang.chat.models import CANCELLED, COMPLETE, FAILED, INTERRUPTED, SUCCEEDED
from madang.chat.quota_service import QuotaService
from madang.chat.repository import ChatRepository
from madang.chat.run_repository import Ending, Piece, RunRepository
from madang.db.session import Database, Session
from madang.kit.clock import Clock, utc_now
from madang.kit.problems import Problem
from madang.kit.tasks import end
from madang.outbox.publish import Outbox

log = structlog.get_logger("madang.chat")
CANCEL_CHANNEL = "chat:cancel"
ENDED = "!"
_STORE_SECONDS = 0.2
_LOOK_SECONDS = 1.0
_LOOKS_PER_HEARTBEAT = 5
_RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 4.0)
_FAREWELL_SECONDS = 8.0


def live_channel(run_id: UUID) -> str:
    """Carries `<end>:<text>` for each delta, and `ENDED` once the end is stored."""
    return f"chat:run:{run_id}"


class _Answer:
    """One answer as far as this server has it."""

    def __init__(self, task: Task) -> None:
        self.run_id = task.run_id
        self.pieces: list[str] = []
        self.length = 0
        self.unstored: list[str] = []
        self.first_delta_at: datetime | None = None
        self.usage: Usage | None = None
        self.stopped: str | None = None
        self.has_begun = False
        self.is_ending = False
        self.writing: asyncio.Task[None] | None = None

    def stop(self, state: str) -> None:
        """End it from outside, in that state; without effect once it is ending by itself."""
        if self.stopped is not None or self.is_ending:
            return
        self.stopped = state
        if self.has_begun and self.writing is not None:  # a task cancelled before its first step never runs at all
            self.writing.cancel()


class AnswerRunner:
    """One per server. All its answers share one storing and one looking loop, so the database sees a handful of
    statements a second however many people are being answered."""

    def __init__(self, database: Database, cache: Cache, llm: Upstreams | None, clock: Clock = utc_now) -> None:
        self._database = database
        self._cache = cache
        self._llm = llm
        self._clock = clock
        self._answers: dict[UUID, _Answer] = {}
        self._unstored = asyncio.Event()
        self._urgent = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["AnswerRunner"]:
        """Run the loops; on leaving, whatever is still being written ends as interrupted, its text kept."""
        duties = (self._store_for_ever, self._look_for_ever, self._hear_cancels)
        loops = [asyncio.create_task(_supervise(duty)) for duty in duties]
        try:
            yield self
        finally:
            await self._interrupt_all()
            await end(*loops)

    def start(self, task: Task) -> None:
        answer = self._answers[task.run_id] = _Answer(task)
        answer.writing = asyncio.create_task(self._write(answer, task))

    async def until_idle(self) -> None:
        """Wait for every answer that is being written here."""
        if tasks := [answer.writing for answer in self._answers.values() if answer.writing is not None]:
            await asyncio.wait(tasks)

    async def stop(self, run_id: UUID) -> None:
        """Tell whichever server is writing it to stop."""
        await self._cache.publish(CANCEL_CHANNEL, str(run_id))

    async def _write(self, answer: _Answer, task: Task) -> None:
        try:
            state, error_code = await self._outcome(answer, task)
            answer.is_ending = True
            await self._end(answer, state, error_code)
        finally:
            del self._answers[answer.run_id]

    async def _outcome(self, answer: _Answer, task: Task) -> tuple[str, str | None]:
        """Listen to the model until it ends one way or another: the state, and why."""
        answer.has_begun = True
        try:
            if answer.stopped is None:
                await self._listen(answer, task)
                return SUCCEEDED, None
        except asyncio.CancelledError:
            log.info("answer stopped", run=str(answer.run_id), state=answer.stopped)
        except Problem as problem:
            return FAILED, problem.code
        except Exception:
            log.exception("answer failed", run=str(answer.run_id))
            return FAILED, AnswerFailed.code
        return (CANCELLED, None) if answer.stopped == CANCELLED else (INTERRUPTED, AnswerInterrupted.code)

    async def _listen(self, answer: _Answer, task: Task) -> None:
        async with self._database.read_unit() as session:
            chat = ChatRepository(session)
            prompt, branch = await chat.system_prompt(task.question_id), await chat.branch(task.question_id)
        # A turn with nothing in it is an answer that failed before its first word.
        said = [("system", prompt or ""), *branch]
        turns = [Turn(cast("Role", role), content) for role, content in said if content]
        assert self._llm is not None  # noqa: S101 - nothing is asked of a chat that is switched off
        async with aclosing(self._llm.stream(task.model, turns, task.role)) as deltas:
            async for delta in deltas:
                if delta.text:
                    await self._take(answer, delta.text)
                answer.usage = delta.usage or answer.usage

    async def _take(self, answer: _Answer, text: str) -> None:
        answer.pieces.append(text)
        answer.unstored.append(text)
        answer.length += len(text)
        if answer.first_delta_at is None:
            answer.first_delta_at = self._clock()
            self._urgent.set()
        self._unstored.set()
        await self._tell(answer.run_id, f"{answer.length}:{text}")

    async def _end(self, answer: _Answer, state: str, error_code: str | None) -> None:
        ending = Ending(
            state,
            COMPLETE if state == SUCCEEDED else state,
            "".join(answer.pieces),
            error_code,
            answer.usage.prompt_tokens if answer.usage else None,
            answer.usage.completion_tokens if answer.usage else None,
            answer.first_delta_at,
        )
        await _insist(lambda: self._finish(answer.run_id, ending))
        await self._tell(answer.run_id, ENDED)

    async def _finish(self, run_id: UUID, ending: Ending) -> None:
        async with self._database.unit() as session:
            await finish_run(session, run_id, ending, self._clock())

    async def _tell(self, run_id: UUID, message: str) -> None:
        """Live readers may miss it, and then read the log; an answer does not fail for a channel."""
        try:
            await self._cache.publish(live_channel(run_id), message)
        except Exception:
            log.warning("live channel failed", run=str(run_id), exc_info=True)

    async def _interrupt_all(self) -> None:
        for answer in self._answers.values():
            answer.stop(INTERRUPTED)
        tasks = [answer.writing for answer in self._answers.values() if answer.writing is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=_FAREWELL_SECONDS)

    async def _store_for_ever(self) -> None:
        """Put what has been said into the log, for all answers in one unit; an answer's first words at once."""
        while True:
            await self._unstored.wait()
            self._unstored.clear()
            self._urgent.clear()
            await self._store()
            with suppress(TimeoutError):
                async with asyncio.timeout(_STORE_SECONDS):
                    await self._urgent.wait()

    async def _store(self) -> None:
        batch = [(one, len(one.unstored), one.length) for one in self._answers.values() if one.unstored]
        pieces = [Piece(one.run_id, end, "".join(one.unstored[:count])) for one, count, end in batch]
        if not pieces:
            return
        try:
            async with self._database.unit() as session:
                await RunRepository(session).append(pieces, self._clock())
        except BaseException:
            self._unstored.set()
            raise
        for one, count, _ in batch:
            del one.unstored[:count]

    async def _look_for_ever(self) -> None:
        """Renew all leases every few seconds, and see each second who has been asked to stop: the channel may fail."""
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            looks += 1
            if ids := list(self._answers):
                await (self._renew(ids) if looks % _LOOKS_PER_HEARTBEAT == 0 else self._look(ids))

    async def _renew(self, ids: list[UUID]) -> None:
        async with self._database.unit() as session:
            held = await RunRepository(session).extend(ids, self._clock() + LEASE)
        # Someone has declared us dead, or the conversation is gone: what we would write has no place any more.
        self._stop_all(set(ids) - held, INTERRUPTED)

    async def _look(self, ids: list[UUID]) -> None:
        async with self._database.read_unit() as session:
            asked = await RunRepository(session).cancel_requested(ids)
        self._stop_all(asked, CANCELLED)

    async def _hear_cancels(self) -> None:
        async with self._cache.subscribe(CANCEL_CHANNEL) as messages:
            async for message in messages:
                self._stop_all([UUID(message)], CANCELLED)

    def _stop_all(self, run_ids: Iterable[UUID], state: str) -> None:
        for run_id in run_ids:
            if run_id in self._answers:
                self._answers[run_id].stop(state)


async def finish_run(session: Session, run_id: UUID, ending: Ending, now: datetime) -> None:
    """Store how a run ended, once: a run that has ended already, or is gone, stays as it is."""
    run = await RunRepository(session).finish(run_id, ending, now)
    if run is None:
        return
    await ChatRepository(session).touch(run.conversation_id, now)
    await QuotaService(session, lambda: now).settle_for(run, ending.content)
    fact = AnswerFinished(
        run_id=run.id, conversation_id=run.conversation_id, account_id=run.account_id, state=run.state
    )
    Outbox(session).publish(fact, key=run.conversation_id)


async def _insist(attempt: Callable[[], Awaitable[None]]) -> None:
    """Try again while the database is away; given up, the run is left to the reaper."""
    for pause in _RETRY_SECONDS:
        try:
            return await attempt()
        except Exception:
            log.exception("the end of an answer could not be stored; trying again", seconds=pause)
        await asyncio.sleep(pause)
    return await attempt()


async def _supervise(duty: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await duty()
        except Exception:
            log.exception("duty failed", duty=duty.__name__)
        await asyncio.sleep(_LOOK_SECONDS)

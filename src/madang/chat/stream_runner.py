"""Following an answer: what is stored first, then what is said, from any server and from any point."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Literal, NamedTuple
from uuid import UUID

from madang.backends.cache.base import Cache
from madang.chat.errors import RunNotFound
from madang.chat.models import RUNNING, Run
from madang.chat.run_repository import RunRepository
from madang.chat.runner import ENDED, live_channel
from madang.chat.schemas import RunEvent
from madang.chat.service import run_view
from madang.db.session import Database
from madang.kit.tasks import end

_POLL_SECONDS = 1.0
_CATCH_UP_SECONDS = 0.25
_LONGEST_WAIT_FOR_THE_LOG = 2.0
_LONGEST_QUEUE = 1000


class Stored(NamedTuple):
    """A run, and the answer beyond a position as far as it is stored."""

    run: Run
    length: int
    text: str

    @property
    def is_running(self) -> bool:
        return self.run.state == RUNNING


class RunReader:
    """Subscribes first, then reads the log, then drops what it already has, so nothing falls between the two."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache

    async def is_read(self, account_id: UUID, run_id: UUID, last_id: int | None) -> bool:
        """Whether a finished run has nothing beyond `last_id`; raises `RunNotFound` for other people's too."""
        async with self._database.read_unit() as session:
            run = await RunRepository(session).own(account_id, run_id)
            if run is None:
                raise RunNotFound
            if last_id is None or run.state == RUNNING:
                return False
            return last_id == len(await RunRepository(session).content(run))

    async def follow(self, run_id: UUID, last_id: int | None, language: str) -> AsyncGenerator[RunEvent, None]:
        """The run's events after `last_id`; ends with `done`, or without when the run is deleted meanwhile."""
        async with _subscribed(self._cache, live_channel(run_id)) as inbox:
            reading = _Following(self, inbox, run_id, last_id or 0, language)
            async with aclosing(reading.events()) as events:
                async for event in events:
                    yield event

    async def stored(self, run_id: UUID, position: int) -> Stored | None:
        """The run before its text: one that ends in between is seen to end at the next look, never half."""
        async with self._database.read_unit() as session:
            runs = RunRepository(session)
            run = await runs.get(run_id)
            if run is None:
                return None
            if run.state != RUNNING:
                content = await runs.content(run)
                return Stored(run, len(content), content[position:])
            pieces = await runs.pieces(run_id, position)
            if not pieces:
                return Stored(run, await runs.stored_length(run_id), "")
            text = "".join(piece.text for piece in pieces)
            end = pieces[-1].end
            return Stored(run, end, text[len(text) - (end - position) :])


class _Following:
    """One reader's place in one answer."""

    def __init__(self, reader: RunReader, inbox: "_Inbox", run_id: UUID, position: int, language: str) -> None:
        self._reader = reader
        self._inbox = inbox
        self._run_id = run_id
        self._position = position
        self._language = language

    async def events(self) -> AsyncGenerator[RunEvent, None]:
        stored = await self._beginning()
        if stored is None:
            return
        # Under the id the reader came with: should it leave before a reset, it must come back to the reset.
        yield self._event("run", stored.run)
        if stored.length < self._position:
            yield await self._reset(stored)
        while stored is not None and stored.is_running:
            if stored.text:
                yield self._delta(stored.length, stored.text)
            async for event in self._live():
                yield event
            stored = await self._next_stored()
        if stored is not None:
            for event in await self._ending(stored):
                yield event

    async def _beginning(self) -> Stored | None:
        """A reader of live text may be a moment ahead of the log; give the log that moment before a reset."""
        deadline = asyncio.get_running_loop().time() + _LONGEST_WAIT_FOR_THE_LOG
        while stored := await self._reader.stored(self._run_id, self._position):
            late = asyncio.get_running_loop().time() >= deadline
            if not stored.is_running or stored.length >= self._position or late:
                break
            await asyncio.sleep(_CATCH_UP_SECONDS)
        return stored

    async def _next_stored(self) -> Stored | None:
        """What is stored by now; after a gap that the log has not closed yet, a moment later."""
        stored = await self._reader.stored(self._run_id, self._position)
        if stored and stored.is_running and stored.length <= self._position and self._inbox.has_gap:
            await asyncio.sleep(_CATCH_UP_SECONDS)
            stored = await self._reader.stored(self._run_id, self._position)
        return stored

    async def _ending(self, stored: Stored) -> list[RunEvent]:
        """The rest, or a reset when the reader has seen text that was lost with its writer; then the end."""
        events = []
        if stored.length < self._position:
            events.append(await self._reset(stored))
        elif stored.text:
            events.append(self._delta(stored.length, stored.text))
        return [*events, self._event("run", stored.run), self._event("done", stored.run)]

    async def _reset(self, stored: Stored) -> RunEvent:
        whole = await self._reader.stored(self._run_id, 0) or stored
        self._position = whole.length
        run = run_view(whole.run, self._language).model_dump(mode="json")
        return RunEvent("reset", self._position, {"text": whole.text, "run": run})

    async def _live(self) -> AsyncIterator[RunEvent]:
        """Deltas as they are said, until the end, a gap, or a second of silence sends the reader to the log."""
        while batch := await self._inbox.take():
            text, goes_on = self._join(batch)
            if text:
                yield RunEvent("delta", self._position, {"text": text})
            if not goes_on:
                return

    def _join(self, batch: list[str]) -> tuple[str, bool]:
        """The new text of some messages as one, since each event costs; and whether to go on listening."""
        parts: list[str] = []
        for number, message in enumerate(batch):
            if message == ENDED:
                return "".join(parts), False
            end, _, text = message.partition(":")
            new = int(end) - self._position
            if new > len(text):
                self._inbox.put_back(batch[number:])
                return "".join(parts), False
            if new > 0:
                parts.append(text[len(text) - new :])
                self._position = int(end)
        return "".join(parts), True

    def _delta(self, end: int, text: str) -> RunEvent:
        self._position = end
        return RunEvent("delta", end, {"text": text})

    def _event(self, name: Literal["run", "done"], run: Run) -> RunEvent:
        return RunEvent(name, self._position, run_view(run, self._language))


class _Inbox:
    """What the channel brought and nobody has taken; a reader too slow for it loses the oldest and finds it stored."""

    def __init__(self) -> None:
        self._messages: list[str] = []
        self._filled = asyncio.Event()
        # What was said just before subscribing may not be stored yet at the first look, so the second comes soon.
        self._patience = _CATCH_UP_SECONDS

    async def fill(self, messages: AsyncIterator[str]) -> None:
        async for message in messages:
            if len(self._messages) >= _LONGEST_QUEUE:
                del self._messages[: _LONGEST_QUEUE // 2]
            self._messages.append(message)
            self._filled.set()

    async def take(self) -> list[str]:
        """Everything there is, at least one message; empty after a second of silence, the first time sooner."""
        if not self._messages:
            self._filled.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._filled.wait()
            self._patience = _POLL_SECONDS
        taken, self._messages = self._messages, []
        return taken

    @property
    def has_gap(self) -> bool:
        """Whether something was put back, waiting for the log to close the gap before it."""
        return bool(self._messages)

    def put_back(self, messages: list[str]) -> None:
        self._messages[:0] = messages


@asynccontextmanager
async def _subscribed(cache: Cache, channel: str) -> AsyncGenerator[_Inbox, None]:
    async with cache.subscribe(channel) as messages:
        inbox = _Inbox()
        filling = asyncio.create_task(inbox.fill(messages))
        try:
            yield inbox
        finally:
            await end(filling)

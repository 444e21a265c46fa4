"""OpenAI's calls for programs: passed on to an upstream, within the person's quota, billed for what was produced."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic_core import to_json

from madang.backends.llm.base import Body, Chunk, Usage
from madang.backends.llm.upstreams import Upstreams
from madang.chat.ask_service import Asker
from madang.chat.errors import ChatSwitchedOff, NoSuchModel
from madang.chat.quota_service import QuotaService, Reservation, Standing
from madang.db.session import Database
from madang.kit.clock import Clock
from madang.kit.problems import Problem

log = structlog.get_logger("madang.chat")
_bills: set[asyncio.Task[None]] = set()


@dataclass
class _Meter:
    """What an answer has used so far."""

    letters: int = 0
    usage: Usage | None = None

    def note(self, piece: Any) -> None:
        self.letters += piece.letters
        self.usage = piece.usage or self.usage


class CompletionService:
    """Takes the database, not a unit: between what is reserved and what is settled the model is asked."""

    def __init__(self, database: Database, llm: Upstreams | None, clock: Clock) -> None:
        self._database = database
        self._llm = llm
        self._clock = clock

    async def models(self, role: str) -> list[str]:
        return await self._upstreams().models(role)

    async def whole(self, person: Asker, path: str, body: Body) -> tuple[bytes, Standing | None]:
        """The upstream's answer. Raises `NoSuchModel`, `QuotaExceeded` or an `Upstream…` problem."""
        taken, standing = await self._reserve(person, body)
        meter = _Meter()
        try:
            reply = await self._upstreams().ask(path, body, person.role)
            meter.note(reply)
            meter.letters = meter.letters or 1  # an embedding says nothing, and has read all the same
            return reply.data, standing
        except asyncio.CancelledError:
            meter.letters = 1  # the upstream has read the question, and how far it wrote nobody knows
            raise
        finally:
            await self._bill(taken, body["model"], meter)

    async def stream(self, person: Asker, body: Body) -> tuple[AsyncGenerator[bytes, None], Standing | None]:
        """The upstream's chunks as server-sent events, once the first one is there; raises as `whole` until then."""
        taken, standing = await self._reserve(person, body)
        chunks, meter = self._upstreams().relay(body, person.role), _Meter()
        try:
            first = await anext(chunks)
        except BaseException:
            await chunks.aclose()
            await self._bill(taken, body["model"], meter)
            raise
        frames = self._frames(first, chunks, meter, (taken, body))
        await anext(frames)  # begun, so that closing it settles, even if nobody ever reads
        return frames, standing

    async def _frames(
        self, first: Chunk, chunks: AsyncGenerator[Chunk, None], meter: _Meter, bill: tuple[Reservation, Body]
    ) -> AsyncGenerator[bytes, None]:
        taken, body = bill
        wants_usage = (body.get("stream_options") or {}).get("include_usage") is True
        try:
            yield b""
            chunk: Chunk | None = first
            while chunk is not None:
                meter.note(chunk)
                if frames := chunk.frames + (chunk.usage_frame if wants_usage else b""):
                    yield frames
                chunk = await anext(chunks, None)
            yield b"data: [DONE]\n\n"
        except Problem as problem:
            yield _error_frame(problem)
        finally:
            await chunks.aclose()
            await self._bill(taken, body["model"], meter)

    def _upstreams(self) -> Upstreams:
        if self._llm is None:
            raise ChatSwitchedOff
        return self._llm

    async def _reserve(self, person: Asker, body: Body) -> tuple[Reservation, Standing | None]:
        if not await self._upstreams().offers(body["model"], person.role):
            raise NoSuchModel(model=body["model"])
        async with self._database.unit() as session:
            return await QuotaService(session, self._clock).reserve(person.id, _letters_in(body))

    async def _bill(self, taken: Reservation, model: str, meter: _Meter) -> None:
        """In a task of its own, since whoever hung up cancels this one."""
        task = asyncio.create_task(self._settle(taken, model, meter))
        _bills.add(task)
        task.add_done_callback(_bills.discard)
        await asyncio.shield(task)

    async def _settle(self, taken: Reservation, model: str, meter: _Meter) -> None:
        usage = (meter.usage.prompt_tokens, meter.usage.completion_tokens) if meter.usage else None
        try:
            async with self._database.unit() as session:
                await QuotaService(session, self._clock).settle(taken, model, usage, meter.letters)
        except Exception:  # the answer has been given; what was reserved stays taken
            log.exception("an answer could not be settled", account=str(taken.account_id))


async def bills_settled() -> None:
    """Wait until what is being settled is: before the database is closed."""
    if _bills:
        await asyncio.wait(_bills)


def _letters_in(value: Any) -> int:
    """Of all texts in a body; an image's data counts for nothing, since its size says nothing of its tokens."""
    if isinstance(value, str):
        return 0 if value.startswith("data:") else len(value)
    if isinstance(value, dict):
        return sum(map(_letters_in, value.values()))
    return sum(map(_letters_in, value)) if isinstance(value, list) else 0


def _error_frame(problem: Problem) -> bytes:
    error = {"message": problem.detail.render("en", problem.values), "type": "server_error", "code": problem.code}
    return b"data: " + to_json({"error": {**error, "param": None}}) + b"\n\n"

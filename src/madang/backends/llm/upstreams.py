"""All upstreams as one: who may ask which, in their order, and the next one when one fails before its first word."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from madang.backends.llm.base import (
    MAX_TRIES,
    Body,
    Chunk,
    Delta,
    LanguageModel,
    Reply,
    Turn,
    UpstreamDown,
    UpstreamRefused,
)
from madang.backends.llm.circuit import Circuit
from madang.kit.problems import Problem

T = TypeVar("T")
Ask = Callable[[LanguageModel, int], AsyncGenerator[T, None]]
log = structlog.get_logger("madang.llm")


@dataclass(frozen=True, slots=True)
class Upstream:
    """One server of models. `models`: the only ones to use of it, or all; `roles`: whose, or everybody's."""

    name: str
    address: str
    llm: LanguageModel
    models: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    circuit: Circuit = field(default_factory=Circuit)

    async def offered(self) -> list[str]:
        """Its models, the default first; empty when any name may be asked for."""
        if not self.models:
            return await self.llm.models()
        default = self.llm.default_model
        return sorted(self.models, key=lambda model: model != default)


class Upstreams:
    """`upstreams` in the order in which they are asked."""

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        self.upstreams = upstreams

    def default_model(self, role: str) -> str | None:
        """The model that the operator has named first for that role; None leaves the choice to the lists."""
        return next((one.llm.default_model for one in self._open_to(role)), None)

    async def models(self, role: str) -> list[str]:
        """What that role may name, in order; upstreams that can't be asked are left out unless all of them are."""
        listed = [models for _, models in await self._listed(role)]
        return list(dict.fromkeys(model for models in listed for model in models))

    async def offers(self, model: str, role: str) -> bool:
        return any(not models or model in models for _, models in await self._listed(role))

    def stream(self, model: str, turns: list[Turn], role: str) -> AsyncGenerator[Delta, None]:
        """The answer of the first upstream that begins one; closing the generator stops it. Raises an `Upstream…`
        problem: the last one's, or `UpstreamDown` when all that offer the model are left alone."""
        return self._first(model, role, lambda llm, tries: llm.stream(model, turns, tries))

    def relay(self, body: Body, role: str) -> AsyncGenerator[Chunk, None]:
        """As `stream`, for a chat completion of OpenAI's shape."""
        return self._first(body["model"], role, lambda llm, tries: llm.relay(body, tries))

    async def ask(self, path: str, body: Body, role: str) -> Reply:
        """As `stream`, for a whole answer of OpenAI's shape."""

        async def whole(llm: LanguageModel, tries: int) -> AsyncGenerator[Reply, None]:
            yield await llm.ask(path, body, tries)

        async with aclosing(self._first(body["model"], role, whole)) as replies:
            return [reply async for reply in replies][-1]

    async def _first(self, model: str, role: str, ask: Ask[T]) -> AsyncGenerator[T, None]:
        offering = [one for one, models in await self._listed(role) if not models or model in models]
        failure: Problem = _down(offering, model)
        for upstream in offering:
            if not upstream.circuit.lets_through(model):
                continue
            tries = MAX_TRIES if upstream is offering[-1] else 1
            async with aclosing(_watched(upstream.circuit, model, ask(upstream.llm, tries))) as answer:
                try:
                    beginning = await anext(answer)
                except UpstreamRefused:
                    raise
                except Problem as problem:
                    log.warning("upstream failed", upstream=upstream.name, model=model, error=problem.code)
                    failure = problem
                    continue
                yield beginning
                async for piece in answer:
                    yield piece
                return
        raise failure

    async def close(self) -> None:
        for upstream in self.upstreams:
            await upstream.llm.close()

    def _open_to(self, role: str) -> list[Upstream]:
        return [one for one in self.upstreams if not one.roles or role in one.roles]

    async def _listed(self, role: str) -> list[tuple[Upstream, list[str]]]:
        listed, failure = [], None
        for upstream in self._open_to(role):
            try:
                listed.append((upstream, await upstream.offered()))
            except Problem as problem:
                failure = problem
        if failure is not None and not listed:
            raise failure
        return listed


async def _watched(circuit: Circuit, model: str, answer: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The upstream's own answer, whose end the circuit learns."""
    try:
        async with aclosing(answer):
            async for piece in answer:
                yield piece
    except UpstreamRefused:
        circuit.note_answer()
        raise
    except Problem as problem:
        circuit.note_failure(problem, model)
        raise
    except BaseException:
        circuit.note_leaving()
        raise
    circuit.note_answer()


def _down(offering: Sequence[Upstream], model: str) -> UpstreamDown:
    rests = [one.circuit.seconds_left(model) for one in offering]
    seconds = max(1, round(min(rests, default=1)))
    return UpstreamDown(retry_after=seconds, seconds=seconds)

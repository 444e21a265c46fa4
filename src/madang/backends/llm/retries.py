"""When an upstream is asked again: only before the first delta, at most three times within a minute."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from madang.backends.llm.base import MAX_TRIES, UpstreamBusy
from madang.kit.problems import Problem

T = TypeVar("T")
WINDOW_SECONDS = 60.0
_FIRST_PAUSE = 0.5


class Transient(Exception):
    """A failure that may pass: what to raise if it does not, and how long the upstream asked us to wait."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        self.problem = problem
        self.retry_after = retry_after
        super().__init__(problem.code)


async def with_retries(attempt: Callable[[], Awaitable[T]], tries: int = MAX_TRIES) -> T:
    """The result of the first attempt that succeeds; raises the last one's problem."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WINDOW_SECONDS
    for number in range(1, tries + 1):
        try:
            return await attempt()
        except Transient as failure:
            pause = failure.retry_after if failure.retry_after is not None else _backoff(number)
            if number == tries or loop.time() + pause >= deadline:
                raise failure.problem from None
            await asyncio.sleep(pause)
    raise UpstreamBusy


def _backoff(number: int) -> float:
    """Exponential with jitter: people whose requests failed together must not come back together."""
    ceiling: float = _FIRST_PAUSE * 2 ** (number - 1)
    return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

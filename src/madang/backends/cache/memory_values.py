"""Kept answers in one process's memory."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field

from madang.backends.cache.base import Reading

MOST_TAGS = 1000
MOST_NAMES = 200


@dataclass(eq=False)
class _Generation:
    until: float
    values: dict[str, bytes] = field(default_factory=dict)


class MemoryValues:
    """The tags that were begun first are forgotten first, once there are too many."""

    def __init__(self) -> None:
        self._generations: OrderedDict[str, _Generation] = OrderedDict()

    async def read(self, tag: str, name: str, seconds: int) -> Reading:
        generation = self._generations.get(tag)
        if generation is None or generation.until <= time.monotonic():
            generation = self._begin(tag, seconds)
        return Reading(generation.values.get(name), generation)

    async def keep(self, tag: str, name: str, reading: Reading, value: bytes) -> None:
        generation = self._generations.get(tag)
        if generation is not None and generation is reading.generation and len(generation.values) < MOST_NAMES:
            generation.values[name] = value

    async def end(self, *tags: str) -> None:
        for tag in tags:
            self._generations.pop(tag, None)

    def _begin(self, tag: str, seconds: int) -> _Generation:
        self._generations.pop(tag, None)
        self._generations[tag] = generation = _Generation(time.monotonic() + seconds)
        if len(self._generations) > MOST_TAGS:
            self._generations.popitem(last=False)
        return generation

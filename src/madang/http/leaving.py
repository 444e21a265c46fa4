"""Work that is given up when whoever asked for it has gone."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from madang.kit.tasks import end

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody is there any more to be answered."""


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; raises `ClientGone` once it was cancelled because the client has hung up."""
    working, gone = asyncio.create_task(work), asyncio.create_task(_until_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return await working
    finally:
        await end(working, gone)


async def _until_gone(request: Request) -> None:
    """The body has been read, so all that comes is the end of the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

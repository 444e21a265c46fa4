"""House-keeping: rows that retention no longer keeps go in batches."""

from collections.abc import Awaitable, Callable

from madang.db.session import Database, Session

Batch = Callable[[Session], Awaitable[int]]


async def sweep(database: Database, batch: Batch) -> None:
    """Repeat a deletion of some rows, each time in a unit of its own so that no lock is held for long, until it
    finds none."""
    while True:
        async with database.unit() as session:
            swept = await batch(session)
        if not swept:
            return

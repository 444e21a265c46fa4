"""Ending tasks that do not listen at first."""

import asyncio

from madang.kit.tasks import end


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    lost = 0

    async def deaf() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        (result,) = await end(task, patience=0.01)
    assert task.cancelled()
    assert isinstance(result, asyncio.CancelledError)
    assert lost == 3


async def test_what_the_tasks_returned_or_raised_comes_in_their_order() -> None:
    async def returning() -> int:
        return 7

    async def raising() -> None:
        raise LookupError

    tasks = [asyncio.create_task(returning()), asyncio.create_task(raising())]
    await asyncio.wait(tasks)
    returned, raised = await end(*tasks)
    assert returned == 7
    assert isinstance(raised, LookupError)


async def test_nothing_to_end() -> None:
    assert await end() == []

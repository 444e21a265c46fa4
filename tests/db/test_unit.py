"""The unit of work: all or nothing, SQL and nothing else, hooks after the commit."""

import asyncio
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from madang.accounts.errors import EmailTaken
from madang.backends.broker.base import Message
from madang.backends.broker.local import LocalBroker
from madang.backends.mail.console import ConsoleMail
from madang.db.session import Database, Session, after_commit
from madang.kit.clock import utc_now
from madang.kit.hashing import PasswordHasher
from madang.kit.ids import new_id
from madang.kit.unit_guard import forbid_in_unit


class Marked(EmailTaken):
    """A refusal that leaves a mark."""

    commit = True


@pytest.fixture
async def numbers(database: Database) -> Database:
    async with database.unit() as session:
        await session.execute(text("CREATE TABLE numbers (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"))
        await session.execute(text("INSERT INTO numbers VALUES (1, 0)"))
    return database


async def write(session: Session, number: int) -> None:
    await session.execute(text("UPDATE numbers SET n = :n"), {"n": number})


async def stored(database: Database) -> int:
    async with database.read_unit() as session:
        return int((await session.execute(text("SELECT n FROM numbers"))).scalar_one())


async def write_and_raise(database: Database, error: BaseException, hook: Callable[[], Any] = lambda: None) -> None:
    async with database.unit() as session:
        after_commit(session, hook)
        await write(session, 1)
        raise error


async def test_leaving_commits(numbers: Database) -> None:
    async with numbers.unit() as session:
        await write(session, 7)
    assert await stored(numbers) == 7


@pytest.mark.parametrize("error", [RuntimeError(), EmailTaken(), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_raising_rolls_back_and_runs_no_hook(numbers: Database, error: BaseException) -> None:
    ran: list[str] = []
    with pytest.raises(type(error)) as caught:
        await write_and_raise(numbers, error, lambda: ran.append("hook"))
    assert caught.value is error
    assert await stored(numbers) == 0
    assert ran == []


async def test_a_cancelled_unit_rolls_back_and_gives_its_connection_back(numbers: Database) -> None:
    written = asyncio.Event()

    async def hang() -> None:
        async with numbers.unit() as session:
            await write(session, 1)
            written.set()
            await asyncio.Event().wait()

    for _ in range(12):
        written.clear()
        hanging = asyncio.create_task(hang())
        await written.wait()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
    assert await stored(numbers) == 0


async def test_a_refusal_may_leave_a_mark(numbers: Database) -> None:
    ran: list[str] = []
    with pytest.raises(Marked):
        await write_and_raise(numbers, Marked(), lambda: ran.append("hook"))
    assert await stored(numbers) == 1
    assert ran == ["hook"]


@pytest.mark.parametrize("refused", [False, True])
async def test_hooks_run_in_order_after_the_commit_and_outside_the_unit(numbers: Database, refused: bool) -> None:
    seen: list[int | str] = []

    async def look() -> None:
        forbid_in_unit("looking")
        seen.append(await stored(numbers))

    async def commit() -> None:
        async with numbers.unit() as session:
            after_commit(session, look)
            after_commit(session, lambda: seen.append("second"))
            await write(session, 1)
            await session.flush()
            assert seen == []
            if refused:
                raise Marked

    await asyncio.gather(commit(), return_exceptions=refused)
    assert seen == [1, "second"]


async def test_a_failing_hook_undoes_no_answer_and_keeps_no_other_from_running(numbers: Database) -> None:
    ran: list[str] = []
    async with numbers.unit() as session:
        after_commit(session, lambda: 1 / 0)  # type: ignore[arg-type, return-value]  # it never returns
        after_commit(session, lambda: ran.append("other"))
        await write(session, 1)
    assert (await stored(numbers), ran) == (1, ["other"])


async def test_a_unit_inside_a_unit_is_refused(numbers: Database) -> None:
    async def nest(outer: Callable[[], Any], inner: Callable[[], Any]) -> None:
        async with outer(), inner():
            pass

    for outer in (numbers.unit, numbers.read_unit):
        for inner in (numbers.unit, numbers.read_unit):
            with pytest.raises(RuntimeError, match="already open"):
                await nest(outer, inner)
    async with numbers.unit():
        pass


async def test_units_side_by_side_are_no_nesting(numbers: Database) -> None:
    async def look() -> int:
        return await stored(numbers)

    assert await asyncio.gather(*(look() for _ in range(5))) == [0] * 5


async def test_nothing_waits_inside_a_unit(numbers: Database) -> None:
    hasher, broker, mail = PasswordHasher(), LocalBroker(), ConsoleMail()
    message = Message(new_id(), "n", "k", utc_now(), {}, {})
    for opened in (numbers.unit, numbers.read_unit):
        async with opened():
            for waiting in (
                lambda: hasher.hash("password"),
                lambda: hasher.verify("password", None),
                lambda: broker.publish(message),
                lambda: mail.send(EmailMessage()),
            ):
                with pytest.raises(RuntimeError, match="inside a unit of work"):
                    await waiting()
    hasher.close()


async def test_a_constraint_at_commit_is_not_told_as_success(database: Database) -> None:
    async def add_twice() -> None:
        async with database.unit() as session:
            for _ in range(2):
                await session.execute(text("INSERT INTO sign_in_budgets (key, full_at) VALUES ('a', 1)"))

    with pytest.raises(IntegrityError):
        await add_twice()


@pytest.mark.parametrize("processes", [1, 2])
async def test_twenty_read_modify_writes_lose_no_update(numbers: Database, database_url: str, processes: int) -> None:
    """Two processes on one SQLite file are a server and a command beside it."""
    lock = " FOR UPDATE" if numbers.is_postgresql else ""
    others = [Database(database_url) for _ in range(processes - 1)]
    databases = [numbers, *others]

    async def add_one(database: Database) -> None:
        async with database.unit() as session:
            number = (await session.execute(text(f"SELECT n FROM numbers WHERE id = 1{lock}"))).scalar_one()
            await asyncio.sleep(0)
            await write(session, number + 1)

    await asyncio.wait_for(asyncio.gather(*(add_one(databases[turn % processes]) for turn in range(20))), 60)
    assert await stored(numbers) == 20
    for other in others:
        await other.close()


async def test_a_unit_cancelled_at_any_moment_holds_nobody_up(numbers: Database) -> None:
    """SQLite would stay locked for as long as the cursor of the statement that was cut short is remembered."""
    cut_short: list[asyncio.CancelledError] = []

    async def change_for_ever() -> None:
        while True:
            async with numbers.unit() as session:
                await session.execute(text("UPDATE numbers SET n = n + 1 RETURNING n"))

    for turn in range(100):
        changing = asyncio.create_task(change_for_ever())
        await asyncio.sleep(turn * 0.0001)
        changing.cancel()
        try:
            await changing
        except asyncio.CancelledError as error:
            cut_short.append(error)
        async with asyncio.timeout(4):
            await write_number(numbers, 1000)
    assert len(cut_short) == 100
    assert await stored(numbers) == 1000


async def write_number(database: Database, number: int) -> None:
    async with database.unit() as session:
        await write(session, number)

"""Care for PostgreSQL's connections: a pooler in transaction mode, and statements that take too long."""

import asyncio
from collections.abc import Iterator

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from madang.db.engine import Pooling
from madang.db.session import Database, DatabaseUnavailable
from madang.settings import Settings
from tests.factories import make_user, sign_in
from tests.peers.pgbouncer import pgbouncer
from tests.servers import serving

SOON = 20


@pytest.fixture
def pooled_url(database_url: str) -> Iterator[str]:
    if not database_url.startswith("postgresql"):
        pytest.skip("about PostgreSQL")
    with pgbouncer(database_url) as url:
        yield url


async def test_the_whole_product_works_behind_a_pooler(settings: Settings, pooled_url: str, database_url: str) -> None:
    changed = settings.model_copy(update={"database_url": pooled_url, "database_direct_url": database_url})
    async with serving(changed) as (url, _), httpx2.AsyncClient(base_url=url, timeout=60) as client:
        people = await asyncio.gather(*(make_user(client, f"person_{number}") for number in range(8)))
        client.cookies.clear()
        for _ in range(3):
            answers = await asyncio.gather(
                *(client.get("/api/v1/accounts/me", headers=person.headers) for person in people * 5)
            )
            assert {one.status_code for one in answers} == {200}
        again = await sign_in(client, people[0].account_id)
        assert again.id == people[0].id


async def test_a_statement_that_takes_too_long_is_given_up_and_is_a_503(database_url: str) -> None:
    if not database_url.startswith("postgresql"):
        pytest.skip("about PostgreSQL")
    database = Database(database_url, Pooling(size=1, statement_timeout=1))
    with pytest.raises(DatabaseUnavailable):
        async with asyncio.timeout(SOON), database.unit() as session:
            await session.execute(text("SELECT pg_sleep(60)"))
    await database.ping()
    await database.close()


async def test_a_transaction_that_was_forgotten_lets_go_of_its_locks(database_url: str) -> None:
    if not database_url.startswith("postgresql"):
        pytest.skip("about PostgreSQL")
    database = Database(database_url, Pooling(size=2, statement_timeout=1))
    async with database.unit() as forgetful:
        await forgetful.execute(text("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE"))
        await asyncio.sleep(2)
        with pytest.raises(DBAPIError):
            await forgetful.execute(text("SELECT 1"))
        await forgetful.rollback()
    async with asyncio.timeout(SOON), database.read_unit() as session:
        await session.execute(text("SELECT count(*) FROM accounts"))
    await database.close()

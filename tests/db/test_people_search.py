"""Searching people on PostgreSQL walks no table, and fills in those who were there before."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from madang.accounts.schemas import People
from madang.accounts.search_service import SearchService
from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.migrations import runner

PEOPLE = 20_000
_MAKE = text(
    "INSERT INTO accounts (id, account_id, account_key, name, name_key, search_text, role, is_active, auth_provider, "
    "is_account_id_generated, created_at) SELECT gen_random_uuid(), 'p' || n, 'p' || n, md5(n::text), md5(n::text), "
    "'p' || n || E'\\n' || md5(n::text), CASE WHEN n % 500 = 0 THEN 'Admin' ELSE 'Member' END, true, 'local', false, "
    "now() - n * interval '1 minute' FROM generate_series(1, :people) AS n"
)


async def test_no_page_walks_the_table(database: Database) -> None:
    if not database.is_postgresql:
        pytest.skip("about PostgreSQL's planner")
    async with database.unit() as session:
        await session.execute(_MAKE, {"people": PEOPLE})
    async with database.unit() as session:
        await session.execute(text("SELECT gin_clean_pending_list('ix_accounts_search_text')"))
        await session.execute(text("ANALYZE accounts"))
    for sort in ("-created_at", "created_at", "name", "-name", "account_id"):
        assert await _walked(database, sort, People()) == 0, sort
    for people in (People(q="abcdef"), People(q="ab"), People(q="zzzz"), People(role="Admin")):
        assert await _walked(database, "-created_at", people) == 0, people


async def test_beyond_the_bound_the_total_is_an_estimate_whatever_is_sought(database: Database) -> None:
    async with database.unit() as session:
        if not database.is_postgresql:
            pytest.skip("SQLite counts")
        await session.execute(_MAKE, {"people": PEOPLE})
        await session.execute(text("ANALYZE accounts"))
    async with database.read_unit() as session:
        search = SearchService(session)
        _, total, is_exact = await search.page(People(), "name", 1, 10)
        assert not is_exact
        assert PEOPLE * 0.8 < total < PEOPLE * 1.2
        everybody = People("p1", "Member", True, "local", utc_now() - timedelta(days=900), utc_now())
        _, total, is_exact = await search.page(everybody, "name", 1, 10)
        assert (total > 10_000, is_exact) == (True, False)
        for hostile in ("'; DROP TABLE accounts; --", ":x :y %(z)s {q} $1", "\\", "a'b"):
            assert await search.page(People(hostile), "name", 1, 10) == ([], 0, True)


async def _walked(database: Database, sort: str, people: People) -> int:
    """How often the page of people walked the whole table; the total may, up to its bound."""
    async with database.unit() as session:
        counted = text("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'accounts'")
        before = (await session.execute(counted)).scalar_one()
        assert len(await SearchService(session).first(people, sort, 50)) <= 50
        return int((await session.execute(counted)).scalar_one()) - int(before)


async def test_who_was_there_before_is_found_after_the_migration(database_url: str, tmp_path: Path) -> None:
    url = database_url if database_url.startswith("postgresql") else f"sqlite+aiosqlite:///{tmp_path / 'old.db'}"
    database = Database(url)
    async with database.unit() as session:
        if database.is_postgresql:
            await session.execute(text("DROP SCHEMA public CASCADE"))
            await session.execute(text("CREATE SCHEMA public"))
    await runner.upgrade(url, tmp_path, "0002")
    statement = text(
        "INSERT INTO accounts (id, account_id, account_key, name, role, is_active, auth_provider, "
        "is_account_id_generated, created_at) VALUES (:id, 'Old_One', 'old_one', '김하늘', 'Member', :yes, 'local', "
        ":no, :now)"
    )
    async with database.unit() as session:
        given = new_id()
        values = {"id": given if database.is_postgresql else given.hex, "yes": True, "no": False, "now": utc_now()}
        await session.execute(statement, values)
    await runner.upgrade(url, tmp_path)
    async with database.read_unit() as session:
        for q in ("하늘", "OLD_", "ol"):
            found = await SearchService(session).first(People(q), "name", 5)
            assert [one.account_id for one in found] == ["Old_One"], q
    await database.close()

"""`madang doctor` on a database whose locale knows no letters but ASCII's."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.cli.conftest import Installation


@pytest.fixture
def without_letters(database_url: str) -> Iterator[str]:
    if not database_url.startswith("postgresql"):
        pytest.skip("about PostgreSQL's locales")
    name = f"madang_test_{uuid4().hex}"
    _run(database_url, f"CREATE DATABASE {name} LOCALE 'C' ENCODING 'UTF8' TEMPLATE template0")
    yield make_url(database_url).set(database=name).render_as_string(hide_password=False)
    _run(database_url, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_locale_without_letters_is_advised_against(installation: Installation, without_letters: str) -> None:
    done = installation.run("doctor", MADANG_DATABASE_URL=without_letters)
    assert "encoding UTF8, locale C" in " ".join(done.stdout.split())
    assert "LOCALE 'C.UTF-8'" in " ".join(done.stdout.split())


def _run(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())

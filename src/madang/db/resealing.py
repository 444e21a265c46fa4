"""Moves what is sealed at rest to the newest secret, so that an older one can be dropped."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, MetaData, Table, func, select, update

from madang.db.base import SEALED, SECRET_ID
from madang.db.session import Database, Session, changed_rows

Reseal = Callable[[bytes], bytes | None]
_BATCH = 500


async def reseal(database: Database, metadata: MetaData, renew: Reseal) -> dict[str, int]:
    """How many values of each table `renew` sealed anew; it gives None for one that needs nothing.

    In short units, each value only if nothing changed it meanwhile: servers go on beside it, and a run that was cut
    short is finished by the next.
    """
    return {table.name: await _reseal(database, table, column, renew) for table, column in _marked(metadata, SEALED)}


async def still_under_older_secrets(database: Database, metadata: MetaData, current: bytes) -> dict[str, int]:
    """How many rows of each table were made under another secret than the current one, and can't be moved."""
    found = {}
    async with database.read_unit() as session:
        for table, column in _marked(metadata, SECRET_ID):
            count = select(func.count()).select_from(table).where(column != current)
            found[table.name] = await session.scalar(count) or 0
    return found


async def _reseal(database: Database, table: Table, column: Column[Any], renew: Reseal) -> int:
    [key], done, last = table.primary_key.columns, 0, None
    while True:
        page = select(key, column).order_by(key).limit(_BATCH)
        async with database.unit() as session:
            rows = (await session.execute(page if last is None else page.where(key > last))).all()
            done += await _renew_page(session, key, column, [(row[0], row[1]) for row in rows], renew)
        if len(rows) < _BATCH:
            return done
        last = rows[-1][0]


async def _renew_page(
    session: Session, key: Column[Any], column: Column[Any], rows: list[tuple[Any, bytes]], renew: Reseal
) -> int:
    done = 0
    for identity, sealed in rows:
        renewed = renew(sealed)
        if renewed is not None:
            statement = update(column.table).where(key == identity, column == sealed).values({column: renewed})
            done += changed_rows(await session.execute(statement))
    return done


def _marked(metadata: MetaData, mark: dict[str, bool]) -> list[tuple[Table, Column[Any]]]:
    tables = sorted(metadata.tables.values(), key=lambda table: table.name)
    return [(table, column) for table in tables for column in table.columns if mark.items() <= column.info.items()]

"""A row in every table that belongs to a person, made from the tables' own descriptions, so that no table to come is
forgotten; and a dump of the whole database to look for what is left."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, Column, Date, Integer, LargeBinary, String, Table, Uuid, insert, select
from sqlalchemy.types import TypeEngine

from madang.db.base import Base, UTCDateTime
from madang.db.session import Database
from madang.kit.clock import utc_now
from madang.kit.ids import new_id
from madang.tables import metadata

assert metadata is Base.metadata


def owned_tables() -> list[Table]:
    """Tables that refer to accounts, or to what does."""
    owned = {"accounts"}
    for table in metadata.sorted_tables:
        if any(key.column.table.name in owned for key in table.foreign_keys):
            owned.add(table.name)
    return [table for table in metadata.sorted_tables if table.name in owned and table.name != "accounts"]


async def fill(database: Database, account_id: UUID, marker: str) -> dict[str, Any]:
    """Add a row to each table; returns their primary keys. What they refer to beside the account is nobody's."""
    keys: dict[str, Any] = {"accounts": account_id}
    owned = owned_tables()
    referred = {key.column.table for table in owned for key in table.foreign_keys if not key.parent.nullable}
    async with database.unit() as session:
        for table in metadata.sorted_tables:
            if table.name == "accounts" or table not in {*owned, *referred}:
                continue
            known = {*owned, *referred, metadata.tables["accounts"]}
            given = [
                column
                for column in table.columns
                if not column.nullable
                or (table in owned and all(one.column.table in known for one in column.foreign_keys))
            ]
            row = {column.name: _value(column, keys, marker if table in owned else "kept") for column in given}
            if table.name in {"runs", "captions", "exports"}:
                row["state"] = "succeeded" if table.name != "exports" else "ready"
            if table.name == "exports":  # or the housekeeping that every server begins with takes it
                row["expires_at"] = utc_now() + timedelta(days=1)
            await session.execute(insert(table).values(row))
            keys[table.name] = row[next(iter(table.primary_key.columns)).name]
    return keys


async def dump(database: Database) -> dict[str, str]:
    """Every row of every table, as text."""
    async with database.read_unit() as session:
        return {
            table.name: "\n".join(str(tuple(row)) for row in (await session.execute(select(table))).all())
            for table in metadata.sorted_tables
        }


def _value(column: Column[Any], keys: dict[str, Any], marker: str) -> Any:
    if column.foreign_keys:
        return keys[next(iter(column.foreign_keys)).column.table.name]
    kind, length = column.type, getattr(column.type, "length", None)
    made: dict[type[TypeEngine[Any]], Any] = {
        Uuid: new_id(),
        Boolean: False,
        Integer: 1,
        Date: utc_now().date(),
        LargeBinary: f"{marker}{column.name}{new_id().hex}".encode()[:length],
        JSON: [marker],
        String: f"{marker}_{column.name}"[:length],
        UTCDateTime: utc_now(),
    }
    return next(value for type_, value in made.items() if isinstance(kind, type_))

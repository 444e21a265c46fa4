"""Changes to tables that are large and in use: what a revision calls instead of Alembic's own operations."""

from typing import Any

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


class NotMigrated(Exception):
    """A migration could not be made; the message says what to do."""


LIMIT_LOCKS = text("SET lock_timeout = '5s'")
_WAIT_FOR_LOCKS = text("SET lock_timeout = 0")


class MissingExtension(NotMigrated):
    """The role of the database may not create an extension."""


def create_extension(name: str) -> None:
    """Raises `MissingExtension`; one that is there already needs no rights."""
    if op.get_context().dialect.name != "postgresql":
        return
    if op.get_context().as_sql:
        op.execute(text(f"CREATE EXTENSION IF NOT EXISTS {name}"))
        return
    if op.get_bind().execute(text("SELECT 1 FROM pg_extension WHERE extname = :name"), {"name": name}).first():
        return
    try:
        op.execute(text(f"CREATE EXTENSION {name}"))
    except DBAPIError as error:
        raise MissingExtension(
            f"The extension {name} is needed and this role may not create it ({error.orig}). As an owner of the "
            f"database run: CREATE EXTENSION {name}; then run `madang migrate` again."
        ) from None


def create_index(name: str, table: str, columns: list[str], **options: Any) -> None:
    """Create an index while others write (`CREATE INDEX CONCURRENTLY`); SQLite has nobody else.

    It is no part of a transaction, so what an attempt that failed has left is dropped first. It waits for every
    transaction that is older, without holding anybody up, so that no lock time-out applies.
    """
    if op.get_context().dialect.name != "postgresql":
        op.create_index(name, table, columns, if_not_exists=True, **options)
        return
    with op.get_context().autocommit_block():
        op.execute(_WAIT_FOR_LOCKS)
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, **options)
        op.execute(LIMIT_LOCKS)

"""Alembic's entry point: runs on the connection that `runner` hands in, or prints SQL for a URL."""

from typing import Any, Literal

from alembic import context

from madang.db.base import UTCDateTime
from madang.tables import metadata


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Revisions name plain types only, so that history does not change when our code does."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTCDateTime) else False


config = context.config
_options: dict[str, Any] = {
    "target_metadata": metadata,
    "render_as_batch": True,
    "compare_type": True,
    "render_item": _render,
    "transaction_per_migration": True,
}

if context.is_offline_mode():
    context.configure(url=config.get_main_option("sqlalchemy.url"), literal_binds=True, **_options)
else:
    context.configure(connection=config.attributes["connection"], **_options)
with context.begin_transaction():
    context.run_migrations()

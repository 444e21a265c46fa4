"""People are found by parts of their ids, addresses and names.

Apart from the columns, which are there at once: what an interrupted attempt has filled or made is not done again.
"""

import sqlalchemy as sa
from alembic import op

from madang.kit.searching import searchable, together
from madang.migrations.safely import create_index

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

_BATCH = 1000
_INDEXES: dict[str, tuple[list[str], dict[str, object]]] = {
    "ix_accounts_created_at": (["created_at", "id"], {}),
    "ix_accounts_role_created_at": (["role", "created_at"], {}),
    "ix_accounts_name_key": (["name_key", "id"], {}),
    "ix_accounts_account_prefix": (["account_key"], {"postgresql_ops": {"account_key": "text_pattern_ops"}}),
    "ix_accounts_email_prefix": (["email_key"], {"postgresql_ops": {"email_key": "text_pattern_ops"}}),
    "ix_accounts_search_text": (
        ["search_text"],
        {"postgresql_using": "gin", "postgresql_ops": {"search_text": "gin_trgm_ops"}},
    ),
}


def upgrade() -> None:
    if not op.get_context().as_sql:  # printed for review, it has no rows to read
        with op.get_context().autocommit_block():
            _fill()
    for name, (columns, options) in _INDEXES.items():
        create_index(name, "accounts", columns, **options)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "accounts")


def _fill() -> None:
    """A thousand rows at a time, each batch on its own."""
    accounts = sa.table(
        "accounts", *(sa.column(name) for name in ("id", "account_id", "email", "name", "name_key", "search_text"))
    )
    connection, unfilled = op.get_bind(), accounts.c.search_text.is_(None)
    while rows := connection.execute(sa.select(accounts).where(unfilled).limit(_BATCH)).all():
        for row in rows:
            values = {
                "name_key": searchable(row.name) if row.name else None,
                "search_text": together(row.account_id, row.email, row.name),
            }
            connection.execute(sa.update(accounts).where(accounts.c.id == row.id).values(values))

"""Columns in which people are found"""

import sqlalchemy as sa
from alembic import op

from madang.migrations.safely import create_extension

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    create_extension("pg_trgm")
    by_code_point = sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql")
    op.add_column("accounts", sa.Column("name_key", by_code_point, nullable=True))
    op.add_column("accounts", sa.Column("search_text", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("accounts") as batch_op:
        batch_op.drop_column("search_text")
        batch_op.drop_column("name_key")

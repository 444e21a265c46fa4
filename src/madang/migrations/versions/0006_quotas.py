"""Quotas, and what is used"""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=50), nullable=True),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_quotas_account_id_accounts", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["role"], ["roles.name"], name="fk_quotas_role_roles", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_quotas"),
        sa.UniqueConstraint("account_id", name="uq_quotas_account_id"),
        sa.UniqueConstraint("role", name="uq_quotas_role"),
    )
    op.create_table(
        "quota_spending",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_quota_spending_account_id_accounts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "period", "began_at", name="pk_quota_spending"),
    )
    op.create_index("ix_quota_spending_began_at", "quota_spending", ["began_at"])
    op.create_table(
        "daily_usage",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_daily_usage_account_id_accounts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "day", "model", name="pk_daily_usage"),
    )
    op.create_index("ix_daily_usage_day", "daily_usage", ["day"])
    op.add_column("runs", sa.Column("reserved_tokens", sa.Integer(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("spending_period", sa.String(length=10), nullable=True))
    op.add_column("runs", sa.Column("spending_from", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("runs") as batch_op:
        for name in ("spending_from", "spending_period", "reserved_tokens"):
            batch_op.drop_column(name)
    for table in ("daily_usage", "quota_spending", "quotas"):
        op.drop_table(table)

"""The outbox is walked in the order of dueness"""

import sqlalchemy as sa
from alembic import op

from madang.migrations.safely import create_index

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

_DUE = sa.text("sent_at IS NULL AND parked_at IS NULL AND attempts >= 0")


def upgrade() -> None:
    create_index("ix_outbox_events_due", "outbox_events", ["due_at"], sqlite_where=_DUE, postgresql_where=_DUE)


def downgrade() -> None:
    op.drop_index("ix_outbox_events_due", "outbox_events")

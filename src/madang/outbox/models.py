"""Tables of the outbox."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import Base

_UNSENT = text("sent_at IS NULL AND parked_at IS NULL")
_DUE = text("sent_at IS NULL AND parked_at IS NULL AND attempts >= 0")


class OutboxEvent(Base):
    """A published fact. Unsent rows of one `key` go out in the order of their ids."""

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index("ix_outbox_events_unsent", "key", "id", sqlite_where=_UNSENT, postgresql_where=_UNSENT),
        Index("ix_outbox_events_due", "due_at", sqlite_where=_DUE, postgresql_where=_DUE),
        Index("ix_outbox_events_sent_at", "sent_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(100))
    data: Mapped[dict[str, Any]]
    origin: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class HandledEvent(Base):
    """Which handler has seen which event, for handlers that move no row of their own."""

    __tablename__ = "outbox_handled_events"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    handler: Mapped[str] = mapped_column(String(100), primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(index=True)

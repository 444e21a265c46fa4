"""Table of the exports."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import Base
from madang.kit.ids import new_id

QUEUED, RUNNING, READY, FAILED = "queued", "running", "ready", "failed"
_UNFINISHED = text("state IN ('queued', 'running')")


class DataExport(Base):
    """An archive of everything about one person. The table is the queue: whoever makes the archive extends
    `lease_until`; past it the job has lost its worker and is taken up again."""

    __tablename__ = "exports"
    __table_args__ = (
        Index("ix_exports_account_id_id", "account_id", "id"),
        Index(
            "uq_exports_account_id", "account_id", unique=True, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    includes_media: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(default=0)
    size: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)


def storage_key(export_id: UUID) -> str:
    return f"exports/{export_id}"

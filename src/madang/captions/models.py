"""Tables of captions. `captions` is both the record people see and the queue that runners claim from."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import Base
from madang.kit.ids import new_id

QUEUED = "queued"
RUNNING = "running"
SUCCEEDED = "succeeded"
FAILED = "failed"
CANCELLED = "cancelled"
FINISHED = frozenset({SUCCEEDED, FAILED, CANCELLED})


class Caption(Base):
    """One request for captions.

    What the runner needs of the media is copied here, so that claiming a job is one statement on one table. A running
    job belongs to whoever holds `lease_id`: every write of a runner names it, so one that lost its lease writes
    nothing. `sequence` counts what followers were told; `settings_key` is the same for the same content and choices.
    """

    __tablename__ = "captions"
    __table_args__ = (
        UniqueConstraint("account_id", "idempotency_key"),
        Index("ix_captions_account_id_id", "account_id", "id"),
        Index("ix_captions_account_id_settings_key", "account_id", "settings_key"),
        Index("ix_captions_account_id_started_at", "account_id", "started_at"),
        Index("ix_captions_state_account_id", "state", "account_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    media_id: Mapped[UUID] = mapped_column(index=True)
    storage_key: Mapped[str] = mapped_column(String(300))
    filename: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    content_sha256: Mapped[str] = mapped_column(String(64))

    asked_language: Mapped[str | None] = mapped_column(String(35))
    profile: Mapped[str | None] = mapped_column(String(64))
    settings_key: Mapped[str] = mapped_column(String(64))
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    request_hash: Mapped[str | None] = mapped_column(String(64))

    state: Mapped[str] = mapped_column(String(10), default=QUEUED)
    stage: Mapped[str | None] = mapped_column(String(20))
    progress: Mapped[int] = mapped_column(default=0)
    sequence: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(String(20))
    engine_name: Mapped[str] = mapped_column(String(64))
    engine_version: Mapped[str] = mapped_column(String(64))
    engine_model: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(35))
    cached: Mapped[bool] = mapped_column(default=False)

    lost_runners: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    lease_id: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    process_id: Mapped[UUID | None]

    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED

    @property
    def engine(self) -> dict[str, str]:
        return {"name": self.engine_name, "version": self.engine_version, "model": self.engine_model}

    @property
    def error(self) -> dict[str, str] | None:
        if self.error_code is None:
            return None
        return {"code": self.error_code, "detail": self.error_detail or ""}


class CaptionProgress(Base):
    """What followers are told while a job runs; `sequence` is the event's id. Swept some time after the end."""

    __tablename__ = "caption_progress"

    caption_id: Mapped[UUID] = mapped_column(ForeignKey("captions.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(10))
    stage: Mapped[str | None] = mapped_column(String(20))
    progress: Mapped[int]


class CaptionDocument(Base):
    """The caption document as JSON text: served as it is, and never loaded by a list."""

    __tablename__ = "caption_documents"

    caption_id: Mapped[UUID] = mapped_column(ForeignKey("captions.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int]
    content: Mapped[str] = mapped_column(Text)

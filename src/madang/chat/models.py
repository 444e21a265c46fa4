"""Tables of chat."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import Base
from madang.kit.ids import new_id

USER = "user"
ASSISTANT = "assistant"

RUNNING = "running"
SUCCEEDED = "succeeded"
FAILED = "failed"
CANCELLED = "cancelled"
INTERRUPTED = "interrupted"

COMPLETE = "complete"
PENDING = "pending"

_RUNNING_ONLY = text("state = 'running'")
_TEMPORARY = text("temporary")


class Conversation(Base):
    """One person's conversation; a title left out is taken from the first question. A temporary one is erased soon
    after its last word."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_account_id_id", "account_id", "id"),
        Index("ix_conversations_updated_at", "updated_at", sqlite_where=_TEMPORARY, postgresql_where=_TEMPORARY),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    title: Mapped[str | None] = mapped_column(String(200))
    system_prompt: Mapped[str | None] = mapped_column(Text)
    pinned: Mapped[bool] = mapped_column(default=False)
    archived: Mapped[bool] = mapped_column(default=False)
    temporary: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class _Counted:
    """What the upstream says it read and wrote, in tokens; some say nothing."""

    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]

    @property
    def usage(self) -> dict[str, int] | None:
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        total = self.prompt_tokens + self.completion_tokens
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": total,
        }


class Message(_Counted, Base):
    """One turn; `parent_id` makes a tree of them. A question is also the record of its `Idempotency-Key`.

    `parent_id` and `run_id` are no foreign keys: messages go with their conversation only, and SQLite refuses to
    cascade along a chain of more than a thousand rows.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("account_id", "idempotency_key"),
        Index("ix_messages_conversation_id_id", "conversation_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None]
    role: Mapped[str] = mapped_column(String(10))
    content: Mapped[str] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(String(200))
    run_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(String(20))
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    body_hash: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]


class Run(_Counted, Base):
    """One attempt at an answer. Who works on it extends `lease_until`; past it the run has lost its server.

    `reserved_tokens` were taken from the quota's spending that `spending_period` and `spending_from` name, where there
    is a quota; the end of the run puts there what was really used.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("ix_runs_lease_until", "lease_until", sqlite_where=_RUNNING_ONLY, postgresql_where=_RUNNING_ONLY),
        Index("ix_runs_conversation_id", "conversation_id"),
        Index("ix_runs_message_id", "message_id"),
        Index("ix_runs_account_id", "account_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    model: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20))
    error_code: Mapped[str | None] = mapped_column(String(100))
    lease_until: Mapped[datetime]
    cancel_requested_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    first_delta_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    reserved_tokens: Mapped[int] = mapped_column(default=0, server_default="0")
    spending_period: Mapped[str | None] = mapped_column(String(10))
    spending_from: Mapped[datetime | None]


class Quota(Base):
    """How much one person, or everybody of a role, may use in a period; a person's own comes before the role's.

    `period` is hour, day or month, in UTC. A limit left out does not limit.
    """

    __tablename__ = "quotas"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), unique=True)
    role: Mapped[str | None] = mapped_column(ForeignKey("roles.name", ondelete="CASCADE"), unique=True)
    period: Mapped[str] = mapped_column(String(10))
    tokens: Mapped[int | None] = mapped_column(BigInteger)
    requests: Mapped[int | None]


class Spending(Base):
    """What a person has used of a quota in the period that began then: what is reserved for answers that are being
    written, and what those that have ended really used."""

    __tablename__ = "quota_spending"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    period: Mapped[str] = mapped_column(String(10), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    tokens: Mapped[int] = mapped_column(BigInteger)
    requests: Mapped[int]


class DailyUsage(Base):
    """What a person has used of a model on a day (UTC)."""

    __tablename__ = "daily_usage"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    requests: Mapped[int]
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)


class Preset(Base):
    """What a person begins conversations with: a system prompt and a model under a name."""

    __tablename__ = "chat_presets"
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    system_prompt: Mapped[str | None] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]


class Share(Base):
    """A link by which anybody reads what a conversation held when it was made; `digest` is the link's hash."""

    __tablename__ = "conversation_shares"

    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]


class RunPiece(Base):
    """A stretch of a running answer as it was stored; `end` counts the answer's code points up to and including it."""

    __tablename__ = "run_pieces"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    end: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)

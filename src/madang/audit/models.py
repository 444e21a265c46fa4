"""Tables of the trail."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import SECRET_ID, Base

_UNSEALED = text("number IS NULL")
SUCCESS, FAILURE, DENIED = "success", "failure", "denied"


class AuditEntry(Base):
    """One fact of security. `id` is the event's; ids of accounts are no foreign keys, since the trail outlives them.

    `count` is set where one entry stands for all of a minute. `number` and `link` are its place in the chain, empty
    until it is sealed. `concealed` is the salted hash of what `AuditPerson` holds.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_actor_id_id", "actor_id", "id"),
        Index("ix_audit_entries_target_id_id", "target_id", "id"),
        Index("ix_audit_entries_action_id", "action", "id"),
        Index("ix_audit_entries_unsealed", "id", sqlite_where=_UNSEALED, postgresql_where=_UNSEALED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(80))
    outcome: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[UUID | None]
    target_type: Mapped[str | None] = mapped_column(String(20))
    target_id: Mapped[UUID | None]
    request_id: Mapped[str | None] = mapped_column(String(64))
    data: Mapped[dict[str, Any]]
    count: Mapped[int | None]
    concealed: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    number: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    link: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class AuditPerson(Base):
    """From where an entry was caused: personal, and erased with the account, after which the chain still holds."""

    __tablename__ = "audit_people"

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("audit_entries.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    ip: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(300))


class AuditChain(Base):
    """The end of the chain, sealed under the secret that `key_id` names; one row."""

    __tablename__ = "audit_chain"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[bytes] = mapped_column(LargeBinary(32))
    seal: Mapped[bytes] = mapped_column(LargeBinary(32))
    key_id: Mapped[bytes] = mapped_column(LargeBinary(4), info=SECRET_ID)

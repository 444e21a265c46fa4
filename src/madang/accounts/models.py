"""Tables of the accounts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import Base
from madang.kit.ids import new_id

ADMIN = "Admin"
MEMBER = "Member"


class Account(Base):
    """One person. `account_key` is the account id in lower case, unique without regard to case.

    `email` holds a proven address only; what was merely given waits in `unproven_email`.
    """

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(String(30))
    account_key: Mapped[str] = mapped_column(String(30), unique=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(320), unique=True)
    unproven_email: Mapped[str | None] = mapped_column(String(320))
    unproven_email_key: Mapped[str | None] = mapped_column(String(320), index=True)
    name: Mapped[str | None] = mapped_column(String(100))
    language: Mapped[str | None] = mapped_column(String(2))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(50), default=MEMBER)
    is_active: Mapped[bool] = mapped_column(default=True)
    auth_provider: Mapped[str] = mapped_column(String(50), default="local")
    created_at: Mapped[datetime]

    @property
    def email_verified(self) -> bool:
        return self.email is not None

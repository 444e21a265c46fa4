"""Tables of the accounts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, event
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import Base
from madang.kit.ids import new_id
from madang.kit.searching import searchable, together

# In the order of code points, which for jamo is the dictionary's, whatever the locale; so one index sorts and finds
# beginnings.
_BY_CODE_POINT = String(400).with_variant(String(400, collation="C"), "postgresql")
PEOPLE = "people"
ADMIN = "Admin"
MEMBER = "Member"


def person_tag(account_id: UUID) -> str:
    """Under which the cache keeps what it tells of one person; `PEOPLE` is for what it tells of many."""
    return f"person:{account_id}"


class Account(Base):
    """One person. `account_key` is the account id in lower case, unique without regard to case.

    `email` holds a proven address only; what was merely given waits in `unproven_email`. A deleted account keeps what
    a restoration needs but no key, so its id and address are free; an erased one keeps its row and its role alone.
    `name_key` and `search_text` are written whenever a row is, from what they are found by.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        Index("ix_accounts_created_at", "created_at", "id"),
        Index("ix_accounts_role_created_at", "role", "created_at"),
        Index("ix_accounts_name_key", "name_key", "id"),
        Index("ix_accounts_account_prefix", "account_key", postgresql_ops={"account_key": "text_pattern_ops"}),
        Index("ix_accounts_email_prefix", "email_key", postgresql_ops={"email_key": "text_pattern_ops"}),
        Index(
            "ix_accounts_search_text",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(String(30))
    account_key: Mapped[str | None] = mapped_column(String(30), unique=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(320), unique=True)
    unproven_email: Mapped[str | None] = mapped_column(String(320))
    unproven_email_key: Mapped[str | None] = mapped_column(String(320), index=True)
    name: Mapped[str | None] = mapped_column(String(100))
    language: Mapped[str | None] = mapped_column(String(2))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(ForeignKey("roles.name"), default=MEMBER)
    is_active: Mapped[bool] = mapped_column(default=True)
    auth_provider: Mapped[str] = mapped_column(String(50), default="local")
    is_account_id_generated: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None] = mapped_column(index=True)
    erased_at: Mapped[datetime | None]
    name_key: Mapped[str | None] = mapped_column(_BY_CODE_POINT)
    search_text: Mapped[str | None] = mapped_column(Text)

    def touched_tags(self) -> tuple[str, str]:
        return PEOPLE, person_tag(self.id)

    @property
    def email_verified(self) -> bool:
        return self.email is not None


@event.listens_for(Account, "before_insert")
@event.listens_for(Account, "before_update")
def _keep_searchable(_mapper: object, _connection: object, account: Account) -> None:
    is_found = account.erased_at is None
    account.name_key = searchable(account.name) if account.name else None
    account.search_text = together(account.account_id, account.email, account.name) if is_found else None


class Role(Base):
    """A named set of permissions, separated by spaces; `*` is all of them. Accounts name it."""

    __tablename__ = "roles"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    name_key: Mapped[str] = mapped_column(String(50), unique=True)
    description: Mapped[str | None] = mapped_column(String(200))
    permissions: Mapped[str] = mapped_column(String(400))
    is_built_in: Mapped[bool] = mapped_column(default=False)


class Preferences(Base):
    """What a person has chosen; whatever is not here has its default."""

    __tablename__ = "account_preferences"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    chosen: Mapped[dict[str, Any]]


# What is known of a caller's account and role, as columns: enough for `AccountView`, and no password hash.
PERSON = (
    Account.id,
    Account.account_id,
    Account.email,
    Account.email.is_not(None).label("email_verified"),
    Account.name,
    Account.language,
    Account.time_zone,
    Account.role,
    Account.is_active,
    Account.auth_provider,
    Account.created_at,
    Role.permissions,
)

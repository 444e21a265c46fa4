"""Tables of federated sign-in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import Base
from madang.kit.ids import new_id


class Identity(Base):
    """Who somebody is at a provider, and whose account that opens. The mail is what the provider said last: it is
    shown, and decides nothing."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(String(50))
    issuer: Mapped[str] = mapped_column(String(300))
    subject: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(320))
    email_verified: Mapped[bool]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]


class OidcState(Base):
    """A browser that was sent to a provider and has not come back. Answering it deletes it.

    State, nonce and the browser's cookie are kept as hashes; the code verifier, which must be sent again, is sealed.
    A row whose purpose is `link` names the account and the session that asked for it.
    """

    __tablename__ = "oidc_states"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    provider: Mapped[str] = mapped_column(String(50))
    browser: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed_verifier: Mapped[bytes] = mapped_column(LargeBinary)
    purpose: Mapped[str] = mapped_column(String(10))
    next: Mapped[str | None] = mapped_column(String(2000))
    is_fresh: Mapped[bool] = mapped_column(default=False)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[UUID | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)

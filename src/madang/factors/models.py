"""Tables of the second factors and passkeys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import SEALED, SECRET_ID, Base
from madang.kit.ids import new_id


class Totp(Base):
    """An authenticator app's secret, sealed; it counts from its confirmation on.

    `last_step` is the newest step whose code was used: a code is good once, and none before it ever again.
    """

    __tablename__ = "totp_factors"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary, info=SEALED)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A keyed hash of an unused recovery code, by the secret that `key_id` names; using it deletes it."""

    __tablename__ = "recovery_codes"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[bytes] = mapped_column(LargeBinary(4), info=SECRET_ID)


class Passkey(Base):
    """A credential whose private key an authenticator keeps. `sign_count` is the newest counter it has shown."""

    __tablename__ = "passkeys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[list[str]]
    aaguid: Mapped[str] = mapped_column(String(36))
    is_backed_up: Mapped[bool]
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """What an authenticator was asked to sign, as a hash; answering it deletes it.

    `purpose` is register, login or verify. `mfa_digest` names the sign-in that the answer completes.
    """

    __tablename__ = "passkey_challenges"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    mfa_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    expires_at: Mapped[datetime] = mapped_column(index=True)

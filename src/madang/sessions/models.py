"""Tables of the sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import SEALED, SECRET_ID, Base
from madang.kit.ids import new_id


class UserSession(Base):
    """One sign-in on one device, and its family of refresh tokens.

    No token is stored. The live one is a keyed hash of `salt`, the session's id and `counter` under the secret
    that `key_id` names; whoever reads this row without that secret can make none. `device` and `presented_device`
    are hashes of the device cookie that the sign-in set and of the one it came with. `actor_id` is somebody else who
    acts for the account.
    """

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    actor_id: Mapped[UUID | None]
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))
    key_id: Mapped[bytes] = mapped_column(LargeBinary(4), info=SECRET_ID)
    counter: Mapped[int] = mapped_column(default=0)
    rotated_at: Mapped[datetime]
    scope: Mapped[str] = mapped_column(String(400))
    method: Mapped[str] = mapped_column(String(60))
    authenticated_at: Mapped[datetime]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    idle_expires_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    end_reason: Mapped[str | None] = mapped_column(String(30))
    ip: Mapped[str | None] = mapped_column(String(45))
    device: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    presented_device: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    user_agent: Mapped[str | None] = mapped_column(String(300))


class SignInChallenge(Base):
    """A sign-in whose first step, `method`, was right and whose second factor is awaited; no token is stored.

    `password_mark` is a hash of the password's hash at that time: a change in between voids the challenge.
    """

    __tablename__ = "sign_in_challenges"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    scope: Mapped[str] = mapped_column(String(400))
    method: Mapped[str] = mapped_column(String(60))
    password_mark: Mapped[bytes] = mapped_column(LargeBinary(32))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInBudget(Base):
    """How much of a budget of failed sign-ins is used, as the generic cell rate algorithm keeps it.

    `full_at` is the time, in Unix milliseconds, at which the budget will be whole again; `key` is a hash, since what
    is typed as a name may be a password.
    """

    __tablename__ = "sign_in_budgets"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    full_at: Mapped[int] = mapped_column(BigInteger, index=True)


class SigningKey(Base):
    """A private key of access tokens, sealed under `MADANG_SECRET_KEY`.

    It is published from `created_at` on, signs from `signs_from` on until a newer one does, and is gone after
    `retires_at`, when the last token that it signed has died.
    """

    __tablename__ = "signing_keys"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(10))
    sealed: Mapped[bytes] = mapped_column(LargeBinary, info=SEALED)
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
    retires_at: Mapped[datetime | None]


class MailProof(Base):
    """What a mailed code or link proves: that whoever brings it back reads the mail of `email`.

    Neither is stored. Both are keyed hashes of the row's id under the secret that `key_id` names; `code_digest` finds
    the row by its code and gives nothing away without a secret. A request to reset names an address only; whose it is
    shows when the letter is written. `former_email` keeps what the address replaced until its owner was told.
    """

    __tablename__ = "mail_proofs"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    purpose: Mapped[str] = mapped_column(String(10))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(320))
    email_key: Mapped[str] = mapped_column(String(320), index=True)
    former_email: Mapped[str | None] = mapped_column(String(320))
    key_id: Mapped[bytes] = mapped_column(LargeBinary(4), info=SECRET_ID)
    code_digest: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

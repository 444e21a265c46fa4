"""Tables of media."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from madang.db.base import Base
from madang.kit.ids import new_id

STORAGE_FOLDER = "media"
PENDING = "pending"
READY = "ready"
REJECTED = "rejected"
_UNFINISHED = text("state = 'pending'")


class Media(Base):
    """One file of one person, as announced, and once it is complete as checked.

    `content_type` is what its sender says until the file has been read, then what it is. `reason` is the code of the
    problem a rejected file was refused with. The account is no cascade: the files themselves have to go first.
    """

    __tablename__ = "media"
    __table_args__ = (
        UniqueConstraint("account_id", "idempotency_key"),
        Index("ix_media_account_id_id", "account_id", "id"),
        Index("ix_media_unfinished", "created_at", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    filename: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)
    part_size: Mapped[int] = mapped_column(BigInteger)
    announced_sha256: Mapped[str | None] = mapped_column(String(64))
    sha256: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(10), default=PENDING)
    reason: Mapped[str | None] = mapped_column(String(40))
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    request_hash: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]

    @property
    def key(self) -> str:
        """Where the storage keeps it."""
        return storage_key(self.id)

    @property
    def part_count(self) -> int:
        return -(-self.size // self.part_size)

    def part_bounds(self, part_number: int) -> tuple[int, int]:
        """Where a part starts in the file and how many bytes it has."""
        offset = (part_number - 1) * self.part_size
        return offset, min(self.part_size, self.size - offset)


def storage_key(media_id: UUID) -> str:
    return f"{STORAGE_FOLDER}/{media_id}"


def media_of(key: str) -> UUID | None:
    """The media a storage key belongs to; None when it is another feature's."""
    folder, _, name = key.partition("/")
    return UUID(name) if folder == STORAGE_FOLDER else None

"""All SQL of media."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from madang.db.session import Session, changed_rows
from madang.media.models import PENDING, Media


class MediaRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, media: Media) -> bool:
        """Whether it was added; False when the account has used the idempotency key for another."""
        try:
            async with self._session.begin_nested():
                self._session.add(media)
        except IntegrityError as error:
            if "idempotency_key" in str(error.orig):
                return False
            raise
        return True

    async def by_idempotency_key(self, account_id: UUID, key: str) -> Media | None:
        return await self._session.scalar(
            select(Media).where(Media.account_id == account_id, Media.idempotency_key == key)
        )

    async def get(self, media_id: UUID) -> Media | None:
        return await self._session.get(Media, media_id)

    async def of(self, account_id: UUID, after: UUID | None, limit: int) -> Sequence[Media]:
        """The newest first."""
        older = () if after is None else (Media.id < after,)
        statement = select(Media).where(Media.account_id == account_id, *older)
        return (await self._session.scalars(statement.order_by(Media.id.desc()).limit(limit))).all()

    async def settle(self, media_id: UUID, values: dict[str, str | None]) -> Media | None:
        """Move a pending row on; None when it isn't pending any more. Of parallel calls exactly one succeeds."""
        return await self._session.scalar(
            update(Media).where(Media.id == media_id, Media.state == PENDING).values(**values).returning(Media)
        )

    async def delete(self, account_id: UUID, media_id: UUID) -> bool:
        result = await self._session.execute(delete(Media).where(Media.id == media_id, Media.account_id == account_id))
        return changed_rows(result) == 1

    async def delete_unfinished(self, before: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """Delete uploads announced before that time and never completed; returns their ids and accounts."""
        old = select(Media.id).where(Media.state == PENDING, Media.created_at < before).limit(limit)
        gone = await self._session.execute(
            delete(Media).where(Media.id.in_(old), Media.state == PENDING).returning(Media.id, Media.account_id)
        )
        return [(media_id, account_id) for media_id, account_id in gone]

    async def forget_keys(self, before: datetime) -> None:
        """Idempotency keys are for retries, not for ever."""
        await self._session.execute(
            update(Media)
            .where(Media.created_at < before, Media.idempotency_key.is_not(None))
            .values(idempotency_key=None, request_hash=None)
        )

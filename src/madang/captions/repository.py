"""SQL of captions, as the people who own them read and change them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, cast, delete, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from madang.captions.models import FINISHED, SUCCEEDED, Caption, CaptionDocument, CaptionProgress
from madang.db.session import Session, changed_rows

FIRST_REVISION = 1


class CaptionRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, caption: Caption) -> bool:
        """Whether it was added; False when the account has used the idempotency key for another."""
        try:
            async with self._session.begin_nested():
                self._session.add(caption)
        except IntegrityError as error:
            if "idempotency_key" in str(error.orig):
                return False
            raise
        return True

    async def own(self, account_id: UUID, caption_id: UUID, *, lock: bool = False) -> Caption | None:
        statement = select(Caption).where(Caption.id == caption_id, Caption.account_id == account_id)
        return await self._session.scalar(statement.with_for_update() if lock else statement)

    async def by_idempotency_key(self, account_id: UUID, key: str) -> Caption | None:
        return await self._session.scalar(
            select(Caption).where(Caption.account_id == account_id, Caption.idempotency_key == key)
        )

    async def of(self, account_id: UUID, media_id: UUID | None, after: UUID | None, limit: int) -> Sequence[Caption]:
        """The newest first."""
        statement = select(Caption).where(Caption.account_id == account_id).order_by(Caption.id.desc()).limit(limit)
        if media_id is not None:
            statement = statement.where(Caption.media_id == media_id)
        if after is not None:
            statement = statement.where(Caption.id < after)
        return (await self._session.scalars(statement)).all()

    async def result_of(self, account_id: UUID, settings_key: str) -> Caption | None:
        """The account's newest success with these settings whose document nobody has edited."""
        return await self._session.scalar(
            select(Caption)
            .join(CaptionDocument, CaptionDocument.caption_id == Caption.id)
            .where(Caption.account_id == account_id, Caption.settings_key == settings_key)
            .where(Caption.state == SUCCEEDED, CaptionDocument.revision == FIRST_REVISION)
            .order_by(Caption.id.desc())
            .limit(1)
        )

    async def document(self, caption_id: UUID) -> CaptionDocument | None:
        return await self._session.get(CaptionDocument, caption_id)

    async def add_document(self, caption_id: UUID, content: str) -> None:
        self._session.add(CaptionDocument(caption_id=caption_id, revision=FIRST_REVISION, content=content))
        await self._session.flush()

    async def copy_document(self, source: UUID, target: UUID) -> None:
        """Within the database: a document may be megabytes long."""
        columns = (CaptionDocument.revision, cast(CaptionDocument.content, Text))
        copied = select(literal(target, CaptionDocument.caption_id.type), *columns)
        await self._session.execute(
            insert(CaptionDocument).from_select(
                ["caption_id", "revision", "content"], copied.where(CaptionDocument.caption_id == source)
            )
        )

    async def add_progress(self, told: CaptionProgress) -> None:
        self._session.add(told)
        await self._session.flush()

    async def progress_after(self, caption_id: UUID, sequence: int) -> Sequence[CaptionProgress]:
        told = select(CaptionProgress).where(CaptionProgress.caption_id == caption_id)
        later = told.where(CaptionProgress.sequence > sequence).order_by(CaptionProgress.sequence)
        return (await self._session.scalars(later)).all()

    async def delete(self, account_id: UUID, caption_id: UUID) -> bool:
        own = delete(Caption).where(Caption.id == caption_id, Caption.account_id == account_id)
        return changed_rows(await self._session.execute(own)) == 1

    async def delete_of_media(self, media_id: UUID) -> None:
        await self._session.execute(delete(Caption).where(Caption.media_id == media_id))

    async def forget_keys(self, before: datetime) -> None:
        """Idempotency keys are for retries, not for ever."""
        await self._session.execute(
            update(Caption)
            .where(Caption.created_at < before, Caption.idempotency_key.is_not(None))
            .values(idempotency_key=None, request_hash=None)
        )

    async def delete_progress(self, before: datetime, limit: int) -> int:
        """Delete the log of jobs that ended before that time, those of `limit` jobs; returns how many rows."""
        logged = select(CaptionProgress.caption_id).where(CaptionProgress.caption_id == Caption.id).exists()
        ended = select(Caption.id).where(Caption.state.in_(FINISHED), Caption.finished_at < before, logged).limit(limit)
        return changed_rows(
            await self._session.execute(delete(CaptionProgress).where(CaptionProgress.caption_id.in_(ended)))
        )

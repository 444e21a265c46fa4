"""The rules of captions for the people who ask for them, within one unit of work."""

import hashlib
import json
from collections.abc import Sequence
from uuid import UUID

from madang.backends.captioner.base import Captioner, Plan
from madang.captions.errors import CaptionEnded, CaptionNotEnded, CaptionNotFound, CaptionsOff, UnknownProfile
from madang.captions.events import CaptionRequested
from madang.captions.models import CANCELLED, FAILED, QUEUED, SUCCEEDED, Caption
from madang.captions.progress_service import ProgressLog
from madang.captions.repository import CaptionRepository
from madang.captions.schemas import NewCaption
from madang.kit.clock import Clock
from madang.kit.idempotency import IdempotencyKeyReused, fingerprint
from madang.media.models import Media
from madang.media.service import MediaService
from madang.outbox.publish import Outbox
from madang.subtitles import errors as subtitles
from madang.subtitles.profiles import profile_named


class CaptionService:
    def __init__(
        self,
        captions: CaptionRepository,
        media: MediaService,
        captioner: Captioner | None,
        progress: ProgressLog,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._captions = captions
        self._media = media
        self._captioner = captioner
        self._progress = progress
        self._outbox = outbox
        self._clock = clock

    async def request(self, account_id: UUID, new: NewCaption, idempotency_key: str | None) -> Caption:
        """A job for one's own media; the stored result when there is one, the earlier job when the key is known."""
        if idempotency_key is not None:
            earlier = await self._captions.by_idempotency_key(account_id, idempotency_key)
            if earlier is not None:
                return _same_request(earlier, new)
        plan = self._plan(new.language, new.engine)
        check_profile(new.profile)
        media = await self._media.require_ready(account_id, new.media_id)
        caption = self._caption(media, new, plan, idempotency_key)
        if not await self._captions.add(caption):
            return _same_request(await self._earlier(account_id, idempotency_key), new)
        await self._start(caption)
        return caption

    async def get(self, account_id: UUID, caption_id: UUID) -> Caption:
        return _known(await self._captions.own(account_id, caption_id))

    async def list_of(
        self, account_id: UUID, media_id: UUID | None, after: UUID | None, limit: int
    ) -> Sequence[Caption]:
        return await self._captions.of(account_id, media_id, after, limit)

    async def cancel(self, account_id: UUID, caption_id: UUID) -> Caption:
        """End the job at once; its runner loses the lease, notices within a second and stops."""
        caption = _known(await self._captions.own(account_id, caption_id, lock=True))
        if caption.state == CANCELLED:
            return caption
        if caption.is_finished:
            raise CaptionEnded(state=caption.state)
        await self._progress.end(caption, CANCELLED)
        return caption

    async def retry(self, account_id: UUID, caption_id: UUID) -> Caption:
        """Run a failed or cancelled job anew, with the engine as it is now."""
        caption = _known(await self._captions.own(account_id, caption_id, lock=True))
        if caption.state not in {FAILED, CANCELLED}:
            raise CaptionNotEnded(state=caption.state)
        plan = self._plan(caption.asked_language, caption.engine_name)
        await self._media.require_ready(account_id, caption.media_id)
        caption.engine_version, caption.engine_model = plan.engine.version, plan.engine.model
        caption.settings_key = settings_key(caption)
        caption.state, caption.stage, caption.progress, caption.lost_runners = QUEUED, None, 0, 0
        caption.error_code = caption.error_detail = caption.finished_at = None
        caption.due_at = self._clock()
        await self._start(caption)
        return caption

    async def delete(self, account_id: UUID, caption_id: UUID) -> None:
        if not await self._captions.delete(account_id, caption_id):
            raise CaptionNotFound

    async def _start(self, caption: Caption) -> None:
        """Answer from the stored result of the same person's same content and settings, or queue."""
        result = await self._captions.result_of(caption.account_id, caption.settings_key)
        if result is None:
            await self._progress.tell(caption)
            fact = CaptionRequested(caption_id=caption.id, account_id=caption.account_id)
            self._outbox.publish(fact, key=caption.id)
            return
        await self._captions.copy_document(result.id, caption.id)
        caption.cached, caption.progress = True, 100
        caption.language, caption.reason = result.language, result.reason
        await self._progress.end(caption, SUCCEEDED)

    def _plan(self, language: str | None, engine: str | None) -> Plan:
        if self._captioner is None:
            raise CaptionsOff
        return self._captioner.plan(language=language, engine=engine)

    def _caption(self, media: Media, new: NewCaption, plan: Plan, idempotency_key: str | None) -> Caption:
        now = self._clock()
        caption = Caption(
            account_id=media.account_id,
            media_id=media.id,
            storage_key=media.key,
            filename=media.filename,
            size=media.size,
            content_sha256=media.sha256,
            asked_language=new.language,
            profile=new.profile,
            idempotency_key=idempotency_key,
            request_hash=None if idempotency_key is None else fingerprint(new),
            state=QUEUED,
            progress=0,
            sequence=0,
            engine_name=plan.engine.name,
            engine_version=plan.engine.version,
            engine_model=plan.engine.model,
            language=plan.language,
            due_at=now,
            created_at=now,
        )
        caption.settings_key = settings_key(caption)
        return caption

    async def _earlier(self, account_id: UUID, idempotency_key: str | None) -> Caption:
        """The job that was added with the same key a moment ago."""
        earlier = await self._captions.by_idempotency_key(account_id, idempotency_key or "")
        if earlier is None:
            raise IdempotencyKeyReused
        return earlier


def settings_key(caption: Caption) -> str:
    """The same for the same content, engine, language and profile, and for nothing else."""
    parts = [
        caption.content_sha256,
        caption.engine_name,
        caption.engine_version,
        caption.engine_model,
        caption.language,
        caption.profile,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def check_profile(name: str | None) -> None:
    """Raises `UnknownProfile`, which names the profiles there are."""
    try:
        if name is not None:
            profile_named(name)
    except subtitles.UnknownProfile as error:
        raise UnknownProfile(profile=name, known=", ".join(error.known)) from None


def _known(caption: Caption | None) -> Caption:
    if caption is None:
        raise CaptionNotFound
    return caption


def _same_request(earlier: Caption, new: NewCaption) -> Caption:
    if earlier.request_hash != fingerprint(new):
        raise IdempotencyKeyReused
    return earlier

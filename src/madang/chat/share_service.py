"""Sharing: one link for a conversation, which shows what was said until it was made, and can be taken back."""

import hashlib
import os
from collections.abc import Sequence
from uuid import UUID

from madang.chat.errors import NotShared
from madang.chat.events import ConversationShared, ConversationUnshared
from madang.chat.models import Message, Share
from madang.chat.repository import ChatRepository
from madang.chat.service import found
from madang.chat.share_repository import ShareRepository
from madang.db.session import Session
from madang.kit import tokens
from madang.kit.clock import Clock
from madang.outbox.publish import Outbox

PREFIX = "mds_"


class ShareService:
    """Within one unit."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._chat = ChatRepository(session)
        self._shares = ShareRepository(session)
        self._outbox = Outbox(session, clock)
        self._clock = clock

    async def share(self, account_id: UUID, conversation_id: UUID) -> tuple[Share, str]:
        """A new link's token, which nothing keeps; a former one ends."""
        found(await self._chat.conversation(account_id, conversation_id, lock=True))
        token = tokens.encode(PREFIX, os.urandom(32))
        owned = {"conversation_id": conversation_id, "account_id": account_id}
        share = Share(**owned, digest=_digest(token), created_at=self._clock())
        await self._shares.put(share)
        self._outbox.publish(ConversationShared(**owned), key=conversation_id)
        return share, token

    async def of(self, account_id: UUID, conversation_id: UUID) -> Share:
        """Raises `NotShared`, and `ConversationNotFound` for other people's."""
        found(await self._chat.conversation(account_id, conversation_id))
        share = await self._shares.of(account_id, conversation_id)
        if share is None:
            raise NotShared
        return share

    async def unshare(self, account_id: UUID, conversation_id: UUID) -> None:
        """The link ends at once; without one nothing happens."""
        found(await self._chat.conversation(account_id, conversation_id, lock=True))
        if await self._shares.remove(conversation_id):
            fact = ConversationUnshared(conversation_id=conversation_id, account_id=account_id)
            self._outbox.publish(fact, key=conversation_id)

    async def read(self, token: str, after: UUID | None, limit: int) -> tuple[Share, str | None, Sequence[Message]]:
        """The share, the title and a page of messages, for whoever has the link; raises `NotShared`."""
        try:
            tokens.decode(PREFIX, token)
        except tokens.MalformedToken:
            raise NotShared from None
        opened = await self._shares.opened(_digest(token))
        if opened is None:
            raise NotShared
        share, title = opened
        return share, title, await self._shares.messages(share.conversation_id, share.created_at, after, limit)


def _digest(token: str) -> bytes:
    """256 random bits, which nobody tries out, so a plain hash will do."""
    return hashlib.sha256(token.encode()).digest()

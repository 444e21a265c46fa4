"""Feeds: `?limit=&cursor=` to `{items, next_cursor}`, keyset on an id that grows with time."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel

from madang.kit.problems import Invalid, Text

T = TypeVar("T")
MAX_LIMIT = 100


class BadCursor(Invalid):
    code = "bad-cursor"
    title = Text("The cursor is not valid", "커서가 올바르지 않습니다")
    detail = Text("Use next_cursor exactly as a former page gave it.", "이전 응답의 next_cursor를 그대로 사용하세요.")


class Page(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None


class Feed(BaseModel):
    """One page's request: how many, and after which id."""

    limit: int
    after: UUID | None

    @property
    def fetch(self) -> int:
        """One more than the page, which tells whether there is another."""
        return self.limit + 1


async def _feed(limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50, cursor: str | None = None) -> Feed:
    return Feed(limit=limit, after=None if cursor is None else _decode(cursor))


FeedQuery = Annotated[Feed, Depends(_feed)]


def cut(rows: Sequence[T], ids: Sequence[UUID], feed: Feed) -> tuple[list[T], str | None]:
    """The page of the rows fetched, and the cursor of the next one."""
    if len(rows) <= feed.limit:
        return list(rows), None
    return list(rows[: feed.limit]), _encode(ids[feed.limit - 1])


def _encode(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def _decode(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise BadCursor from None

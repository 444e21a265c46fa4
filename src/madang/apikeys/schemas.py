"""Requests and responses of API keys."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from madang.kit.schemas import Body, View

KeyScope = Literal[
    "profile",
    "chat",
    "captions",
    "media",
    "admin:users",
    "admin:roles",
    "admin:audit",
    "admin:webhooks",
    "admin:impersonate",
    "admin:operations",
    "tokens:introspect",
]


class NewApiKey(Body):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
    scopes: list[KeyScope] | None = Field(
        None, min_length=1, max_length=20, description="absent: profile, chat, captions and media"
    )
    expires_at: AwareDatetime | None = Field(None, description="absent: no end")


class ApiKeyView(View):
    id: UUID
    name: str
    prefix: str = Field(description="how the key begins")
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="to the minute")


class MadeApiKey(ApiKeyView):
    key: str = Field(description="shown this once")

"""Requests and responses of accounts."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from madang.kit.schemas import Body, View

MAX_PASSWORD = 1024
AccountId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_]{3,30}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Language = Literal["ko", "en"]
Password = Annotated[str, Field(max_length=MAX_PASSWORD)]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("must be an IANA time zone such as Asia/Seoul")
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]


class NewAccount(Body):
    account_id: AccountId
    password: Password
    email: EmailStr | None = None
    name: Name | None = None
    language: Language | None = None


class ProfilePatch(Body):
    """What people may change of themselves; the read-only fields are named so that they are refused, not unknown."""

    name: Name | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    role: Any = None
    is_active: Any = None
    email: Any = None
    email_verified: Any = None
    account_id: Any = None


class AccountView(View):
    id: UUID
    account_id: str
    email: str | None
    email_verified: bool
    name: str | None
    language: str | None
    time_zone: str | None
    role: str
    is_active: bool
    auth_provider: str
    created_at: datetime


class Existence(View):
    account_id: str
    exists: bool

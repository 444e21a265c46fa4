"""Requests and responses of accounts."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from madang.kit.schemas import Body, View
from madang.kit.scopes import PERMISSIONS

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


class InvitedAccount(Body):
    """An account that an administrator makes: its owner is mailed a link and chooses the password."""

    account_id: AccountId
    email: EmailStr
    name: Name | None = None
    language: Language | None = None
    role: str = Field("Member", max_length=50)


class ProfilePatch(Body):
    """What people may change of themselves; the read-only fields are named so that they are refused, not unknown."""

    name: Name | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    account_id: AccountId = ""
    role: Any = None
    is_active: Any = None
    email: Any = None
    email_verified: Any = None


def _known_permission(name: str) -> str:
    if name not in PERMISSIONS:
        raise ValueError(f"must be one of {', '.join(PERMISSIONS)}")
    return name


Permission = Annotated[str, AfterValidator(_known_permission)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[\w][\w .&/-]{0,49}$", strip_whitespace=True)]
Description = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]


class NewRole(Body):
    """Every role reaches `profile` and `offline_access`."""

    name: RoleName
    description: Description | None = None
    permissions: list[Permission] = Field(default=[], max_length=50)


class RolePatch(Body):
    """Accounts name their role, so its name stays."""

    description: Description | None = None
    permissions: list[Permission] | None = Field(None, max_length=50)


class RoleView(View):
    id: UUID
    name: str
    description: str | None
    permissions: list[str]
    is_built_in: bool


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


class OwnAccountView(AccountView):
    impersonator_id: UUID | None = Field(None, description="who acts for this account in this session")


Measure = Literal["loudness", "pitch", "brightness", "none"]
Theme = Literal["system", "light", "dark"]
CaptionSize = Annotated[float, Field(ge=0.5, le=3)]
MotionChoice = Literal["system", "full", "reduced"]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]


class CaptionLook(View):
    """How captions are drawn for this viewer; `system` follows the device."""

    size: CaptionSize = Field(1, description="times the usual size")
    size_shows: Measure = "loudness"
    weight_shows: Measure = "pitch"
    width_shows: Measure = "brightness"
    colors: Literal["speakers", "color_blind_safe", "none"] = "speakers"
    motion: MotionChoice = "system"
    show_emotion: bool = True
    show_speaker_names: bool = True


class ChatHabits(View):
    model: str | None = None
    enter_sends: bool = True


class PreferencesView(View):
    theme: Theme = "system"
    captions: CaptionLook = CaptionLook()
    chat: ChatHabits = ChatHabits()


class CaptionLookPatch(Body):
    size: CaptionSize | None = None
    size_shows: Measure | None = None
    weight_shows: Measure | None = None
    width_shows: Measure | None = None
    colors: Literal["speakers", "color_blind_safe", "none"] | None = None
    motion: MotionChoice | None = None
    show_emotion: bool | None = None
    show_speaker_names: bool | None = None


class ChatHabitsPatch(Body):
    model: ModelName | None = None
    enter_sends: bool | None = None


class PreferencesPatch(Body):
    """A merge patch (RFC 7396)."""

    theme: Theme | None = None
    captions: CaptionLookPatch | None = None
    chat: ChatHabitsPatch | None = None


class Existence(View):
    account_id: str
    exists: bool


class People(NamedTuple):
    """Which people a list shows; None: whatever it is. Times are inclusive."""

    q: str | None = None
    role: str | None = None
    is_active: bool | None = None
    provider: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    deleted: bool = False

"""Facts of a person's account."""

from typing import ClassVar
from uuid import UUID

from madang.kit.event import Event


class AccountRegistered(Event):
    name: ClassVar[str] = "accounts.account_registered.v1"
    account_id: UUID


class AccountDisabled(Event):
    name: ClassVar[str] = "accounts.account_disabled.v1"
    account_id: UUID


class AccountEnabled(Event):
    name: ClassVar[str] = "accounts.account_enabled.v1"
    account_id: UUID


class AccountDeleted(Event):
    """Its owner left, or it was removed; it can be restored until it is erased."""

    name: ClassVar[str] = "accounts.account_deleted.v1"
    account_id: UUID


class AccountRoleChanged(Event):
    name: ClassVar[str] = "accounts.account_role_changed.v1"
    account_id: UUID
    role: str
    former: str


class RoleAdded(Event):
    name: ClassVar[str] = "accounts.role_added.v1"
    role_id: UUID
    role: str


class RoleChanged(Event):
    """`granted` and `withdrawn` name permissions."""

    name: ClassVar[str] = "accounts.role_changed.v1"
    role_id: UUID
    role: str
    granted: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


class RoleRemoved(Event):
    name: ClassVar[str] = "accounts.role_removed.v1"
    role_id: UUID
    role: str


class AccountRestored(Event):
    name: ClassVar[str] = "accounts.account_restored.v1"
    account_id: UUID


class AccountProfileChanged(Event):
    """`fields` names what was changed: name, language, time_zone, account_id."""

    name: ClassVar[str] = "accounts.account_profile_changed.v1"
    account_id: UUID
    fields: tuple[str, ...]


class AccountErased(Event):
    """The grace time is over and everything personal is gone: whoever keeps copies elsewhere erases them now."""

    name: ClassVar[str] = "accounts.account_erased.v1"
    account_id: UUID

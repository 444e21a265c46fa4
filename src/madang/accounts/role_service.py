"""The rules of roles: nobody gives, takes or touches what their own role does not reach."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from madang.accounts.errors import BeyondYourRole, RoleBuiltIn, RoleNotFound, UnknownRole
from madang.accounts.events import RoleAdded, RoleChanged, RoleRemoved
from madang.accounts.models import ADMIN, Role
from madang.accounts.role_repository import RoleRepository
from madang.accounts.schemas import NewRole, RolePatch
from madang.db.session import Session
from madang.kit.clock import Clock
from madang.kit.scopes import ALWAYS, in_order, reach
from madang.outbox.publish import Outbox


class RoleService:
    """Within one unit."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._roles = RoleRepository(session)
        self._outbox = Outbox(session, clock)

    async def all(self) -> Sequence[Role]:
        return await self._roles.all()

    async def get(self, role_id: UUID) -> Role:
        """Raises `RoleNotFound`."""
        role = await self._roles.get(role_id)
        if role is None:
            raise RoleNotFound
        return role

    async def to_give(self, name: str, own: frozenset[str]) -> str:
        """The name of a role that is about to be somebody's; raises `UnknownRole` or `BeyondYourRole`."""
        role = await self._roles.named(name, keep=True)
        if role is None:
            raise UnknownRole(role=name)
        ensure_within(reach(role.permissions), own)
        return role.name

    async def reach_of(self, name: str) -> frozenset[str]:
        """What a role reaches at most; nothing when there is none of that name."""
        role = await self._roles.named(name)
        return reach(role.permissions) if role else frozenset()

    async def add(self, new: NewRole, own: frozenset[str]) -> Role:
        """`own`: what the caller's role reaches. Raises `RoleNameTaken` or `BeyondYourRole`."""
        ensure_within(new.permissions, own)
        role = Role(
            name=new.name,
            name_key=new.name.casefold(),
            description=new.description,
            permissions=in_order(new.permissions),
        )
        await self._roles.add(role)
        self._outbox.publish(RoleAdded(role_id=role.id, role=role.name), key=role.id)
        return role

    async def change(self, role_id: UUID, patch: RolePatch, own: frozenset[str]) -> Role:
        """Holds for everybody who has the role from their next request on."""
        role = await self._changeable(role_id)
        if "description" in patch.model_fields_set:
            role.description = patch.description
        if patch.permissions is not None:
            before, after = reach(role.permissions), {*patch.permissions, *ALWAYS}
            ensure_within(before ^ after, own)
            role.permissions = in_order(patch.permissions)
            granted, withdrawn = tuple(sorted(after - before)), tuple(sorted(before - after))
            fact = RoleChanged(role_id=role.id, role=role.name, granted=granted, withdrawn=withdrawn)
            self._outbox.publish(fact, key=role.id)
        return role

    async def remove(self, role_id: UUID) -> None:
        """Raises `RoleInUse` or `RoleBuiltIn`."""
        role = await self._changeable(role_id)
        if role.is_built_in:
            raise RoleBuiltIn
        await self._roles.remove(role)
        self._outbox.publish(RoleRemoved(role_id=role.id, role=role.name), key=role.id)

    async def _changeable(self, role_id: UUID) -> Role:
        role = await self._roles.locked(role_id)
        if role is None:
            raise RoleNotFound
        if role.name == ADMIN:
            raise RoleBuiltIn
        return role


def ensure_within(permissions: Iterable[str], own: frozenset[str]) -> None:
    """Raises `BeyondYourRole`, naming what is missing."""
    missing = set(permissions) - own
    if missing:
        raise BeyondYourRole(permissions=in_order(missing))

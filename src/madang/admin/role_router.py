"""Roles: named sets of permissions."""

from uuid import UUID

from fastapi import APIRouter

from madang.accounts.deps import Roles, RolesReading
from madang.accounts.models import Role
from madang.accounts.schemas import NewRole, RolePatch, RoleView
from madang.http.caller import CurrentUser, requires
from madang.kit.scopes import PERMISSIONS, reach

router = APIRouter(prefix="/api/v1/roles", tags=["people"], dependencies=[requires("admin:roles")])


@router.get("", summary="All roles")
async def list_roles(roles: RolesReading) -> list[RoleView]:
    return [_view(role) for role in await roles.all()]


@router.post("", status_code=201, summary="Add a role")
async def add_role(body: NewRole, user: CurrentUser, roles: Roles) -> RoleView:
    """With permissions that one's own role has."""
    return _view(await roles.add(body, user.reach))


@router.get("/{role_id}", summary="One role")
async def show_role(role_id: UUID, roles: RolesReading) -> RoleView:
    return _view(await roles.get(role_id))


@router.patch("/{role_id}", summary="Change a role's description or permissions")
async def change_role(role_id: UUID, body: RolePatch, user: CurrentUser, roles: Roles) -> RoleView:
    """Holds for everybody who has the role from their next request on."""
    return _view(await roles.change(role_id, body, user.reach))


@router.delete("/{role_id}", status_code=204, summary="Remove a role that nobody has")
async def remove_role(role_id: UUID, roles: Roles) -> None:
    await roles.remove(role_id)


def _view(role: Role) -> RoleView:
    reached = reach(role.permissions)
    return RoleView(
        id=role.id,
        name=role.name,
        description=role.description,
        permissions=[one for one in PERMISSIONS if one in reached],
        is_built_in=role.is_built_in,
    )

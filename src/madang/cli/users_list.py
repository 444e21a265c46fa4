"""`madang users list`."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

import typer

from madang.accounts.models import Account
from madang.accounts.schemas import AccountView, People
from madang.accounts.search_service import SearchService
from madang.cli.installation import bring_schema_up, open_database, read_settings
from madang.db.session import Database
from madang.settings import Settings

_PAGE = 500
_ROW = "{:<31}{:<9}{:<10}{:<36}{:<21}{}"


def list_users(
    role: Annotated[str | None, typer.Option(help="Admin or Member.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Those that are disabled.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that were deleted and can be restored.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List people, the oldest account first."""
    asyncio.run(_list(read_settings(), role, inactive, deleted, as_json))


async def _list(settings: Settings, role: str | None, inactive: bool, deleted: bool, as_json: bool) -> None:
    await bring_schema_up(settings)
    if not as_json:
        typer.echo(_ROW.format("account id", "role", "state", "e-mail", "since", "id").rstrip())
    people = People(role=role, is_active=False if inactive else None, deleted=deleted)
    async with open_database(settings) as database:
        async for account in _accounts(database, people):
            typer.echo(_json(account) if as_json else _line(account))


async def _accounts(database: Database, people: People) -> AsyncIterator[Account]:
    after = None
    while True:
        async with database.read_unit() as session:
            page = await SearchService(session).after(people, after, _PAGE)
        for account in page:
            yield account
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _line(account: Account) -> str:
    state = "deleted" if account.deleted_at else "active" if account.is_active else "disabled"
    since = f"{account.created_at:%Y-%m-%d %H:%M:%S}"
    email = account.email or "-"
    return _ROW.format(account.account_id, account.role, state, email, since, account.id)


def _json(account: Account) -> str:
    shown = AccountView.model_validate(account).model_dump(mode="json")
    deleted_at = account.deleted_at.isoformat() if account.deleted_at else None
    return json.dumps({**shown, "deleted_at": deleted_at}, ensure_ascii=False)

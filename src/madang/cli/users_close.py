"""`madang users disable`, `enable`, `delete` and `restore`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import typer

from madang.accounts.deps import build_accounts
from madang.accounts.errors import AccountNotFound
from madang.accounts.models import Account
from madang.accounts.service import AccountService
from madang.cli.installation import bring_schema_up, open_database, read_settings
from madang.db.session import DatabaseUnavailable
from madang.kit.clock import utc_now
from madang.kit.problems import Problem
from madang.sessions.closing_service import ClosingService
from madang.settings import Settings

Name = Annotated[str, typer.Argument(help="Account id, proven e-mail address, or id.")]
Act = Callable[[AccountService, ClosingService, Account], Awaitable[object]]


def disable(name: Name) -> None:
    """Let somebody in no more, and end all their sessions at once."""
    _run(name, lambda _, closing, account: closing.disable(account.id))
    typer.echo(f"Disabled {name}; every session has ended.")


def enable(name: Name) -> None:
    """Let somebody in again who was disabled."""
    _run(name, lambda accounts, _, account: accounts.enable(account.id))
    typer.echo(f"Enabled {name}.")


def delete(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete an account: its sessions end now, the rest is erased after MADANG_ERASURE_GRACE days."""
    if not yes:
        typer.confirm(f"Delete {name}?", abort=True)
    _run(name, lambda _, closing, account: closing.delete(account.id))
    typer.echo(f"Deleted {name}; `madang users restore` takes it back until it is erased.")


def restore(
    name: Name,
    account_id: Annotated[str | None, typer.Option(help="A new account id, when the former is taken by now.")] = None,
) -> None:
    """Take a deletion back, as long as the account is not erased yet."""
    account = _run(name, lambda accounts, _, account: accounts.restore(account.id, account_id))
    typer.echo(f"Restored {account.account_id}.")


def _run(name: str, act: Act) -> Account:
    try:
        return asyncio.run(_acting(read_settings(), name, act))
    except DatabaseUnavailable:
        raise
    except Problem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None


async def _acting(settings: Settings, name: str, act: Act) -> Account:
    await bring_schema_up(settings)
    async with open_database(settings) as database, database.unit() as session:
        accounts = build_accounts(session)
        account = await _find(accounts, name)
        await act(accounts, ClosingService(session, accounts, utc_now), account)
        return account


async def _find(accounts: AccountService, name: str) -> Account:
    try:
        found = await accounts.get(UUID(name))
    except ValueError:
        found = await accounts.by_sign_in_name(name) or await accounts.deleted(name)
    if found is None:
        raise AccountNotFound
    return found

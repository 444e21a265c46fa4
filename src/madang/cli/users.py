"""`madang users`: people, from the command line."""

import asyncio
import sys
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from madang.accounts.deps import build_accounts, build_password_policy
from madang.accounts.models import Account
from madang.accounts.role_service import RoleService
from madang.accounts.schemas import NewAccount
from madang.backends import open_backends
from madang.cli.installation import bring_schema_up, read_settings
from madang.cli.users_close import delete, disable, enable, restore
from madang.cli.users_import import import_users
from madang.cli.users_list import list_users
from madang.db.session import DatabaseUnavailable
from madang.kit.clock import utc_now
from madang.kit.hashing import PasswordHasher
from madang.kit.problems import Problem
from madang.kit.scopes import EVERYTHING, reach
from madang.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Manage people.")
app.command("import")(import_users)
app.command("list")(list_users)
for command in (disable, enable, delete, restore):
    app.command()(command)


@app.callback()
def people() -> None:
    """Manage people."""


@app.command()
def create(
    account_id: Annotated[str, typer.Argument(help="3-30 letters, digits or underscores.")],
    email: Annotated[str | None, typer.Option(help="Counts as proven: you vouch for it.")] = None,
    role: Annotated[str, typer.Option(help="One of the roles.")] = "Member",
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
) -> None:
    """Make an account; asks for the password unless --password-stdin is given."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    try:
        new = NewAccount(account_id=account_id, password=password, email=email)
        account = asyncio.run(_create(read_settings(), new, role))
    except ValidationError as error:
        _refuse("; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors()))
    except DatabaseUnavailable:
        raise
    except Problem as problem:
        _refuse(str(problem))
    typer.echo(f"Created {account.account_id} ({account.role}), id {account.id}.")


async def _create(settings: Settings, new: NewAccount, role: str) -> Account:
    await bring_schema_up(settings)
    async with open_backends(settings) as backends:
        policy = build_password_policy(settings, backends.breaches)
        await policy.check(new.password, (new.account_id, new.email))
        hasher = PasswordHasher()
        password_hash = await hasher.hash(new.password)
        hasher.close()
        async with backends.database.unit() as session:
            given = await RoleService(session, utc_now).to_give(role, reach(EVERYTHING))
            return await build_accounts(session).register(new, password_hash, role=given, is_email_proven=True)


def _ask_password() -> str:
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _refuse(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)

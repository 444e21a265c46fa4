"""`madang users import`: people from another system, with the hashes of their passwords."""

import asyncio
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import EmailStr, Field, ValidationError, field_validator

from madang.accounts.deps import build_accounts
from madang.accounts.errors import AccountIdTaken, EmailTaken
from madang.accounts.schemas import AccountId, Language, Name, NewAccount
from madang.backends import open_backends
from madang.cli.installation import bring_schema_up, read_settings
from madang.db.session import Database
from madang.kit.foreign_hashes import check_importable
from madang.kit.schemas import Body
from madang.settings import Settings


class ImportedAccount(Body):
    """One line of the file. An address counts as proven only when the line says so."""

    account_id: AccountId
    password_hash: str = Field(max_length=1000)
    email: EmailStr | None = None
    email_verified: bool = False
    name: Name | None = None
    language: Language | None = None

    @field_validator("password_hash")
    @classmethod
    def _importable(cls, value: str) -> str:
        check_importable(value)
        return value


def import_users(
    file: Annotated[Path, typer.Argument(help="JSON lines, or CSV with a header (.csv).", exists=True, dir_okay=False)],
) -> None:
    """Import accounts with their password hashes: Argon2, bcrypt, Django's pbkdf2_sha256 and scrypt, MD5-crypt.

    Members: account_id, password_hash, and optionally email, email_verified, name, language. Each hash is replaced by
    Argon2id when its owner first signs in. A line that can't be imported is named and the others go in, so the file
    may be mended and imported again; the exit code is then 1.
    """
    imported, refused = asyncio.run(_import(read_settings(), file))
    for number, reason in refused:
        typer.echo(f"{file.name}:{number}: {reason}", err=True)
    typer.echo(f"Imported {imported}, refused {len(refused)}.")
    if refused:
        raise typer.Exit(1)


async def _import(settings: Settings, file: Path) -> tuple[int, list[tuple[int, str]]]:
    await bring_schema_up(settings)
    imported, refused = 0, []
    async with open_backends(settings) as backends:
        for number, row in _rows(file):
            reason = await _add(backends.database, row)
            imported += reason is None
            refused += [(number, reason)] if reason else []
    return imported, refused


async def _add(database: Database, row: Any) -> str | None:
    """None, or why that account was not added."""
    if isinstance(row, ValueError):
        return f"not readable: {row}"
    try:
        given = ImportedAccount.model_validate(row)
        new = NewAccount(password="", **given.model_dump(exclude={"password_hash", "email_verified"}))
        async with database.unit() as session:
            await build_accounts(session).register(new, given.password_hash, is_email_proven=given.email_verified)
    except ValidationError as error:
        return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'line'}: {fault['msg']}" for fault in error.errors())
    except (AccountIdTaken, EmailTaken) as problem:
        return str(problem)
    return None


def _rows(file: Path) -> Iterator[tuple[int, Any]]:
    """Line numbers and members; for a line that can't be read, the error in their place."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        if file.suffix.lower() == ".csv":
            reader = csv.DictReader(lines)
            for row in reader:
                yield reader.line_num, {name: value for name, value in row.items() if value not in {"", None}}
            return
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, _parsed(line)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        return error

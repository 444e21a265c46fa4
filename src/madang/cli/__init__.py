"""The commands, one file each."""

import sys
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command, get_group

from madang.db.session import DatabaseUnavailable
from madang.migrations.safely import NotMigrated
from madang.settings import BadSettings

_NAMES = ("serve", "worker", "caption", "migrate", "doctor", "openapi", "users", "keys", "outbox", "audit", "seed")


class OnDemand(TyperGroup):
    """Imports a command's module when it is called or described; all of them together take two seconds."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = dict.fromkeys(_NAMES)  # type: ignore[assignment]  # the names alone, for the list and the hints

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 the signature is Typer's
        return _load(cmd_name) if cmd_name in self.commands else None


def _load(name: str) -> Any:
    """The file's `app` when it holds several commands, else its function of that name."""
    module = import_module(f"madang.cli.{name}")
    if hasattr(module, "app"):
        group = get_group(module.app)
        group.name = name
        return group
    single = typer.Typer(add_completion=False)
    single.command(name)(getattr(module, name))
    return get_command(single)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(cls=OnDemand, no_args_is_help=True)
def madang() -> None:
    """Madang: accounts, chat and expressive captions."""


def main() -> None:
    try:
        app()
    except BadSettings as error:
        _complain("The settings can't be used.", str(error))
        sys.exit(2)
    except DatabaseUnavailable as error:
        _complain("The database does not answer.", f"{error.__cause__}\n`madang doctor` looks at MADANG_DATABASE_URL.")
        sys.exit(1)
    except NotMigrated as error:
        _complain("The database was not migrated.", str(error))
        sys.exit(1)


def _complain(headline: str, details: str) -> None:
    """Details are no markup: they quote what was set."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(headline, style="red")
    console.print(details, markup=False)

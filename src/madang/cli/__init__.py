"""The commands, one file each."""

import sys

import typer
from rich.console import Console

from madang.cli import caption, doctor, migrate, openapi, serve, users
from madang.settings import BadSettings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Madang: accounts, chat and expressive captions.",
)
app.command("serve")(serve.serve)
app.command("caption")(caption.caption)
app.command("migrate")(migrate.migrate)
app.command("doctor")(doctor.doctor)
app.command("openapi")(openapi.openapi)
app.add_typer(users.app, name="users")


def main() -> None:
    try:
        app()
    except BadSettings as error:
        Console(stderr=True).print(f"[red]The settings can't be used.[/red]\n{error}", highlight=False)
        sys.exit(2)

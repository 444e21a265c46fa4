"""The commands, one file each."""

import sys

import typer
from rich.console import Console

from madang.cli import audit, caption, doctor, keys, migrate, openapi, outbox, serve, users, worker
from madang.db.session import DatabaseUnavailable
from madang.migrations.safely import NotMigrated
from madang.settings import BadSettings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Madang: accounts, chat and expressive captions.",
)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("caption")(caption.caption)
app.command("migrate")(migrate.migrate)
app.command("doctor")(doctor.doctor)
app.command("openapi")(openapi.openapi)
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(outbox.app, name="outbox")
app.add_typer(audit.app, name="audit")


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

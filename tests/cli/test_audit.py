"""`madang audit verify` on a real installation."""

import sqlite3

from tests.cli.conftest import Installation
from tests.factories import PASSWORD


def test_the_trail_is_verified_and_a_change_is_named(installation: Installation) -> None:
    made = installation.run("users", "create", "somebody", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    whole = installation.run("audit", "verify")
    assert (whole.returncode, whole.stdout) == (0, "0 entries are what was sealed; 0 wait for their seal.\n")
    with sqlite3.connect(installation.data / "madang.db") as database:
        database.execute("INSERT INTO audit_chain VALUES (1, 3, x'00', x'00', x'00000000')")
    broken = installation.run("audit", "verify")
    assert broken.returncode == 1
    assert "the seal was changed" in broken.stderr
    assert "Traceback" not in broken.stderr

"""PgBouncer in transaction mode before the PostgreSQL at hand, with fewer server connections than callers."""

import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.servers import free_port

_START_SECONDS = 20


@contextmanager
def pgbouncer(database_url: str) -> Iterator[str]:
    """The URL of the same database through the pooler."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    url, port = make_url(database_url), free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "users.txt").write_text(f'"{url.username}" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n{url.database} = host={url.host} port={url.port or 5432} user={url.username}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\nauth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = 3\n"
        )
        command = [program, str(folder / "pgbouncer.ini"), *_as_somebody()]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_it_listens(process, port)
            yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        finally:
            process.kill()
            process.wait(10)


def _as_somebody() -> list[str]:
    """It refuses to run as root."""
    with suppress(KeyError):
        if Path("/proc/self").stat().st_uid == 0:
            return ["-u", pwd.getpwnam("nobody").pw_name]
    return []


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "pgbouncer did not start"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError("pgbouncer does not listen")

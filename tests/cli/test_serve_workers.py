"""`madang serve --workers`: one port, several processes, none of which is missed for long."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.cli.conftest import Installation
from tests.databases import TestDatabases
from tests.factories import SECRET
from tests.peers.redis_server import RedisServer
from tests.servers import ServerProcess, free_port, server_process

SOON = 60


@pytest.fixture
def serving(
    tmp_path: Path, databases: TestDatabases, shared_redis: RedisServer, rabbitmq_url: str
) -> Iterator[ServerProcess]:
    with databases.copy() as url:
        if not url.startswith("postgresql"):
            pytest.skip("needs a PostgreSQL server")
        environment = {
            "MADANG_DATABASE_URL": url,
            "MADANG_CACHE_URL": shared_redis.url,
            "MADANG_BROKER_URL": rabbitmq_url,
            "MADANG_SECRET_KEY": SECRET,
            "MADANG_STORAGE_URL": f"file:{tmp_path}/media",
        }
        with server_process(tmp_path, "--workers", "2", **environment) as process:
            yield process


def test_a_killed_process_is_replaced_and_the_port_answers_all_the_while(serving: ServerProcess) -> None:
    before = _children(serving, 2)
    os.kill(min(before), signal.SIGKILL)
    _until_gone(min(before))
    with httpx2.Client(base_url=serving.url, trust_env=False, timeout=SOON) as client:
        for _ in range(20):
            assert client.get("/health/ready").status_code == 200
        after = _children(serving, 2)
        assert max(before) in after
        assert min(before) not in after
        assert client.get("/health/ready").status_code == 200
    assert "a server process ended" in serving.log.read_text()


def test_a_signal_ends_them_all(serving: ServerProcess) -> None:
    children = _children(serving, 2)
    serving.stop()
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(serving.url, trust_env=False)
    assert "Traceback" not in serving.log.read_text()


def test_what_several_processes_can_not_share_is_named(installation: Installation) -> None:
    refused = installation.run("serve", "--workers", "2", "--port", str(free_port()))
    assert refused.returncode == 2
    assert "MADANG_DATABASE_URL" in refused.stderr
    assert "postgresql://" in refused.stderr


def _until_gone(pid: int) -> None:
    deadline = time.monotonic() + SOON
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"{pid} is still there"
        time.sleep(0.01)


def _children(serving: ServerProcess, count: int) -> set[int]:
    """The processes below the one that was started, once there are so many."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        found = Path(f"/proc/{serving.pid}/task/{serving.pid}/children").read_text().split()
        if len(found) == count:
            return {int(pid) for pid in found}
        time.sleep(0.1)
    raise AssertionError(f"there are never {count} processes")

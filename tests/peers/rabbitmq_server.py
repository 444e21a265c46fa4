"""The RabbitMQ server at hand: each test gets a virtual host of its own by the management of `rabbitmqctl`."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

_ADDRESS = ("127.0.0.1", 5672)
_SECONDS = 60


@contextmanager
def rabbitmq_host() -> Iterator[str]:
    """The URL of an empty virtual host, gone afterwards."""
    control = shutil.which("rabbitmqctl")
    if control is None or not _listens():
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail("no RabbitMQ answers on 127.0.0.1:5672, and REQUIRE_SERVICES=1 demands it")
        pytest.skip("no RabbitMQ answers on 127.0.0.1:5672")
    name = f"madang-{uuid4().hex[:12]}"
    _run(control, "add_vhost", name)
    try:
        _run(control, "set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        yield f"amqp://guest:guest@127.0.0.1:5672/{name}"
    finally:
        _run(control, "delete_vhost", name)


def cut_connections(url: str) -> None:
    """Close every connection to this virtual host, as a restart of the server would."""
    _run("rabbitmqctl", "close_all_connections", "--vhost", url.rpartition("/")[2], "the tests cut it")


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS)
    assert done.returncode == 0, done.stderr + done.stdout


def _listens() -> bool:
    try:
        with socket.create_connection(_ADDRESS, 2):
            return True
    except OSError:
        return False

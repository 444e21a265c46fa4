"""An S3 server that really checks signatures, lengths and types: Ceph's radosgw over one store in memory.

`s3_server()` starts it on free ports of loopback and ends it with all its objects. Its gateway can be paused and killed
while the objects stay.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from tests.peers.ceph_packages import Unobtainable, ceph_environment
from tests.servers import free_port

ACCESS_KEY, SECRET_KEY = "madang-tests", "a secret/with+signs"
_MEMORY_BYTES = 2 << 30


class S3Server:
    """The running server. What it answers at is `endpoint_url`."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = {**os.environ, **environment, "CEPH_CONF": str(folder / "ceph.conf")}
        self._monitor_port, self._port = free_port(), free_port()
        self._storage: list[subprocess.Popen[bytes]] = []
        self._gateway: subprocess.Popen[bytes] | None = None
        self.endpoint_url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        _configure(self._folder, self._monitor_port, self._port, self._environment.get("CEPH_LIBRARIES", ""))
        self._prepare()
        self._storage = [self._spawn("ceph-mon", "-i", "a"), self._spawn("ceph-osd", "-i", "0")]
        self.add_user(ACCESS_KEY)
        self.start_gateway()

    def add_user(self, access_key: str) -> None:
        """Its id is its access key; all have one secret."""
        keys = [f"--access-key={access_key}", f"--secret-key={SECRET_KEY}"]
        self._run("radosgw-admin", "user", "create", f"--uid={access_key}", f"--display-name={access_key}", *keys)

    def start_gateway(self) -> None:
        """Also after `kill`: the objects are still there. In a thread that lasts, since its children end with it."""
        self._gateway = self._spawn("radosgw", "-n", "client.admin")
        deadline = time.monotonic() + 60
        while not self._listens():
            assert self._gateway.poll() is None, self._log("radosgw")
            assert time.monotonic() < deadline, self._log("radosgw")
            time.sleep(0.05)

    def pause(self) -> None:
        """Connections are still accepted by the system; nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As if its machine were gone: connections break, new ones are refused."""
        self._signal(signal.SIGKILL)
        assert self._gateway is not None
        self._gateway.wait(30)

    def stop(self) -> None:
        self.client.close()
        for process in (self._gateway, *reversed(self._storage)):
            if process is not None:
                process.kill()
                process.wait(30)

    @cached_property
    def client(self) -> Any:
        """Has all rights, for what a test does or looks at behind the product's back."""
        config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.endpoint_url, config=config, **keys)

    def _prepare(self) -> None:
        keyring, monitors, store = (str(self._folder / name) for name in ("keyring", "monmap", "osdmap"))
        self._run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        address = f"[v2:127.0.0.1:{self._monitor_port}]"
        self._run("monmaptool", "--create", "--fsid", _fsid(self._folder), "--addv", "a", address, monitors)
        self._run("osdmaptool", "--createsimple", "1", store)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors, "--osdmap", store, "--keyring", keyring)
        self._run("ceph-osd", "--mkfs", "-i", "0", "--no-mon-config")

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False, timeout=90)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"

    def _spawn(self, *command: str) -> "subprocess.Popen[bytes]":
        """A child that dies with the thread that calls, however that ends."""
        with (self._folder / f"{command[0]}.out").open("ab") as log:
            whole = ["setpriv", "--pdeathsig", "KILL", "--", *command, "-f"]
            return subprocess.Popen(whole, env=self._environment, stdout=log, stderr=log)

    def _signal(self, number: signal.Signals) -> None:
        assert self._gateway is not None
        self._gateway.send_signal(number)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def _log(self, program: str) -> str:
        return (self._folder / f"{program}.out").read_text(errors="replace")[-4000:]


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Skips the test where the server is not to be had, unless `REQUIRE_SERVICES=1` says that it must be."""
    try:
        if shutil.which("setpriv") is None:
            raise Unobtainable("setpriv is missing (package util-linux)")
        environment = ceph_environment()
    except Unobtainable as reason:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(f"no S3 server: {reason}")
    with tempfile.TemporaryDirectory(prefix="madang-s3-") as folder:
        server = S3Server(Path(folder), environment)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def new_bucket(server: S3Server) -> str:
    """A bucket of one's own; it goes with the server."""
    name = f"bucket-{uuid4().hex}"
    server.client.create_bucket(Bucket=name)
    return name


def storage_url(server: S3Server, bucket: str, **options: str) -> str:
    """The value of `MADANG_STORAGE_URL`."""
    keys = f"{quote(ACCESS_KEY, safe='')}:{quote(SECRET_KEY, safe='')}"
    return f"s3://{keys}@{bucket}?{urlencode({'endpoint_url': server.endpoint_url} | options)}"


def _fsid(folder: Path) -> str:
    line = next(line for line in (folder / "ceph.conf").read_text().splitlines() if line.startswith("fsid"))
    return line.partition(" = ")[2]


def _configure(folder: Path, monitor_port: int, port: int, libraries: str) -> None:
    for name in ("mon", "osd", "gateway"):
        (folder / name).mkdir()
    settings = {
        "fsid": str(uuid4()),
        "mon host": f"[v2:127.0.0.1:{monitor_port}]",
        "public addr": "127.0.0.1",
        "cluster addr": "127.0.0.1",
        **{f"auth {kind} required": "none" for kind in ("cluster", "service", "client")},
        "ms mon client mode": "crc",
        "keyring": folder / "keyring",
        "log file": folder / "$name.log",
        **dict.fromkeys(("admin socket", "pid file"), ""),
        **dict.fromkeys(("run dir", "crash dir"), folder),
        **_library_settings(libraries),
        "mon data": folder / "mon",
        "mon data avail crit": 0,
        "mon data avail warn": 0,
        "mon allow pool size one": "true",
        "paxos propose interval": 0.01,
        "osd data": folder / "osd",
        "osd objectstore": "memstore",
        "memstore device bytes": _MEMORY_BYTES,
        **dict.fromkeys(("osd class load list", "osd class default list"), "*"),
        **dict.fromkeys(("osd pool default size", "osd pool default min size"), 1),
        **dict.fromkeys(("osd pool default pg num", "osd pool default pgp num"), 8),
        "osd pool default pg autoscale mode": "off",
        "osd crush chooseleaf type": 0,
        "rgw data": folder / "gateway",
        "rgw frontends": f"beast endpoint=127.0.0.1:{port}",
        "rgw enable apis": "s3",
        "rgw thread pool size": 16,
        "rgw cache enabled": "false",  # or a new gateway waits half a minute for the killed one to agree
        **dict.fromkeys(("rgw gc obj min wait", "rgw gc processor period"), 5),
        **dict.fromkeys(("rgw enable lc threads", "rgw run sync thread"), "false"),
        "objecter tick interval": 0.2,
        "objecter timeout": 1,
    }
    lines: Sequence[str] = ["[global]", *(f"{name} = {value}" for name, value in settings.items())]
    (folder / "ceph.conf").write_text("\n".join(lines) + "\n")


def _library_settings(libraries: str) -> dict[str, str]:
    if not libraries:
        return {}
    folders = {"plugin dir": "ceph", "erasure code dir": "ceph/erasure-code", "osd class dir": "rados-classes"}
    return {name: f"{libraries}/{folder}" for name, folder in folders.items()}

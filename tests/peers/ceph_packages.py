"""Ceph's programs out of Debian's packages, unpacked into a cache folder: nothing is installed, no root is needed.

The first use downloads about 70 MB with `apt-get`; later ones find everything under `~/.cache/madang-tests`.
"""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

PACKAGES = ("radosgw", "ceph-mon", "ceph-osd")
PROGRAMS = ("ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "osdmaptool", "radosgw", "radosgw-admin")


class Unobtainable(Exception):
    """The programs are neither on this machine nor to be had; the message says why."""


def ceph_environment() -> dict[str, str]:
    """What a process needs in its environment to find the programs and their libraries."""
    if all(shutil.which(program) for program in PROGRAMS):
        return {}
    root = _unpacked()
    libraries = next((root / "usr/lib").glob("*-linux-gnu*"))
    folders = (libraries, libraries / "ceph", root / "lib" / libraries.name)
    return {
        "PATH": f"{root / 'usr/bin'}:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": ":".join(map(str, folders)),
        "CEPH_LIBRARIES": str(libraries),
    }


def _unpacked() -> Path:
    folder = Path.home() / ".cache" / "madang-tests" / "ceph"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "complete").exists():
            for program in ("apt-get", "dpkg-deb"):
                if shutil.which(program) is None:
                    raise Unobtainable(f"Ceph's radosgw is not installed, and without {program} it can't be downloaded")
            _unpack(_download(folder), folder / "root")
            (folder / "complete").touch()
    return folder / "root"


def _download(folder: Path) -> list[Path]:
    """The packages and what they need; with package lists of our own where the machine's are missing or stale."""
    for part in ("debs/partial", "lists/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    apt = ["apt-get", "-qq", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=", "-o", f"Dir::Cache={folder}"]
    apt += ["-o", f"Dir::Cache::archives={folder / 'debs'}"]
    install = ["--yes", "--no-install-recommends", "--download-only", "install", *PACKAGES]
    if _run([*apt, *install]):
        apt += ["-o", f"Dir::State::Lists={folder / 'lists'}"]
        if fault := _run([*apt, "update"]) or _run([*apt, *install]):
            raise Unobtainable(f"Ceph's packages can't be downloaded: {fault}")
    return sorted((folder / "debs").glob("*.deb"))


def _run(command: list[str]) -> str:
    """The last line of what went wrong; empty when nothing did."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]


def _unpack(packages: list[Path], root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for package in packages:
        with (
            subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as unpacking,
            tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
        ):
            archive.extractall(root, members=_wanted(archive), filter="tar")
        package.unlink()
    missing = [program for program in PROGRAMS if not (root / "usr/bin" / program).exists()]
    if missing:
        raise Unobtainable(f"Ceph's packages have no {', '.join(missing)}")


def _wanted(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Shared libraries and the programs; the packages are four times as large."""
    programs = {f"usr/bin/{program}" for program in PROGRAMS}
    for member in archive:
        name = member.name.removeprefix("./")
        if name in programs or (name.startswith(("lib/", "usr/lib/")) and "-linux-gnu" in name):
            yield member

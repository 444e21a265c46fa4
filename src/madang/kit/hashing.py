"""Password hashes: Argon2id in a bounded pool, so that a storm of sign-ins never blocks the event loop.

Parameters follow the OWASP password storage cheat sheet: 19 MiB, two passes, one lane.
"""

import asyncio
import contextlib
import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from madang.kit.foreign_hashes import Bcrypt, DjangoPbkdf2, DjangoScrypt, Md5Crypt
from madang.kit.problems import Text, Unavailable
from madang.kit.unit_guard import forbid_in_unit

MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
_NICENESS = 5
T = TypeVar("T")


class HashingBusy(Unavailable):
    code = "sign-in-busy"
    title = Text("Too many sign-ins at this moment", "로그인 요청이 몰려 있습니다")
    detail = Text(
        "The server is checking as many passwords as it can; try again in {seconds} s.",
        "서버가 처리할 수 있는 만큼 비밀번호를 확인하고 있습니다. {seconds}초 뒤에 다시 시도하세요.",
    )


class PasswordHasher:
    """Argon2id on at most as many threads as there are cores; a full queue raises `HashingBusy` at once.

    The threads run at a lower priority (Linux gives each thread its own), because a hash takes 20 ms of a core
    and a request that only reads should not wait behind it.
    """

    def __init__(self, threads: int | None = None, queue: int = 100) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._threads = min(threads or cores, cores)
        self._pool = ThreadPoolExecutor(self._threads, "password-hash", initializer=_lower_priority)
        self._places = self._threads + queue
        self._taken = 0
        self._hash = PasswordHash(
            (
                Argon2Hasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES),
                *(Bcrypt(), DjangoPbkdf2(), DjangoScrypt(), Md5Crypt()),
            )
        )
        self._decoy = self._hash.hash(os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hash.hash(normalise(password)))

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether the password fits, and a new hash when the stored one has outdated parameters.

        Without a stored hash the same work is done against a decoy, so that an unknown account takes as long.
        """
        text = normalise(password)
        if stored is None:
            await self._run(lambda: self._hash.verify(text, self._decoy))
            return False, None
        return await self._run(lambda: self._hash.verify_and_update(text, stored))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        forbid_in_unit("hashing a password")
        if self._taken >= self._places:
            raise HashingBusy(retry_after=1, seconds=1)
        self._taken += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._taken -= 1


def normalise(password: str) -> str:
    """NFC, so that the same password typed on two systems is the same (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFC", password)


def _lower_priority() -> None:
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

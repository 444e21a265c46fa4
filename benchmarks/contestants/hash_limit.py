"""What the hash allows: Argon2id verifications per second in the product's own pool, no HTTP, no database.

Reads one line `{"seconds", "at_once"}`, answers one line `{"count", "seconds"}`, until its input ends.
"""

import asyncio
import json
import sys
import time

from benchmarks.database import PASSWORD
from madang.kit.hashing import PasswordHasher


async def verify_for(hasher: PasswordHasher, stored: str, seconds: float, at_once: int) -> dict[str, float]:
    count, started = 0, time.perf_counter()
    end = started + seconds

    async def one_after_another() -> None:
        nonlocal count
        while time.perf_counter() < end:
            fits, _ = await hasher.verify(PASSWORD, stored)
            assert fits
            count += 1

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return {"count": count, "seconds": time.perf_counter() - started}


def main() -> None:
    hasher = PasswordHasher()
    with asyncio.Runner() as loop:
        stored = loop.run(hasher.hash(PASSWORD))
        for line in sys.stdin:
            job = json.loads(line)
            print(json.dumps(loop.run(verify_for(hasher, stored, job["seconds"], job["at_once"]))), flush=True)
    hasher.close()


if __name__ == "__main__":
    main()

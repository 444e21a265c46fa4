"""`python -m benchmarks.people`: the list of people at a million accounts, and whether any query walks the table."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import asyncpg

from benchmarks.database import own_database, postgresql_server
from madang.accounts.schemas import People
from madang.accounts.search_service import SearchService
from madang.db.session import Database

# Names of three syllables and of two words, put together by number: nobody's.
_MAKE = """
INSERT INTO accounts (id, account_id, account_key, email, email_key, name, name_key, search_text, role, is_active,
                      auth_provider, is_account_id_generated, created_at)
SELECT gen_random_uuid(), made.id, made.id, made.id || '@example.org', made.id || '@example.org', made.name,
       lower(normalize(made.name, NFKD)),
       made.id || E'\\n' || made.id || '@example.org' || E'\\n' || lower(normalize(made.name, NFKD)),
       CASE WHEN n % 1000 = 0 THEN 'Admin' ELSE 'Member' END, n % 50 <> 0, 'local', false,
       timestamptz '2020-01-01' + n * interval '1 minute'
FROM (
    SELECT n, 'person_' || n AS id, CASE WHEN n % 2 = 0
        THEN (ARRAY['김','이','박','최','정','강','조','윤','장','임'])[(1 + n % 10)::int]
          || chr((44032 + (n * 7919) % 11172)::int) || chr((44032 + (n * 104729) % 11172)::int)
        ELSE (ARRAY['Alba','Boro','Cela','Dino','Elvo','Fara','Gilo'])[(1 + n % 7)::int] || ' '
          || substr(md5(n::text), 1, 7) END AS name
    FROM generate_series(1::bigint, $1::bigint) AS n
) AS made
"""
_CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    "first page, newest": ("-created_at", {}, 1),
    "first page by name": ("name", {}, 1),
    "first page by name, reversed": ("-name", {}, 1),
    "page 100": ("-created_at", {}, 100),
    "a rare role": ("-created_at", {"role": "Admin"}, 1),
    "the disabled": ("-created_at", {"is_active": False}, 1),
    "search, one person": ("-created_at", {"q": "person_777777"}, 1),
    "search, in every row": ("-created_at", {"q": "person"}, 1),
    "search, a Latin name": ("-created_at", {"q": "alba"}, 1),
    "search, in nobody": ("-created_at", {"q": "zzzzqq"}, 1),
    "search, two Korean syllables": ("-created_at", {"q": "김하"}, 1),
    "search, three Korean syllables": ("-created_at", {"q": "박가나"}, 1),
    "search, one Korean syllable": ("-created_at", {"q": "박"}, 1),
    "search, two letters": ("name", {"q": "al"}, 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.people", description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=40)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as name, postgresql_server(Path(name)) as server:
        asyncio.run(measure(server, Path(name), given.accounts, given.times))


async def measure(server: str, folder: Path, accounts: int, times: int) -> None:
    async with own_database(server, folder, keep=False) as url:
        await make(url, accounts)
        database = Database(url.replace("postgresql://", "postgresql+asyncpg://"))
        for name, (sort, filters, page) in _CASES.items():
            print(await one(database, name, sort, filters, page, times), flush=True)
        await database.close()


async def make(url: str, accounts: int) -> None:
    connection = await asyncpg.connect(url)
    began = time.monotonic()
    await connection.execute(_MAKE, accounts)
    await connection.execute("VACUUM (ANALYZE) accounts")
    print(f"{accounts} accounts made in {time.monotonic() - began:.0f} s")
    await connection.close()


async def one(database: Database, name: str, sort: str, filters: dict[str, Any], page: int, times: int) -> str:
    """A page and its total, as the API asks for them."""
    took, total = [], 0
    for _ in range(times):
        began = time.perf_counter()
        async with database.read_unit() as session:
            _, total, is_exact = await SearchService(session).page(People(**filters), sort, page, 50)
        took.append((time.perf_counter() - began) * 1000)
    exact = "" if is_exact else ", estimated"
    p95 = quantiles(took, n=20)[18]
    return f"{name:<32} p50 {median(took):7.1f} ms   p95 {p95:7.1f} ms   {total} found{exact}"


if __name__ == "__main__":
    main()

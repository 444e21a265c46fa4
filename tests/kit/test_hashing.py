"""Password hashes: a bounded queue beside a free event loop, equal work for the unknown, old parameters renewed."""

import asyncio
import threading
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import update

from madang.accounts.models import Account
from madang.kit.hashing import HashingBusy, PasswordHasher
from tests.factories import PASSWORD, make_user
from tests.http.conftest import caller

SOON = 20


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    made = PasswordHasher(threads=1, queue=2)
    yield made
    made.close()


class CountingPool(ThreadPoolExecutor):
    """Counts what is handed to the threads."""

    count = 0

    def submit(self, *arguments: Any, **options: Any) -> Any:
        self.count += 1
        return super().submit(*arguments, **options)


class Occupied:
    """Work that keeps a thread until it is let go."""

    def __init__(self, hasher: PasswordHasher, places: int) -> None:
        self._let_go = threading.Event()
        self.tasks = [asyncio.create_task(hasher._run(lambda: self._let_go.wait(SOON))) for _ in range(places)]

    async def end(self) -> None:
        self._let_go.set()
        assert await asyncio.wait_for(asyncio.gather(*self.tasks), SOON) == [True] * len(self.tasks)


async def test_a_full_queue_is_refused_at_once_and_comes_back(hasher: PasswordHasher) -> None:
    occupied = Occupied(hasher, 3)
    await asyncio.sleep(0)
    for refused in (hasher.hash(PASSWORD), hasher.verify(PASSWORD, None)):
        with pytest.raises(HashingBusy) as caught:
            await refused
        assert caught.value.status == 503
        assert caught.value.headers == {"Retry-After": "1"}
    await occupied.end()
    assert await hasher.hash(PASSWORD)


async def test_a_cancelled_wait_gives_its_place_back(hasher: PasswordHasher) -> None:
    occupied = Occupied(hasher, 3)
    await asyncio.sleep(0)
    occupied.tasks.pop().cancel()
    await asyncio.sleep(0)
    waiting = asyncio.create_task(hasher.hash(PASSWORD))
    await asyncio.sleep(0)
    assert not waiting.done()
    await occupied.end()
    assert await asyncio.wait_for(waiting, SOON)


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    hasher = PasswordHasher()
    hashing = asyncio.gather(*(hasher.hash(PASSWORD) for _ in range(8)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(set(await hashing)) == 8, "each has a salt of its own"
    assert turns > 100
    hasher.close()


async def test_both_unicode_spellings_of_a_password_are_one(hasher: PasswordHasher) -> None:
    composed = unicodedata.normalize("NFC", "비밀번호 café Ångström")
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    for first, second in ((composed, decomposed), (decomposed, composed)):
        assert (await hasher.verify(second, await hasher.hash(first)))[0]
    compatible = unicodedata.normalize("NFKC", "ﬁve")
    assert not (await hasher.verify(compatible, await hasher.hash("ﬁve")))[0], "other letters stay other letters"


async def test_every_character_of_a_long_password_counts(hasher: PasswordHasher) -> None:
    long = "가" * 1023 + "나"
    stored = await hasher.hash(long)
    assert (await hasher.verify(long, stored))[0]
    assert not (await hasher.verify("가" * 1024, stored))[0]


async def test_weak_parameters_are_renewed_once_the_password_fits(hasher: PasswordHasher) -> None:
    weak = Argon2Hasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    matches, better = await hasher.verify(PASSWORD, weak)
    assert matches
    assert better is not None
    assert better.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await hasher.verify(PASSWORD, better) == (True, None)
    assert await hasher.verify("another", weak) == (False, None)


async def test_an_unknown_account_costs_one_hash_of_the_same_parameters(hasher: PasswordHasher) -> None:
    stored = await hasher.hash(PASSWORD)
    assert hasher._decoy.rpartition("$")[0].rpartition("$")[0] == stored.rpartition("$")[0].rpartition("$")[0]
    hasher._pool = pool = CountingPool(1)
    assert await hasher.verify("wrong", stored) == (False, None)
    known, pool.count = pool.count, 0
    assert await hasher.verify("wrong", None) == (False, None)
    assert (known, pool.count) == (1, 1)


@pytest.mark.parametrize("account_id", ["known", "unknown", "disabled"])
async def test_signing_in_as_anyone_with_a_wrong_password_costs_one_hash(app: FastAPI, account_id: str) -> None:
    client = caller(app)
    for one in ("known", "disabled"):
        await make_user(client, one)
    running = app.state.running
    async with running.backends.database.unit() as session:
        await session.execute(disable("disabled"))
    running.hasher._pool = pool = CountingPool(1)
    answer = await client.post("/api/v1/accounts/token", data={"username": account_id, "password": "wrong password"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert pool.count == 1


def disable(account_id: str) -> Any:
    return update(Account).where(Account.account_id == account_id).values(is_active=False).execution_options(touches=())


@pytest.mark.parametrize(
    "post",
    [
        lambda client: client.post("/api/v1/accounts", json={"account_id": "x" * 40, "password": "p" * 20}),
        lambda client: client.post("/api/v1/accounts", json={"account_id": "fine", "password": "p" * 1025}),
        lambda client: client.post("/api/v1/accounts", json={"account_id": "fine", "password": "p"}),
        lambda client: client.post("/api/v1/accounts/token", data={"username": "a", "password": "p" * 1025}),
        lambda client: client.post("/api/v1/accounts/token", data={"username": "a", "password": "p", "scope": "all"}),
    ],
)
async def test_nothing_is_hashed_for_a_request_that_is_refused_anyway(
    app: FastAPI, post: Callable[[httpx2.AsyncClient], Any]
) -> None:
    app.state.running.hasher._pool = pool = CountingPool(1)
    assert (await post(caller(app))).status_code in {400, 422}
    assert pool.count == 0


async def test_a_flood_of_sign_ins_leaves_those_who_are_in_alone(app: FastAPI) -> None:
    client = caller(app)
    person = await make_user(client)
    hasher = app.state.running.hasher
    occupied = Occupied(hasher, hasher._places)
    await asyncio.sleep(0)
    refused = await client.post("/api/v1/accounts/token", data={"username": person.account_id, "password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (503, "sign-in-busy")
    assert refused.json()["error"] == "temporarily_unavailable"
    assert int(refused.headers["retry-after"]) >= 1
    me = await asyncio.wait_for(client.get("/api/v1/accounts/me", headers=person.headers), SOON)
    assert me.status_code == 200
    await occupied.end()

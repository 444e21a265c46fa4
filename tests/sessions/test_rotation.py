"""The rotation rule: one live token a family, forgiveness inside the grace window, theft ends the family."""

import asyncio
import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, SignedIn, make_user

from madang.accounts.deps import build_accounts
from madang.accounts.password_policy import PasswordPolicy
from madang.accounts.schemas import NewAccount
from madang.db.session import Database, Session
from madang.factors.service import FactorService
from madang.kit import refresh_token, tokens
from madang.kit.hashing import PasswordHasher
from madang.kit.secrets import Keyring
from madang.sessions.budget_service import BudgetService
from madang.sessions.errors import InvalidRefreshToken, RefreshTokenReused
from madang.sessions.opening_service import Lifetimes, OpeningService
from madang.sessions.rotation_service import RotationService, parse_refresh_token
from madang.sessions.sign_in_service import SignInService

LIFETIMES = Lifetimes(idle=timedelta(days=30), absolute=timedelta(days=90), grace=timedelta(seconds=20))


@dataclass
class ManualClock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Family:
    """One signed-in session and everything that turns its tokens."""

    database: Database
    clock: ManualClock
    keyring: Keyring
    first: str

    def service(self, keyring: Keyring | None = None) -> RotationService:
        return RotationService(self.database, keyring or self.keyring, LIFETIMES, self.clock)

    async def rotate(self, token: str, keyring: Keyring | None = None) -> str:
        return (await self.service(keyring).rotate(parse_refresh_token(token)))[1]


@pytest.fixture
async def family(database: Database) -> Family:
    clock, keyring, hasher = ManualClock(), Keyring(["a" * 32]), PasswordHasher()
    budgets = BudgetService(None, None, "", clock)

    def factors(session: Session) -> FactorService:
        return FactorService(session, keyring, clock)

    opening = OpeningService(factors, keyring, LIFETIMES, clock)
    service = SignInService(database, build_accounts, opening, hasher, clock, PasswordPolicy(8), budgets)
    await service.sign_up(NewAccount(account_id="family", password=PASSWORD))
    _, token = await service.sign_in("family", PASSWORD, None)
    hasher.close()
    return Family(database, clock, keyring, token)


async def refresh(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    client.cookies.clear()
    return await client.post("/api/v1/accounts/refresh", json={"refresh_token": token})


async def test_each_refresh_gives_a_new_token(family: Family) -> None:
    second = await family.rotate(family.first)
    third = await family.rotate(second)
    assert len({family.first, second, third}) == 3


async def test_the_predecessor_inside_the_window_gets_the_same_successor(family: Family) -> None:
    second = await family.rotate(family.first)
    family.clock.advance(seconds=19)
    assert await family.rotate(family.first) == second


async def test_the_predecessor_after_the_window_ends_the_family(family: Family) -> None:
    second = await family.rotate(family.first)
    family.clock.advance(seconds=21)
    with pytest.raises(RefreshTokenReused):
        await family.rotate(family.first)
    with pytest.raises(InvalidRefreshToken):
        await family.rotate(second)


async def test_the_grandparent_inside_the_window_is_theft(family: Family) -> None:
    second = await family.rotate(family.first)
    third = await family.rotate(second)
    with pytest.raises(RefreshTokenReused):
        await family.rotate(family.first)
    with pytest.raises(InvalidRefreshToken):
        await family.rotate(third)


async def test_theft_is_told_in_the_outbox(family: Family) -> None:
    await family.rotate(await family.rotate(family.first))
    with pytest.raises(RefreshTokenReused):
        await family.rotate(family.first)
    async with family.database.read_unit() as session:
        names = (await session.execute(text("SELECT name FROM outbox_events ORDER BY id"))).scalars().all()
    assert names[-2:] == ["sessions.refresh_token_reuse_detected.v1", "sessions.session_ended.v1"]


async def test_a_forged_token_neither_works_nor_ends_the_family(family: Family) -> None:
    genuine = refresh_token.parse(family.first)
    forged = refresh_token.RefreshToken(genuine.key_id, genuine.session_id, genuine.counter, bytes(32)).encode()
    with pytest.raises(InvalidRefreshToken):
        await family.rotate(forged)
    assert await family.rotate(family.first)


async def test_a_token_of_the_future_is_refused(family: Family) -> None:
    genuine = refresh_token.parse(family.first)
    future = refresh_token.RefreshToken(genuine.key_id, genuine.session_id, 7, genuine.mac).encode()
    with pytest.raises(InvalidRefreshToken):
        await family.rotate(future)


async def test_idle_and_absolute_ends_hold(family: Family) -> None:
    token = family.first
    for _ in range(4):
        family.clock.advance(days=20)
        token = await family.rotate(token)
    family.clock.advance(days=11)
    with pytest.raises(InvalidRefreshToken):
        await family.rotate(token)


async def test_unused_for_too_long_is_over(family: Family) -> None:
    family.clock.advance(days=31)
    with pytest.raises(InvalidRefreshToken):
        await family.rotate(family.first)


async def test_the_grace_answer_stays_the_same_while_secrets_rotate(family: Family) -> None:
    rotated = Keyring(["b" * 32, "a" * 32])
    second = await family.rotate(family.first)
    assert await family.rotate(family.first, rotated) == second
    third = await family.rotate(second, rotated)
    assert refresh_token.parse(third).key_id == rotated.current_id != family.keyring.current_id


async def test_a_retired_secret_ends_what_it_signed(family: Family) -> None:
    with pytest.raises(InvalidRefreshToken):
        await family.rotate(family.first, Keyring(["b" * 32]))


async def test_twenty_parallel_refreshes_give_one_successor_and_nobody_is_signed_out(
    client: httpx2.AsyncClient, database: Database
) -> None:
    person = await make_user(client)
    answers = await asyncio.gather(*(refresh(client, person.refresh_token) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert (await client.get("/api/v1/accounts/me", headers=person.headers)).status_code == 200
    async with database.read_unit() as session:
        rows = (await session.execute(text("SELECT counter, ended_at FROM sessions"))).all()
    assert [tuple(row) for row in rows] == [(1, None)]
    assert (await refresh(client, successors.pop())).status_code == 200


async def test_reuse_signs_the_family_out_on_the_next_request(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    newest = person.refresh_token
    for _ in range(2):
        newest = (await refresh(client, newest)).json()["refresh_token"]
    stolen = await refresh(client, person.refresh_token)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert (await client.get("/api/v1/accounts/me", headers=person.headers)).status_code == 401
    assert (await refresh(client, newest)).status_code == 400


async def test_refresh_racing_logout_leaves_nothing_alive(client: httpx2.AsyncClient) -> None:
    for _ in range(5):
        person = await make_user(client)
        raced = await asyncio.gather(
            refresh(client, person.refresh_token), client.delete("/api/v1/accounts/logout", headers=person.headers)
        )
        assert raced[1].json() == {"sessions_ended": 1}
        latest = raced[0].json().get("refresh_token", person.refresh_token)
        assert (await refresh(client, latest)).status_code == 400
        assert (await client.get("/api/v1/accounts/me", headers=person.headers)).status_code == 401


async def test_no_refresh_token_is_invalid_request_and_clears_nothing(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/v1/accounts/refresh")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "set-cookie" not in answer.headers


async def test_the_database_holds_nothing_that_refreshes(client: httpx2.AsyncClient, database: Database) -> None:
    person: SignedIn = await make_user(client)
    mac = refresh_token.parse(person.refresh_token).mac
    async with database.read_unit() as session:
        row = (await session.execute(text("SELECT * FROM sessions"))).one()
        key = (await session.execute(text("SELECT sealed FROM signing_keys"))).scalar_one()
    stored = b"".join(value for value in row if isinstance(value, bytes))
    assert mac not in stored
    assert b'"d"' not in base64.urlsafe_b64decode(key)


@pytest.mark.parametrize("token", ["", "mdr_", "mdr_AAAA", "x" * 5000, "mdr_" + "A" * 87, "\N{TIGER}"])
def test_garbage_is_recognised_without_a_database(token: str) -> None:
    with pytest.raises(tokens.MalformedToken):
        refresh_token.parse(token)

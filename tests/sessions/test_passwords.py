"""Passwords: the policy, proving one's own again, changing it."""

import asyncio
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from tests.factories import PASSWORD, make_user, sign_in
from tests.servers import visiting
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from madang.accounts.deps import build_accounts
from madang.accounts.errors import PasswordTooCommon
from madang.accounts.password_policy import PasswordPolicy
from madang.accounts.schemas import NewAccount
from madang.backends.breaches.base import split_hash
from madang.db.session import Database, Session
from madang.factors.service import FactorService
from madang.kit.clock import utc_now
from madang.kit.common_passwords import is_common
from madang.kit.hashing import PasswordHasher
from madang.kit.secrets import Keyring
from madang.sessions.budget_service import BudgetService
from madang.sessions.errors import WrongCredentials
from madang.sessions.opening_service import Lifetimes, OpeningService
from madang.sessions.sign_in_service import SignInService
from madang.settings import Settings

ACCOUNTS = "/api/v1/accounts"
TOKEN = f"{ACCOUNTS}/token"
NEW = "a quite different sentence"


async def sign_up(client: httpx2.AsyncClient, password: str, **more: Any) -> httpx2.Response:
    return await client.post(ACCOUNTS, json={"account_id": "jisoo_kim", "password": password, **more})


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password-too-short"),
        ("password123", "password-too-common"),
        ("PASSWORD123", "password-too-common"),
        ("my jisoo_kim secret", "password-has-name"),
        ("JISOO_KIM", "password-has-name"),
        ("k.jisoo by the river", "password-has-name"),
        ("그녀의 이름은 김지수다", "password-has-name"),
        ("i love madang so much", "password-has-name"),
    ],
)
async def test_a_weak_password_is_refused_with_its_reason(client: httpx2.AsyncClient, password: str, code: str) -> None:
    answer = await sign_up(client, password, email="k.jisoo@example.com", name="김지수")
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [("/password", code)]


async def test_lower_case_letters_alone_are_enough(client: httpx2.AsyncClient) -> None:
    assert (await sign_up(client, "qzvkwmxpth")).status_code == 201


async def test_each_of_the_3000_most_common_passwords_is_refused() -> None:
    policy, legal = PasswordPolicy(8), [one for one in FREQUENCY_LISTS["passwords"][:3000] if len(one) >= 8]
    assert len(legal) > 500
    for password in legal:
        with pytest.raises(PasswordTooCommon):
            await policy.check(password, ())
    assert not is_common("securepass123")


async def test_both_unicode_forms_of_a_password_sign_in(client: httpx2.AsyncClient) -> None:
    password = "카페의 비밀번호 é"
    assert (await sign_up(client, unicodedata.normalize("NFD", password))).status_code == 201
    for form in ("NFC", "NFD"):
        data = {"username": "jisoo_kim", "password": unicodedata.normalize(form, password)}
        assert (await client.post(TOKEN, data=data)).status_code == 200, form


async def test_a_mixture_is_asked_for_only_where_it_is_set(settings: Settings) -> None:
    async with visiting(settings, password_composition=True) as client:
        refused = await sign_up(client, "only lower case letters")
        assert refused.json()["errors"][0]["code"] == "password-needs-mixture"
        assert (await sign_up(client, "Upper lower and 1 digit")).status_code == 201


def corpus(folder: Path, password: str) -> Path:
    prefix, suffix = split_hash(password)
    folder.mkdir(exist_ok=True)
    (folder / f"{prefix}.txt").write_text(f"{'0' * 35}:3\n{suffix}:42\n{'F' * 35}:1\n")
    return folder


async def test_a_breached_password_is_refused_at_sign_up_and_change(settings: Settings, tmp_path: Path) -> None:
    breached = "leaked in some long breach"
    place = str(corpus(tmp_path / "corpus", breached))
    async with visiting(settings, password_breaches=place) as client:
        assert (await sign_up(client, breached)).json()["errors"][0]["code"] == "password-breached"
        person = await make_user(client)
        body = {"old_password": PASSWORD, "new_password": breached}
        changed = await client.put(f"{ACCOUNTS}/password", json=body, headers=person.headers)
        assert changed.json()["errors"][0] == {
            "pointer": "/new_password",
            "code": "password-breached",
            "detail": changed.json()["detail"],
        }
        await sign_in(client, person.account_id)


async def test_a_breach_service_sees_five_digits_and_may_be_down_or_hang(settings: Settings) -> None:
    breached, asked, hang = "leaked in some long breach", list[str](), asyncio.Event()
    prefix, suffix = split_hash(breached)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode().split()[1])
        if not asked[-1].endswith(prefix):
            await hang.wait()
        body = f"{suffix}:7\r\n{'A' * 35}:0"
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    service = await asyncio.start_server(answer, "127.0.0.1", 0)
    place = f"http://127.0.0.1:{service.sockets[0].getsockname()[1]}/range"
    async with visiting(settings, password_breaches=place) as client:
        assert (await sign_up(client, breached)).json()["errors"][0]["code"] == "password-breached"
        assert asked == [f"/range/{prefix}"]
        assert (await sign_up(client, "this one makes it hang")).status_code == 201, "the service hung"
        hang.set()
        service.close()
        body = {"account_id": "another", "password": "this one finds nobody"}
        assert (await client.post(ACCOUNTS, json=body)).status_code == 201, "the service was down"


async def test_proving_the_password_makes_the_session_fresh(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    right = await client.post(f"{ACCOUNTS}/verify_password", json={"password": PASSWORD}, headers=person.headers)
    wrong = await client.post(f"{ACCOUNTS}/verify_password", json={"password": "wrong"}, headers=person.headers)
    assert (right.status_code, right.json()) == (200, {"verified": True})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "incorrect-password")


async def test_a_changed_password_ends_all_other_sessions(client: httpx2.AsyncClient, database: Database) -> None:
    laptop = await make_user(client, "two_laptops")
    phone = await sign_in(client, "two_laptops")
    body = {"old_password": PASSWORD, "new_password": NEW}
    assert (await client.put(f"{ACCOUNTS}/password", json=body, headers=phone.headers)).status_code == 204
    assert (await client.get(f"{ACCOUNTS}/me", headers=laptop.headers)).status_code == 401
    assert (await client.get(f"{ACCOUNTS}/me", headers=phone.headers)).status_code == 200
    for person, status in ((laptop, 400), (phone, 200)):
        answer = await client.post(f"{ACCOUNTS}/refresh", json={"refresh_token": person.refresh_token})
        assert answer.status_code == status
    signed_in = [await client.post(TOKEN, data={"username": "two_laptops", "password": one}) for one in (PASSWORD, NEW)]
    assert [answer.status_code for answer in signed_in] == [400, 200]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"old_password": "wrong", "new_password": NEW}, 400, "incorrect-password"),
        ({"new_password": NEW}, 422, "invalid-fields"),
        ({"old_password": PASSWORD, "new_password": PASSWORD}, 422, "password-unchanged"),
        ({"old_password": PASSWORD, "new_password": "short"}, 422, "password-too-short"),
        ({"old_password": PASSWORD, "new_password": "x" * 1025}, 422, "invalid-fields"),
    ],
)
async def test_a_refused_change_changes_nothing(
    client: httpx2.AsyncClient, body: dict[str, str], status: int, code: str
) -> None:
    person = await make_user(client)
    answer = await client.put(f"{ACCOUNTS}/password", json=body, headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    await sign_in(client, person.account_id)


async def test_of_parallel_changes_one_wins(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    bodies = [{"old_password": PASSWORD, "new_password": f"a new sentence number {number}"} for number in range(5)]
    answers = await asyncio.gather(
        *(client.put(f"{ACCOUNTS}/password", json=body, headers=person.headers) for body in bodies)
    )
    assert sorted(answer.status_code for answer in answers) == [204, 400, 400, 400, 400]
    won = next(body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 204)
    data = {"username": person.account_id, "password": won["new_password"]}
    assert (await client.post(TOKEN, data=data)).status_code == 200


async def test_a_password_of_ten_megabytes_is_refused_unread(client: httpx2.AsyncClient) -> None:
    answer = await client.post(TOKEN, data={"username": "someone", "password": "x" * 10_000_000})
    assert answer.status_code == 413


async def test_sign_ins_racing_a_change_leave_no_session_of_the_old_password(client: httpx2.AsyncClient) -> None:
    person = await make_user(client)
    form = {"username": person.account_id, "password": PASSWORD}
    body = {"old_password": PASSWORD, "new_password": NEW}
    changed, *raced = await asyncio.gather(
        client.put(f"{ACCOUNTS}/password", json=body, headers=person.headers),
        *(client.post(TOKEN, data=form) for _ in range(8)),
    )
    client.cookies.clear()
    assert changed.status_code == 204
    for answer in raced:
        if answer.status_code == 200:
            headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            assert (await client.get(f"{ACCOUNTS}/me", headers=headers)).status_code == 401


class Overtaken(PasswordHasher):
    """Finds the password right, and then somebody changes it before the session is opened."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        found = await super().verify(password, stored)
        async with self._database.unit() as session:
            await session.execute(text("UPDATE accounts SET password_hash = 'changed'"))
        return found


async def test_a_password_changed_while_it_is_checked_signs_nobody_in(database: Database) -> None:
    hasher, keyring, lifetimes = Overtaken(database), Keyring(["a" * 32]), Lifetimes(*[timedelta(days=1)] * 3)
    budgets = BudgetService(None, None, "", utc_now)

    def factors(session: Session) -> FactorService:
        return FactorService(session, keyring, utc_now)

    opening = OpeningService(factors, keyring, lifetimes, utc_now)
    service = SignInService(database, build_accounts, opening, hasher, utc_now, PasswordPolicy(8), budgets)
    await service.sign_up(NewAccount(account_id="overtaken", password=PASSWORD))
    with pytest.raises(WrongCredentials):
        await service.sign_in("overtaken", PASSWORD, None)
    hasher.close()
    async with database.read_unit() as session:
        assert await session.scalar(text("SELECT count(*) FROM sessions")) == 0

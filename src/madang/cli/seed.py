"""`madang seed`: sample people and what they did, for development only."""

import asyncio
import secrets
from datetime import timedelta
from typing import Annotated, NamedTuple, NoReturn

import typer

from madang.accounts.deps import build_accounts
from madang.accounts.models import ADMIN, MEMBER, Account
from madang.accounts.role_service import RoleService
from madang.accounts.schemas import NewAccount, NewRole
from madang.backends import Backends, open_backends
from madang.backends.llm.demo import DemoModel
from madang.backends.llm.upstreams import Upstream, Upstreams
from madang.chat.ask_service import AskService
from madang.chat.quota_service import QuotaService
from madang.chat.runner import AnswerRunner
from madang.chat.schemas import ConversationPatch, NewConversation, NewMessage, NewQuota
from madang.chat.service import ChatService
from madang.cli.installation import bring_schema_up, read_settings
from madang.db.session import Session
from madang.kit.clock import utc_now
from madang.kit.hashing import PasswordHasher
from madang.kit.scopes import EVERYTHING, reach
from madang.settings import Settings

SUPPORT = "Sample support"
_QUESTIONS = (
    ("What can you do?", "And in Korean?"),
    ("이 서버로 무엇을 할 수 있나요?", "자막은 어떻게 만드나요?"),
    ("Write a haiku about a courtyard.", "Another one, please."),
)
_MOST_WHO_CHAT = 10


class Secret(NamedTuple):
    """One for all of them."""

    password: str
    password_hash: str


def seed(
    people: Annotated[int, typer.Option(min=1, max=1000, help="How many members, beside an administrator.")] = 25,
) -> None:
    """Add sample people, a role, conversations and a quota to look at; never in production."""
    settings = read_settings()
    if settings.env == "production":
        _refuse("MADANG_ENV is production: sample people would be real doors there.")
    password = secrets.token_urlsafe(9)
    asyncio.run(_seed(settings, people, password))
    typer.echo(
        f"Added sample_admin ({ADMIN}), sample_helper ({SUPPORT}) and sample_1 to sample_{people} ({MEMBER}).\n"
        f"Each one's password, shown this once: {password}"
    )


async def _seed(settings: Settings, people: int, password: str) -> None:
    await bring_schema_up(settings)
    hasher = PasswordHasher()
    secret = Secret(password, await hasher.hash(password))
    hasher.close()
    async with open_backends(settings) as backends:
        async with backends.database.unit() as session:
            if await build_accounts(session).exists("sample_admin"):
                _refuse("The sample people are here already. Others fit into another MADANG_DATA_DIR or database.")
            members = await _people(session, people, secret)
            quota = NewQuota(period="day", tokens=200_000, requests=500)
            await QuotaService(session, utc_now).put(quota, role=MEMBER)
        for number, member in enumerate(members[:_MOST_WHO_CHAT]):
            await _talk(backends, member, number)


async def _people(session: Session, count: int, secret: Secret) -> list[Account]:
    role = NewRole(name=SUPPORT, description="Sees and helps people", permissions=["admin:users"])
    await RoleService(session, utc_now).add(role, reach(EVERYTHING))
    await _add(session, "admin", secret, ADMIN, 400)
    await _add(session, "helper", secret, SUPPORT, 300)
    return [await _add(session, str(number), secret, MEMBER, number % 365) for number in range(1, count + 1)]


async def _add(session: Session, suffix: str, secret: Secret, role: str, days: int) -> Account:
    """Somebody who came so many days ago; every other one reads Korean."""
    is_korean = days % 2 == 0
    new = NewAccount(
        account_id=f"sample_{suffix}",
        password=secret.password,
        email=f"sample_{suffix}@example.com",
        name=f"예시 {suffix}" if is_korean else f"Sample {suffix}",
        language="ko" if is_korean else "en",
    )
    accounts = build_accounts(session, lambda: utc_now() - timedelta(days=days))
    return await accounts.register(new, secret.password_hash, role=role, is_email_proven=True)


async def _talk(backends: Backends, account: Account, number: int) -> None:
    """A conversation with the demo model, written as any other; some are pinned or archived."""
    demo = Upstreams([Upstream("demo", "demo://", DemoModel(pause=0))])
    runner = AnswerRunner(backends.database, backends.cache, demo)
    async with backends.database.unit() as session:
        conversation = await ChatService(session, runner.stop, utc_now).begin(account.id, NewConversation())
    async with runner.open():
        asking = AskService(backends.database, demo, runner.start, utc_now)
        for question in _QUESTIONS[number % len(_QUESTIONS)]:
            await asking.ask(account, conversation.id, NewMessage(content=question), None)
            await runner.until_idle()
    async with backends.database.unit() as session:
        patch = ConversationPatch(pinned=number % 3 == 0, archived=number % 4 == 1)
        await ChatService(session, runner.stop, utc_now).change(account.id, conversation.id, patch)


def _refuse(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)

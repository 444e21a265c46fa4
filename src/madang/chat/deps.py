"""Builds the services of chat, and opens what writes its answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from madang.backends import Backends
from madang.chat.ask_service import LEASE, AskService
from madang.chat.completion_service import CompletionService, bills_settled
from madang.chat.preset_service import PresetService
from madang.chat.quota_service import QuotaService
from madang.chat.reaper_runner import reap_interrupted
from madang.chat.runner import AnswerRunner
from madang.chat.service import ChatService
from madang.chat.share_service import ShareService
from madang.chat.stream_runner import RunReader
from madang.chat.transfer_service import TransferService
from madang.http.problems import language_of
from madang.http.state import App
from madang.http.unit import ReadUnit, Unit
from madang.kit.clock import Clock


@asynccontextmanager
async def answering(app: FastAPI, backends: Backends, clock: Clock, *, is_alone: bool) -> AsyncIterator[None]:
    """Answer for as long as the context holds. Where no other server can be, whatever still runs has lost its own."""
    if is_alone:
        await reap_interrupted(backends, clock() + 2 * LEASE)
    async with AnswerRunner(backends.database, backends.cache, backends.llm, clock).open() as runner:
        app.state.answers = runner
        yield
        await bills_settled()


def _runner(request: Request) -> AnswerRunner:
    runner: AnswerRunner = request.app.state.answers
    return runner


Answers = Annotated[AnswerRunner, Depends(_runner)]


async def _writing(app: App, session: Unit, answers: Answers) -> ChatService:
    return ChatService(session, answers.stop, app.clock)


async def _reading(app: App, session: ReadUnit, answers: Answers) -> ChatService:
    return ChatService(session, answers.stop, app.clock)


async def _asking(app: App, answers: Answers) -> AskService:
    return AskService(app.backends.database, app.backends.llm, answers.start, app.clock)


async def _shares(app: App, session: Unit) -> ShareService:
    return ShareService(session, app.clock)


async def _shares_reading(app: App, session: ReadUnit) -> ShareService:
    return ShareService(session, app.clock)


async def _presets(app: App, session: Unit) -> PresetService:
    return PresetService(session, app.clock)


async def _presets_reading(app: App, session: ReadUnit) -> PresetService:
    return PresetService(session, app.clock)


async def _transfers(app: App) -> TransferService:
    return TransferService(app.backends.database)


async def _completions(app: App) -> CompletionService:
    return CompletionService(app.backends.database, app.backends.llm, app.clock)


async def _quotas(app: App, session: Unit) -> QuotaService:
    return QuotaService(session, app.clock)


async def _quotas_reading(app: App, session: ReadUnit) -> QuotaService:
    return QuotaService(session, app.clock)


async def _run_reader(app: App) -> RunReader:
    return RunReader(app.backends.database, app.backends.cache)


async def _language(request: Request) -> str:
    return language_of(request)


Chat = Annotated[ChatService, Depends(_writing)]
ChatReading = Annotated[ChatService, Depends(_reading)]
Asking = Annotated[AskService, Depends(_asking)]
Shares = Annotated[ShareService, Depends(_shares)]
SharesReading = Annotated[ShareService, Depends(_shares_reading)]
Presets = Annotated[PresetService, Depends(_presets)]
PresetsReading = Annotated[PresetService, Depends(_presets_reading)]
Transfers = Annotated[TransferService, Depends(_transfers)]
Completions = Annotated[CompletionService, Depends(_completions)]
Quotas = Annotated[QuotaService, Depends(_quotas)]
QuotasReading = Annotated[QuotaService, Depends(_quotas_reading)]
Runs = Annotated[RunReader, Depends(_run_reader)]
Language = Annotated[str, Depends(_language)]

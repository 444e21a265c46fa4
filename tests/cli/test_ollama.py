"""A running Ollama is found by itself, and left alone where another model is set."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from madang.backends.llm.ollama import base_url_of
from tests.factories import SECRET, make_user
from tests.servers import ServerProcess
from tests.upstreams import MODES, fake_upstream


@pytest.mark.parametrize("chosen", ["", "demo://"])
async def test_it_answers_the_chat_where_no_other_model_is_set(tmp_path: Path, database_url: str, chosen: str) -> None:
    async with fake_upstream() as ollama:
        environment = {
            "MADANG_DATABASE_URL": database_url,
            "MADANG_SECRET_KEY": SECRET,
            "MADANG_OLLAMA_URL": ollama.url.removesuffix("/v1"),
            **({"MADANG_LLM_URL": chosen} if chosen else {}),
        }
        server = ServerProcess(tmp_path, environment)
        await asyncio.to_thread(server.start)
        try:
            async with httpx2.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
                person = await make_user(client)
                listed = (await client.get("/api/v1/chat/models", headers=person.headers)).json()["items"]
        finally:
            await asyncio.to_thread(server.stop)
    assert [one["id"] for one in listed] == (["demo"] if chosen else list(MODES))
    assert ("Ollama answers" in server.log.read_text()) == (not chosen)


def test_what_is_no_ollama_is_none() -> None:
    assert [base_url_of(url) for url in ("http://127.0.0.1:1", "nonsense", "http://", "")] == [None] * 4

"""Against llama.cpp's own server; `MADANG_TEST_LLAMA_PYTHON` is an interpreter with `llama-cpp-python[server]`."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from madang.settings import Limits, Settings
from tests.chat.talking import CHAT, ask, begin, ended, follow, messages, text_of
from tests.factories import SignedIn
from tests.servers import free_port

_PYTHON = os.environ.get("MADANG_TEST_LLAMA_PYTHON")
_SCRIPT = Path(__file__).parents[1] / "peers" / "tiny_llama.py"

pytestmark = pytest.mark.skipif(
    not _PYTHON, reason="set MADANG_TEST_LLAMA_PYTHON to a Python with llama-cpp-python[server] and gguf"
)


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1"
    process = subprocess.Popen(
        [str(_PYTHON), str(_SCRIPT), "--port", str(port)],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(process, url)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the model server did not start"
        try:
            if httpx2.get(f"{url}/models", trust_env=False).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise AssertionError("the model server did not become ready")


@pytest.fixture
def settings(tmp_path: Path, database_url: str, llama: str) -> Settings:
    return Settings(
        data_dir=tmp_path / "var",
        database_url=database_url,
        secret_key="0123456789abcdef" * 4,
        llm_url=llama,
        limits=Limits(everything="100000/minute", chat="100000/minute"),
    )


async def test_llama_cpp_answers_through_madang(client: httpx2.AsyncClient, person: SignedIn) -> None:
    models = (await client.get(f"{CHAT}/models", headers=person.headers)).json()["items"]
    assert models == [{"id": "tiny", "is_default": True}]
    conversation = await begin(client, person)
    run_id = (await ask(client, person, conversation))["run"]["id"]
    received = await follow(client, person, run_id)
    assert received[-1].data["state"] == "succeeded"
    answer = (await messages(client, person, conversation))[1]
    assert answer["content"] == text_of(received) != ""


async def test_llama_cpp_is_stopped_by_cancel(client: httpx2.AsyncClient, person: SignedIn) -> None:
    conversation = await begin(client, person)
    run_id = (await ask(client, person, conversation))["run"]["id"]
    await client.post(f"{CHAT}/runs/{run_id}/cancel", headers=person.headers)
    assert (await ended(client, person, run_id))["state"] == "cancelled"
    again = await ask(client, person, conversation)
    assert (await ended(client, person, again["run"]["id"]))["state"] == "succeeded"

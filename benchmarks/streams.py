"""`python -m benchmarks.streams`: what `/v1/chat/completions` costs between a model and a program.

The product and a plain FastAPI + httpx2 relay take turns on one core; the model and the load share the other. The model
either streams as fast as it is read, or 50 tokens a second, each chunk with the time at which it left.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

import httpx2

from benchmarks.processes import LOAD_CORE, SERVER_CORE, Process, cpu_seconds, running

_PASSWORD = "correct horse battery staple"  # noqa: S105 - of an account that lives for a minute
_LIMITS = {f"MADANG_LIMITS__{name}": "1000000/minute" for name in ("EVERYTHING", "CHAT")}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=16, help="at once")
    parser.add_argument("--seconds", type=float, default=5.0, help="of one turn")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as name, ExitStack() as stack:
        folder = Path(name)

        def start(core: int, *command: str, **environment: str) -> Process:
            return stack.enter_context(running(Process(list(command), core, folder, environment)))

        model = start(LOAD_CORE, "benchmarks.contestants.upstream", "--port", "{port}")
        url = f"http://127.0.0.1:{model.port}/v1"
        relay = "benchmarks.contestants.plain_relay", "--port", "{port}", "--upstream", url
        contestants = {
            "plain relay": start(SERVER_CORE, *relay),
            "product": start(SERVER_CORE, "madang", "serve", "--port", "{port}", MADANG_LLM_URL=url, **_LIMITS),
        }
        asyncio.run(measure(contestants, given))


async def measure(contestants: dict[str, Process], given: argparse.Namespace) -> None:
    keys = {"plain relay": "", "product": await key_of(contestants["product"].port)}
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    delays: dict[str, list[float]] = {name: [] for name in contestants}
    spent: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(given.rounds):
        for name, process in contestants.items():
            before, started = cpu_seconds(process.pid), time.monotonic()
            tokens = sum(await asyncio.gather(*(fast(process.port, keys[name], given) for _ in range(given.streams))))
            rates[name].append(tokens / (time.monotonic() - started))
            spent[name].append((cpu_seconds(process.pid) - before) / tokens * 1e6)
        for name, process in contestants.items():
            turns = await asyncio.gather(*(paced(process.port, keys[name]) for _ in range(given.streams)))
            delays[name] += [turn[0] * 1000 for turn in turns]
    for name in contestants:
        p95 = quantiles(delays[name], n=20)[18]
        print(
            f"{name:12} {median(rates[name]):8.0f} tokens/s, {median(spent[name]):5.1f} µs of CPU a token; "
            f"first token after the model's: p50 {median(delays[name]):.1f} ms, p95 {p95:.1f} ms"
        )
    print(f"product / plain relay: {median(rates['product']) / median(rates['plain relay']):.2f} of its tokens/s")


async def fast(port: int, key: str, given: argparse.Namespace) -> int:
    """Tokens of as many answers as fit into a turn."""
    tokens, until = 0, time.monotonic() + given.seconds
    while time.monotonic() < until:
        async for data in read(port, key, "fast"):
            tokens += data.count(b'"content"')
    return tokens


async def paced(port: int, key: str) -> list[float]:
    """Seconds that each token took from the model to here."""
    seconds = []
    async for data in read(port, key, "paced"):
        now = time.monotonic()
        lines = [line[6:] for line in data.splitlines() if line.startswith(b'data: {"id"')]
        seconds += [now - json.loads(line)["sent_at"] for line in lines if line.endswith(b"}")]
    return seconds


async def read(port: int, key: str, model: str) -> AsyncIterator[bytes]:
    """What arrives, as it arrives: a client library would cost more than what is measured."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "go"}]})
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    try:
        while data := await reader.read(1 << 16):
            yield data
            if data.endswith((b"[DONE]\n\n\r\n", b"0\r\n\r\n")):
                break
    finally:
        writer.close()


async def key_of(port: int) -> str:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        await client.post("/api/v1/accounts", json={"account_id": "bench", "password": _PASSWORD})
        form = {"username": "bench", "password": _PASSWORD, "scope": "profile chat keys"}
        token = (await client.post("/api/v1/accounts/token", data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        client.cookies.clear()
        made = await client.post("/api/v1/api-keys", json={"name": "bench", "scopes": ["chat"]}, headers=headers)
        return str(made.json()["key"])


if __name__ == "__main__":
    main()

"""OpenAI's calls passed on as they are: nothing is taken apart but what is counted."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic_core import from_json

from madang.backends.llm.base import (
    MAX_ANSWER,
    AnswerTooLong,
    Body,
    Chunk,
    Reply,
    UpstreamBroken,
    UpstreamFailed,
    Usage,
)
from madang.backends.llm.capped_client import TooManyBytes
from madang.backends.llm.failures import BROKEN, failure, refusal
from madang.backends.llm.retries import Transient, with_retries
from madang.kit.problems import Problem
from madang.kit.unit_guard import forbid_in_unit

_WHOLE_SECONDS = 600.0
_DONE = b"[DONE]"
_PLAIN = {"role", "content"}
_FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until the connection, the first token, and each further one; set in the URL's query."""

    connect: float = 5.0
    first_token: float = 60.0
    idle: float = 30.0


class Relay:
    def __init__(self, base_url: str, api_key: str, client: httpx2.AsyncClient, patience: Patience) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = client
        self._patience = patience

    async def stream(self, body: Body, tries: int) -> AsyncGenerator[Chunk, None]:
        forbid_in_unit("asking the model")
        asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
        reading, chunk = await with_retries(lambda: self._begin(asked), tries)
        try:
            letters = 0
            while chunk is not None:
                letters += chunk.letters
                if letters > MAX_ANSWER:
                    raise AnswerTooLong
                yield chunk
                chunk = await reading.next()
        finally:
            await reading.close()

    async def ask(self, path: str, body: Body, tries: int) -> Reply:
        forbid_in_unit("asking the model")
        return await with_retries(lambda: self._ask(path, body), tries)

    async def _ask(self, path: str, body: Body) -> Reply:
        try:
            async with asyncio.timeout(_WHOLE_SECONDS):
                response = await self._client.send(self._request(path, body, _WHOLE_SECONDS))
                _check(response)
                answer = from_json(response.content)
                letters = sum(_letters(choice.get("message")) for choice in answer.get("choices", ()))
                return Reply(response.content, letters, _usage(answer.get("usage")))
        except (*BROKEN, TimeoutError, TooManyBytes) as error:
            raise failure(error, has_begun=False) from None

    async def _begin(self, body: Body) -> tuple["_Reading", Chunk | None]:
        """Ask, and wait for the first chunk; nobody has seen anything until then, so asking again is safe."""
        response = None
        try:
            async with asyncio.timeout(self._patience.first_token):
                request = self._request("chat/completions", body, self._patience.first_token)
                response = await self._client.send(request, stream=True)
                _check(response)
                reading = _Reading(response, self._patience.idle)
                return reading, await reading.first()
        except (*BROKEN, TimeoutError, TooManyBytes) as error:
            await _close(response)
            raise failure(error, has_begun=False) from None
        except BaseException:
            await _close(response)
            raise

    def _request(self, path: str, body: Body, seconds: float) -> httpx2.Request:
        timeout = httpx2.Timeout(seconds, connect=self._patience.connect)
        return self._client.build_request(
            "POST", f"{self._base_url}/{path}", json=body, headers=self._headers, timeout=timeout
        )


class _Reading:
    """One answer being read, block by block as the network brings it; tells an end from a break."""

    def __init__(self, response: httpx2.Response, idle: float) -> None:
        self._response = response
        self._blocks: AsyncIterator[bytes] = response.aiter_bytes()
        self._idle = idle
        self._rest = b""
        self._has_begun = self._is_finished = self._is_done = False
        self._failed: Problem | None = None

    async def first(self) -> Chunk:
        chunk = await self._next()
        if chunk is None:
            raise UpstreamBroken
        return chunk

    async def next(self) -> Chunk | None:
        """What comes next, or None at the end; a failure is raised once all before it has been taken."""
        try:
            async with asyncio.timeout(self._idle):
                return await self._next()
        except (*BROKEN, TimeoutError, TooManyBytes) as error:
            found = failure(error, has_begun=True)
            raise found.problem if isinstance(found, Transient) else found from None

    async def _next(self) -> Chunk | None:
        while not self._is_done:
            if self._failed is not None:
                raise self._failed
            block = await anext(self._blocks, None)
            if block is None:
                self._close_up()
                continue
            lines = (self._rest + block).split(b"\n")
            self._rest = lines.pop()
            chunk = self._read(lines)
            if chunk.frames or chunk.usage_frame:
                self._has_begun = True
                return chunk
        return None

    def _close_up(self) -> None:
        """The connection has ended: after the answer's last word, or before it."""
        if self._is_finished:
            self._is_done = True
        else:
            self._failed = UpstreamBroken()

    def _read(self, lines: list[bytes]) -> Chunk:
        frames, usage_frame, letters, usage = [], b"", 0, None
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == _DONE:
                self._is_done = True
                break
            try:
                more, told, is_usage = self._count(from_json(data))
            except BROKEN:
                self._failed = UpstreamBroken()
                break
            except Problem as problem:
                self._failed = problem
                break
            letters, usage = letters + more, told or usage
            if is_usage:
                usage_frame = b"data: " + data + b"\n\n"
            else:
                frames.append(b"data: " + data + b"\n\n")
        return Chunk(b"".join(frames), letters, usage, usage_frame)

    def _count(self, told: Any) -> tuple[int, Usage | None, bool]:
        """Letters, usage, and whether it is nothing but usage."""
        if told.get("error"):
            raise UpstreamBroken if self._has_begun else UpstreamFailed
        choices = told.get("choices") or ()
        self._is_finished = self._is_finished or any(one.get("finish_reason") for one in choices)
        usage = _usage(told.get("usage"))
        return sum(_letters(one.get("delta")) for one in choices), usage, usage is not None and not choices

    async def close(self) -> None:
        await _close(self._response)


def _check(response: httpx2.Response) -> None:
    if response.status_code >= _FIRST_ERROR:
        raise refusal(response.status_code, response.headers.get("retry-after"))


async def _close(response: httpx2.Response | None) -> None:
    if response is not None:
        with suppress(Exception):  # it is given up
            await response.aclose()


def _letters(said: Any) -> int:
    """Of a message or a part of one: its text, and the arguments of the functions it calls."""
    if not said:
        return 0
    if said.keys() <= _PLAIN:  # nearly all of them
        return len(said.get("content") or "")
    text = sum(len(said.get(name) or "") for name in ("content", "reasoning_content", "refusal"))
    calls = (call.get("function") or {} for call in said.get("tool_calls") or ())
    return text + sum(len(call.get("name") or "") + len(call.get("arguments") or "") for call in calls)


def _usage(given: Any) -> Usage | None:
    if not given:
        return None
    return Usage(int(given["prompt_tokens"]), int(given.get("completion_tokens") or 0))

"""Any OpenAI-compatible server, through the vendor's SDK on our own outbound client."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from openai import APIError, APIStatusError, AsyncOpenAI, AsyncStream

from madang.backends.llm.base import (
    MAX_ANSWER,
    MAX_TRIES,
    AnswerTooLong,
    Body,
    Chunk,
    Delta,
    Reply,
    Turn,
    UpstreamBroken,
    Usage,
)
from madang.backends.llm.capped_client import CappedClient, TooManyBytes
from madang.backends.llm.failures import BROKEN, failure, refusal
from madang.backends.llm.openai_relay import Patience, Relay
from madang.backends.llm.retries import Transient, with_retries
from madang.kit.problems import Problem
from madang.kit.unit_guard import forbid_in_unit
from madang.settings import BadSettings

_LIST_SECONDS = 60.0
_LISTING_SECONDS = 10.0
_LAST_WORDS_SECONDS = 3.0
_NO_LISTING = frozenset({404, 405, 501})


def open_openai(url: str, api_key: str, default_model: str, client: httpx2.AsyncClient) -> "OpenAIModel":
    """`http://host/v1?first_token=120&idle=60`: the base URL, and where wanted other time-outs in seconds."""
    parts = urlsplit(url)
    try:
        patience = replace(Patience(), **{name: float(value) for name, value in parse_qsl(parts.query)})
    except (TypeError, ValueError):
        raise BadSettings("MADANG_LLM_URL: the query may hold connect, first_token and idle, in seconds") from None
    return OpenAIModel(parts._replace(query="").geturl(), api_key, default_model, client, patience)


class OpenAIModel:
    """Retries and time-outs are our own: the SDK's would multiply the load on a busy upstream."""

    def __init__(
        self, base_url: str, api_key: str, default_model: str, client: httpx2.AsyncClient, patience: Patience
    ) -> None:
        timeout = httpx2.Timeout(patience.first_token, connect=patience.connect)
        capped = CappedClient(client)
        self._relay = Relay(base_url, api_key, capped, patience)
        self._client = AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            http_client=capped,
            max_retries=0,
            timeout=timeout,
        )
        self._default_model = default_model
        self._patience = patience
        self._listed: tuple[float, list[str]] = (float("-inf"), [])

    @property
    def default_model(self) -> str | None:
        return self._default_model or None

    async def models(self) -> list[str]:
        """What was listed before stands while the upstream fails: the answer itself tells that failure better."""
        forbid_in_unit("listing models")
        now = asyncio.get_running_loop().time()
        if now - self._listed[0] > _LIST_SECONDS:
            try:
                self._listed = (now, self._with_default(await with_retries(self._list)))
            except Problem:
                if not self._listed[1]:
                    raise
        return self._listed[1]

    def _with_default(self, listed: list[str]) -> list[str]:
        default = [self._default_model] if self._default_model else []
        return default + [model for model in listed if model not in default]

    async def _list(self) -> list[str]:
        try:
            async with asyncio.timeout(min(self._patience.first_token, _LISTING_SECONDS)):
                return [str(model.id) for model in (await self._client.models.list()).data]
        except APIStatusError as error:
            if error.status_code in _NO_LISTING:
                return []
            raise refusal(error.status_code, error.response.headers.get("retry-after")) from None
        except (*BROKEN, TimeoutError, TooManyBytes) as error:
            raise failure(error, has_begun=False) from None

    async def stream(self, model: str, turns: list[Turn], tries: int = MAX_TRIES) -> AsyncGenerator[Delta, None]:
        forbid_in_unit("asking the model")
        reading, delta = await with_retries(lambda: self._begin(model, turns), tries)
        try:
            length = 0
            while delta is not None:
                length += len(delta.text)
                if length > MAX_ANSWER:
                    raise AnswerTooLong
                yield delta
                delta = await reading.next()
        finally:
            await reading.close()

    async def _begin(self, model: str, turns: list[Turn]) -> tuple["_Reading", Delta | None]:
        """Ask, and wait for the first delta; nothing has been seen by anyone until then, so asking again is safe."""
        reading = None
        try:
            async with asyncio.timeout(self._patience.first_token):
                reading = _Reading(await self._ask(model, turns), self._patience)
                return reading, await reading.next()
        except APIStatusError as error:
            raise refusal(error.status_code, error.response.headers.get("retry-after")) from None
        except (APIError, TimeoutError, TooManyBytes) as error:
            await _close(reading)
            raise failure(error, has_begun=False) from None
        except BaseException:
            await _close(reading)
            raise

    async def _ask(self, model: str, turns: list[Turn]) -> AsyncStream[Any]:
        messages: Any = [{"role": turn.role, "content": turn.content} for turn in turns]
        return await self._client.chat.completions.create(
            model=model, messages=messages, stream=True, stream_options={"include_usage": True}
        )

    def relay(self, body: Body, tries: int = MAX_TRIES) -> AsyncGenerator[Chunk, None]:
        return self._relay.stream(body, tries)

    async def ask(self, path: str, body: Body, tries: int = MAX_TRIES) -> Reply:
        return await self._relay.ask(path, body, tries)

    async def close(self) -> None:
        """The pool is the outbound client's."""


class _Reading:
    """One answer being read: joins what the wire splits up, and tells an end from a break."""

    def __init__(self, stream: AsyncStream[Any], patience: Patience) -> None:
        self._stream = stream
        self._chunks = aiter(stream)
        self._idle = patience.idle
        self._allowed = patience.first_token
        self._has_begun = False
        self._is_over = False

    async def next(self) -> Delta | None:
        """The next piece of text, then the delta with `finish_reason`, then None."""
        if self._is_over:
            return None
        try:
            # Against the time of the last text, not of the last bytes: some upstreams send empty chunks while stuck.
            async with asyncio.timeout(self._allowed):
                return await self._text()
        except (*BROKEN, TimeoutError, TooManyBytes) as error:
            found = failure(error, has_begun=self._has_begun)
            raise found.problem if isinstance(found, Transient) and self._has_begun else found from None

    async def _text(self) -> Delta:
        async for chunk in self._chunks:
            for choice in chunk.choices or ():
                if text := _clean(choice.delta.content if choice.delta else None):
                    self._begin()
                    return Delta(text)
                if choice.finish_reason:
                    return await self._finish(str(choice.finish_reason))
        raise UpstreamBroken

    def _begin(self) -> None:
        self._has_begun = True
        self._allowed = self._idle

    async def _finish(self, reason: str) -> Delta:
        """Usage comes after the reason, if at all; the answer is whole already, so nothing here can break it."""
        self._is_over = True
        usage = None
        with suppress(*BROKEN, TimeoutError, TooManyBytes):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                async for chunk in self._chunks:
                    usage = _usage(chunk.usage) or usage
        return Delta(finish_reason=reason[:50], usage=usage)

    async def close(self) -> None:
        with suppress(Exception):
            await self._stream.close()


async def _close(reading: _Reading | None) -> None:
    if reading is not None:
        await reading.close()


def _usage(given: Any) -> Usage | None:
    if given is None:
        return None
    return Usage(int(given.prompt_tokens), int(given.completion_tokens))


def _clean(text: Any) -> str:
    """Whole code points only: half a surrogate pair can be neither stored nor sent, U+0000 can't be stored."""
    if not text:
        return ""
    if not isinstance(text, str):
        raise TypeError("content is no text")
    if text.isascii():
        return text.replace("\0", "")
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")

"""OpenAI's API, called by OpenAI's own SDK with an API key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import pytest
from fastapi import FastAPI
from openai import AsyncOpenAI

from tests.chat.test_quotas import limit, usage
from tests.factories import SignedIn, make_admin
from tests.upstreams import TEXT, Upstream

ASKED: Any = [{"role": "user", "content": "무엇을 할 수 있나요?"}]
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
COUNTED = {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}


async def new_key(client: httpx2.AsyncClient, person: SignedIn, *scopes: str) -> str:
    body = {"name": "program", "scopes": list(scopes or ("chat",))}
    made = await client.post("/api/v1/api-keys", json=body, headers=person.headers)
    assert made.status_code == 201, made.text
    return str(made.json()["key"])


@pytest.fixture
async def key(client: httpx2.AsyncClient, person: SignedIn) -> str:
    return await new_key(client, person)


@pytest.fixture
async def sdk(server: tuple[str, FastAPI], key: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{server[0]}/v1", api_key=key, max_retries=0) as opened:
        yield opened


async def billed(client: httpx2.AsyncClient, person: SignedIn) -> dict[str, Any]:
    """The first that they used, once it is settled."""
    async with asyncio.timeout(10):
        while not (items := (await usage(client, person))["items"]):  # noqa: ASYNC110 - the server is where it can be seen
            await asyncio.sleep(0.02)
    first: dict[str, Any] = items[0]
    return first


async def text_of(stream: Any) -> str:
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


async def test_models_are_listed_and_shown(sdk: AsyncOpenAI) -> None:
    listed = [model.id async for model in sdk.models.list()]
    assert listed[0] == "ok"
    assert (await sdk.models.retrieve("slow")).id == "slow"
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.models.retrieve("no/such")
    assert caught.value.code == "model-not-found"


async def test_an_answer_comes_whole_or_in_pieces(sdk: AsyncOpenAI) -> None:
    whole = await sdk.chat.completions.create(model="ok", messages=ASKED)
    assert whole.choices[0].message.content == TEXT
    assert whole.usage is not None
    assert whole.usage.total_tokens == 10
    stream = await sdk.chat.completions.create(model="ok", messages=ASKED, stream=True)
    assert await text_of(stream) == TEXT


async def test_usage_comes_last_where_it_is_wanted(sdk: AsyncOpenAI) -> None:
    for wanted in (True, False):
        options: Any = {"stream_options": {"include_usage": True}} if wanted else {}
        stream = await sdk.chat.completions.create(model="ok", messages=ASKED, stream=True, **options)
        chunks = [chunk async for chunk in stream]
        assert (chunks[-1].usage is not None) == wanted
        assert bool(chunks[-1].choices) != wanted


async def test_the_wire_ends_with_done_and_keeps_no_buffer(client: httpx2.AsyncClient, key: str) -> None:
    body = {"model": "ok", "messages": ASKED, "stream": True}
    headers = {"Authorization": f"Bearer {key}"}
    answer = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-request-id"]
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_tools_images_and_parameters_are_passed_on_as_they_are(sdk: AsyncOpenAI, upstream: Upstream) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "이게 뭐예요?"}, image]}]
    answer = await sdk.chat.completions.create(
        model="ok", messages=messages, tools=[TOOL], temperature=0.25, seed=7, extra_body={"top_k": 40}
    )
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].to_dict()["function"] == {"name": "weather", "arguments": '{"city": "서울"}'}
    assert upstream.requests[-1] == {
        "model": "ok",
        "messages": messages,
        "tools": [TOOL],
        "temperature": 0.25,
        "seed": 7,
        "top_k": 40,
    }


async def test_texts_are_embedded(sdk: AsyncOpenAI, client: httpx2.AsyncClient, person: SignedIn) -> None:
    made = await sdk.embeddings.create(model="ok", input=["하나", "둘"], encoding_format="float")
    assert [one.embedding for one in made.data] == [[0.5, 0.25]] * 2
    [day] = (await usage(client, person))["items"]
    assert (day["prompt_tokens"], day["completion_tokens"]) == (5, 0)


REFUSALS = [
    ("nothing-like-it", 404, "model-not-found"),
    ("400", 400, "upstream-refused"),
    ("401", 502, "upstream-failed"),
    ("500", 502, "upstream-failed"),
    ("429-later", 503, "upstream-busy"),
    ("nothing", 502, "upstream-broken"),
    ("garbage", 502, "upstream-broken"),
    ("error-first", 502, "upstream-failed"),
    ("hang-first", 504, "upstream-timeout"),
    ("long-line", 502, "answer-too-long"),
    ("long-error", 502, "upstream-failed"),
]


async def test_failures_before_the_first_word_have_a_status_and_no_word_of_the_upstream(
    sdk: AsyncOpenAI, client: httpx2.AsyncClient, person: SignedIn
) -> None:
    for model, status, code in REFUSALS:
        with pytest.raises(openai.APIStatusError) as caught:
            await sdk.chat.completions.create(model=model, messages=ASKED, stream=True)
        assert (caught.value.status_code, caught.value.code) == (status, code), model
        assert "SECRET" not in caught.value.response.text
        stream = await sdk.chat.completions.create(model="ok", messages=ASKED, stream=True)
        assert await text_of(stream) == TEXT, "and the next one is answered"
    [day] = (await usage(client, person))["items"]
    assert (day["model"], day["requests"]) == ("ok", len(REFUSALS)), "what failed costs nothing"


async def test_failures_after_the_first_word_are_told_in_the_stream(
    sdk: AsyncOpenAI, client: httpx2.AsyncClient, person: SignedIn
) -> None:
    async def listen(model: str, said: list[str]) -> None:
        async for chunk in await sdk.chat.completions.create(model=model, messages=ASKED, stream=True):
            said.append(chunk.choices[0].delta.content or "")  # noqa: PERF401 - what came before is wanted

    modes = ("cut", "garbage-middle", "half-json", "error-middle", "hang-middle")
    for model in modes:
        said: list[str] = []
        with pytest.raises(openai.APIError) as caught:
            await listen(model, said)
        assert "SECRET" not in str(caught.value)
        assert "".join(said) == "Hello, 안녕", model
        assert await text_of(await sdk.chat.completions.create(model="ok", messages=ASKED, stream=True)) == TEXT
    paid = {day["model"]: day["completion_tokens"] for day in (await usage(client, person))["items"]}
    assert all(paid[model] > 0 for model in modes)


async def test_whoever_hangs_up_stops_the_model_and_pays_for_what_was_said(
    sdk: AsyncOpenAI, client: httpx2.AsyncClient, person: SignedIn, upstream: Upstream
) -> None:
    stream = await sdk.chat.completions.create(model="endless", messages=ASKED, stream=True)
    said = [await anext(stream) for _ in range(5)]
    assert said[-1].choices[0].delta.content == "word "
    await stream.close()
    await upstream.is_streaming(wanted=False)
    shown = await billed(client, person)
    assert 5 <= shown["completion_tokens"] < 500


async def test_whoever_hangs_up_on_a_whole_answer_stops_the_model_too(
    client: httpx2.AsyncClient, key: str, person: SignedIn, upstream: Upstream
) -> None:
    body, headers = {"model": "slow", "messages": ASKED}, {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=client.base_url, trust_env=False) as hasty:
        asking = asyncio.create_task(hasty.post("/v1/chat/completions", json=body, headers=headers))
        await upstream.is_streaming(wanted=True)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    shown = await billed(client, person)
    assert shown["prompt_tokens"] > 0


async def test_the_quota_is_one_with_the_pages_and_its_refusal_is_not_tried_again(
    sdk: AsyncOpenAI, client: httpx2.AsyncClient, person: SignedIn
) -> None:
    await limit(client, await make_admin(client), person, requests=2, tokens=10_000)
    raw = await sdk.chat.completions.with_raw_response.create(model="ok", messages=ASKED)
    assert raw.headers["x-ratelimit-remaining-requests"] == "1"
    await text_of(await sdk.chat.completions.create(model="ok", messages=ASKED, stream=True))
    shown = await usage(client, person)
    assert shown["quota"]["requests"]["used"] == 2
    assert shown["quota"]["tokens"]["used"] == 20
    assert {name: shown["items"][0][name] for name in COUNTED} == {name: 2 * count for name, count in COUNTED.items()}
    with pytest.raises(openai.RateLimitError) as caught:
        await sdk.chat.completions.create(model="ok", messages=ASKED)
    assert caught.value.code == "quota-exceeded"
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.response.headers["x-ratelimit-limit-requests"] == "2"


async def test_a_bad_request_names_its_parameter(client: httpx2.AsyncClient, key: str) -> None:
    bodies: list[tuple[dict[str, Any], str]] = [
        ({"messages": ASKED}, "model"),
        ({"model": "ok"}, "messages"),
        ({"model": "ok", "messages": []}, "messages"),
        ({"model": "ok", "messages": "hello"}, "messages"),
        ({"model": "ok", "messages": ASKED, "n": 1000}, "n"),
    ]
    for body, param in bodies:
        headers = {"Authorization": f"Bearer {key}"}
        answer = await client.post("/v1/chat/completions", json=body, headers=headers)
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert (error["type"], error["param"]) == ("invalid_request_error", param)


async def test_a_key_without_chat_and_no_key_at_all_are_told_apart(
    client: httpx2.AsyncClient, person: SignedIn
) -> None:
    other = await new_key(client, person, "media")
    asked = {"model": "ok", "messages": ASKED}
    for token, status, kind in ((other, 403, "permission_error"), ("sk-wrong", 401, "authentication_error")):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.post("/v1/chat/completions", json=asked, headers=headers)
        assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
    assert (await client.get("/v1/models")).status_code == 401
    unknown = await client.get("/v1/nothing")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not-found")

"""One contract for every language model, and the ways an upstream fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import httpx2
import pytest
from tests.upstreams import TEXT, Upstream, fake_upstream

from madang.backends.llm import open_llm
from madang.backends.llm.base import LanguageModel, Turn
from madang.backends.outbound import open_outbound
from madang.kit.problems import Problem
from madang.kit.unit_guard import enter_unit, leave_unit
from madang.settings import BadSettings

QUESTION = [Turn("user", "무엇을 할 수 있나요?")]


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with fake_upstream() as opened:
        yield opened


@pytest.fixture
async def outbound() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_outbound() as opened:
        yield opened


@pytest.fixture(params=["demo", "openai"])
def adapter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def llm(adapter: str, upstream: Upstream, outbound: httpx2.AsyncClient) -> AsyncIterator[LanguageModel]:
    opened = open_llm("demo://" if adapter == "demo" else upstream.url, "key", "", outbound)
    assert opened is not None
    yield opened
    await opened.close()


@pytest.fixture
def openai(upstream: Upstream, outbound: httpx2.AsyncClient) -> LanguageModel:
    opened = open_llm(f"{upstream.url}?first_token=2&idle=1", "key", "ok", outbound)
    assert opened is not None
    return opened


async def answer(llm: LanguageModel, model: str) -> str:
    async with aclosing(llm.stream(model, QUESTION)) as deltas:
        return "".join([delta.text async for delta in deltas])


async def failure(llm: LanguageModel, model: str) -> tuple[str, str]:
    """What was said before the answer failed, and the problem's code."""
    said: list[str] = []

    async def listen() -> None:
        async with aclosing(llm.stream(model, QUESTION)) as deltas:
            async for delta in deltas:
                said.append(delta.text)  # noqa: PERF401 - what was said before the failure is wanted

    with pytest.raises(Problem) as caught:
        await listen()
    assert "SECRET" not in str(caught.value)
    assert "SECRET" not in repr(caught.value.__cause__)
    return "".join(said), caught.value.code


async def test_an_answer_ends_with_its_reason_and_usage(llm: LanguageModel) -> None:
    model = (await llm.models())[0]
    async with aclosing(llm.stream(model, QUESTION)) as stream:
        deltas = [delta async for delta in stream]
    assert len([delta for delta in deltas if delta.text]) > 3
    assert all(delta.finish_reason is None for delta in deltas[:-1])
    assert deltas[-1].finish_reason == "stop"
    assert deltas[-1].usage is not None
    assert deltas[-1].usage.completion_tokens > 0


async def test_an_answer_can_be_left_in_the_middle(llm: LanguageModel) -> None:
    model = (await llm.models())[0]
    async with aclosing(llm.stream(model, QUESTION)) as deltas:
        assert (await anext(deltas)).text
    assert await answer(llm, model)


async def test_no_model_is_asked_inside_a_unit_of_work(llm: LanguageModel) -> None:
    token = enter_unit()
    with pytest.raises(RuntimeError, match="inside a unit"):
        await anext(llm.stream("demo", QUESTION))
    with pytest.raises(RuntimeError, match="inside a unit"):
        await llm.models()
    leave_unit(token)


async def test_the_demo_says_that_it_is_one(outbound: httpx2.AsyncClient) -> None:
    demo = open_llm("demo://", "", "", outbound)
    assert demo is not None
    text = await answer(demo, "demo")
    assert text.startswith("언어 모델이 없는 데모입니다")
    assert "MADANG_LLM_URL" in text


async def test_none_switches_off_and_other_schemes_are_refused(outbound: httpx2.AsyncClient) -> None:
    assert open_llm("none", "", "", outbound) is None
    for url in ("ftp://x", "http://x/v1?patience=3", "http://x/v1?idle=soon"):
        with pytest.raises(BadSettings, match="MADANG_LLM_URL"):
            open_llm(url, "", "", outbound)


async def test_text_arrives_unchanged(openai: LanguageModel) -> None:
    assert await answer(openai, "ok") == TEXT
    assert await answer(openai, "no-usage") == TEXT


async def test_half_characters_and_nul_are_made_storable(openai: LanguageModel) -> None:
    text = await answer(openai, "surrogates")
    assert text == "\ufffd\ufffd ab" + TEXT
    text.encode()


@pytest.mark.parametrize(
    ("mode", "said", "code"),
    [
        ("401", "", "upstream-failed"),
        ("500", "", "upstream-failed"),
        ("429", "", "upstream-busy"),
        ("429-later", "", "upstream-busy"),
        ("hang-first", "", "upstream-timeout"),
        ("hang-middle", "Hello, 안녕", "upstream-timeout"),
        ("cut", "Hello, 안녕", "upstream-broken"),
        ("garbage", "", "upstream-failed"),
        ("garbage-middle", "Hello, 안녕", "upstream-broken"),
        ("half-json", "Hello, 안녕", "upstream-broken"),
        ("odd-shapes", "Hello, 안녕", "upstream-broken"),
        ("error-first", "", "upstream-failed"),
        ("error-middle", "Hello, 안녕", "upstream-broken"),
        ("long-line", "", "answer-too-long"),
        ("long-error", "", "answer-too-long"),
    ],
)
async def test_every_fault_of_an_upstream_is_typed(
    openai: LanguageModel, upstream: Upstream, mode: str, said: str, code: str
) -> None:
    assert await failure(openai, mode) == (said, code)
    assert await answer(openai, "ok") == TEXT
    await upstream.is_streaming(wanted=False)


async def test_an_answer_of_megabytes_is_stopped(openai: LanguageModel, upstream: Upstream) -> None:
    said, code = await failure(openai, "megabytes")
    assert code == "answer-too-long"
    assert len(said) == 1_000_000
    await upstream.is_streaming(wanted=False)


async def test_passing_failures_are_tried_again_and_lasting_ones_are_not(
    openai: LanguageModel, upstream: Upstream
) -> None:
    assert await answer(openai, "flaky") == TEXT
    for mode in ("429", "429-later", "401", "cut", "hang-first"):
        await failure(openai, mode)
    hits = {mode: upstream.hits(mode) for mode in ("flaky", "429", "429-later", "401", "cut", "hang-first")}
    assert hits == {"flaky": 3, "429": 3, "429-later": 1, "401": 1, "cut": 1, "hang-first": 1}


async def test_nobody_listening_is_upstream_failed(outbound: httpx2.AsyncClient) -> None:
    llm = open_llm("http://127.0.0.1:1/v1", "", "", outbound)
    assert llm is not None
    assert await failure(llm, "ok") == ("", "upstream-failed")
    with pytest.raises(Problem) as caught:
        await llm.models()
    assert caught.value.code == "upstream-failed"


async def test_the_default_model_comes_first(openai: LanguageModel) -> None:
    models = await openai.models()
    assert models[0] == openai.default_model == "ok"
    assert len(models) == len(set(models)) > 10


async def test_cancelling_closes_the_upstream(openai: LanguageModel, upstream: Upstream) -> None:
    reading = asyncio.create_task(answer(openai, "endless"))
    await upstream.is_streaming(wanted=True)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await upstream.is_streaming(wanted=False)
    assert reading.cancelled()

"""Several upstreams as one: their order, whose they are, and which of them are worth asking."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from tests.servers import free_port
from tests.upstreams import TEXT, fake_upstream
from tests.upstreams import Upstream as FakeServer

from madang.backends.llm import open_llm
from madang.backends.llm.base import Turn
from madang.backends.llm.circuit import Circuit
from madang.backends.llm.upstreams import Upstream, Upstreams
from madang.backends.outbound import open_outbound
from madang.kit.problems import Problem

QUESTION = [Turn("user", "?")]
DEAD = f"http://127.0.0.1:{free_port()}/v1"


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with fake_upstream() as opened:
        yield opened


@pytest.fixture
async def other() -> AsyncIterator[FakeServer]:
    async with fake_upstream() as opened:
        yield opened


@pytest.fixture
async def outbound() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_outbound() as opened:
        yield opened


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def upstream(outbound: httpx2.AsyncClient, hands: Hands) -> "Opener":
    return Opener(outbound, hands)


class Opener:
    def __init__(self, outbound: httpx2.AsyncClient, hands: Hands) -> None:
        self._outbound = outbound
        self._hands = hands

    def __call__(self, url: str, default: str = "", models: str = "", roles: str = "") -> Upstream:
        llm = open_llm(f"{url}?first_token=2&idle=1&connect=1", "key", default, self._outbound)
        assert llm is not None
        return Upstream(url, url, llm, tuple(models.split()), frozenset(roles.split()), Circuit(self._hands))


async def answer(upstreams: Upstreams, model: str, role: str = "Member") -> str:
    async with aclosing(upstreams.stream(model, QUESTION, role)) as deltas:
        return "".join([delta.text async for delta in deltas])


async def failure(upstreams: Upstreams, model: str) -> str:
    with pytest.raises(Problem) as caught:
        await answer(upstreams, model)
    return caught.value.code


async def test_the_next_one_answers_when_the_first_is_away(upstream: Opener, server: FakeServer) -> None:
    both = Upstreams([upstream(DEAD, models="ok"), upstream(server.url)])
    started = asyncio.get_running_loop().time()
    assert [await answer(both, "ok") for _ in range(5)] == [TEXT] * 5
    assert asyncio.get_running_loop().time() - started < 20, "nobody waits for tries at the one that is away"
    assert server.hits("ok") == 5
    circuit = both.upstreams[0].circuit
    assert (circuit.state, circuit.failures, circuit.last_error) == ("open", 3, "upstream-failed")


async def test_the_first_in_order_is_asked_alone_while_it_answers(
    upstream: Opener, server: FakeServer, other: FakeServer
) -> None:
    both = Upstreams([upstream(server.url), upstream(other.url)])
    assert await answer(both, "ok") == TEXT
    assert (server.hits("ok"), other.hits("ok")) == (1, 0)


async def test_an_answer_that_broke_in_the_middle_is_not_begun_again_elsewhere(
    upstream: Opener, server: FakeServer, other: FakeServer
) -> None:
    both = Upstreams([upstream(server.url), upstream(other.url)])
    said: list[str] = []

    async def listen() -> None:
        async with aclosing(both.stream("cut", QUESTION, "Member")) as deltas:
            async for delta in deltas:
                said.append(delta.text)  # noqa: PERF401 - what was said before the failure is wanted

    with pytest.raises(Problem) as caught:
        await listen()
    assert caught.value.code == "upstream-broken"
    assert "".join(said)
    assert other.hits("cut") == 0
    assert both.upstreams[0].circuit.failures == 1


async def test_failures_in_a_row_open_the_circuit_and_one_trial_closes_it(
    upstream: Opener, server: FakeServer, hands: Hands
) -> None:
    only = Upstreams([upstream(server.url)])
    assert [await failure(only, "500") for _ in range(4)] == ["upstream-failed"] * 3 + ["upstream-down"]
    asked = server.hits("500")
    assert await failure(only, "ok") == "upstream-down"
    assert (server.hits("500"), server.hits("ok")) == (asked, 0)
    hands.move(16)
    assert only.upstreams[0].circuit.state == "half-open"
    assert await failure(only, "500") == "upstream-failed", "the trial"
    assert await failure(only, "ok") == "upstream-down", "and it is left alone twice as long"
    hands.move(16)
    assert await failure(only, "ok") == "upstream-down"
    hands.move(16)
    assert await answer(only, "ok") == TEXT
    assert only.upstreams[0].circuit.state == "closed"
    assert only.upstreams[0].circuit.failures == 0


async def test_of_a_crowd_one_makes_the_trial(upstream: Opener, server: FakeServer, hands: Hands) -> None:
    only = Upstreams([upstream(server.url)])
    for _ in range(3):
        await failure(only, "500")
    hands.move(16)
    asked = await asyncio.gather(*(answer(only, "ok") for _ in range(10)), return_exceptions=True)
    assert [one for one in asked if not isinstance(one, Problem)] == [TEXT]
    assert server.hits("ok") == 1


async def test_whoever_leaves_during_the_trial_leaves_it_to_the_next(
    upstream: Opener, server: FakeServer, hands: Hands
) -> None:
    only = Upstreams([upstream(server.url)])
    for _ in range(3):
        await failure(only, "500")
    hands.move(16)
    async with aclosing(only.stream("endless", QUESTION, "Member")) as deltas:
        await anext(deltas)
    assert only.upstreams[0].circuit.state == "half-open"
    assert await answer(only, "ok") == TEXT


async def test_a_model_of_which_it_is_busy_is_left_alone_as_long_and_no_other_one(
    upstream: Opener, server: FakeServer, hands: Hands
) -> None:
    only = Upstreams([upstream(server.url)])
    assert [await failure(only, "429-later") for _ in range(3)] == ["upstream-busy", "upstream-down", "upstream-down"]
    assert server.hits("429-later") == 1
    assert await answer(only, "ok") == TEXT
    assert only.upstreams[0].circuit.state == "closed"
    hands.move(301)
    assert await failure(only, "429-later") == "upstream-busy", "an hour was asked for, five minutes are waited"
    assert server.hits("429-later") == 2


async def test_a_question_that_can_not_be_answered_is_no_failure_of_the_upstream(
    upstream: Opener, server: FakeServer, other: FakeServer
) -> None:
    both = Upstreams([upstream(server.url), upstream(other.url)])
    assert [await failure(both, "400") for _ in range(5)] == ["upstream-refused"] * 5
    assert (server.hits("400"), other.hits("400")) == (5, 0)
    assert both.upstreams[0].circuit.state == "closed"


async def test_each_role_has_its_own_models(upstream: Opener, server: FakeServer, other: FakeServer) -> None:
    staff, everybody = upstream(server.url, "slow", "ok slow", "Admin Staff"), upstream(other.url, models="ok cut")
    both = Upstreams([staff, everybody])
    assert await both.models("Staff") == ["slow", "ok", "cut"]
    assert await both.models("Member") == ["ok", "cut"]
    assert (both.default_model("Admin"), both.default_model("Member")) == ("slow", None)
    assert [await both.offers("slow", role) for role in ("Staff", "Member")] == [True, False]
    assert await answer(both, "ok", "Member") == TEXT
    assert (server.hits("ok"), other.hits("ok")) == (0, 1)


async def test_one_that_can_not_list_is_left_out_unless_it_is_the_only_one(
    upstream: Opener, server: FakeServer
) -> None:
    assert "ok" in await Upstreams([upstream(DEAD), upstream(server.url)]).models("Member")
    with pytest.raises(Problem) as caught:
        await Upstreams([upstream(DEAD)]).models("Member")
    assert caught.value.code == "upstream-failed"

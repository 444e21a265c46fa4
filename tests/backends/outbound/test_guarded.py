"""The client for addresses that people enter reaches the public and nobody else."""

import asyncio
import socket
from typing import Any

import httpx2
import pytest
from tests.webhooks.receiver import receiver

from madang.backends.outbound.guarded import AddressRefused, open_guarded


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "172.16.5.5",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "224.0.0.1",
        "2130706433",
        "0x7f.1",
    ],
)
async def test_what_is_not_public_is_refused(host: str) -> None:
    async with open_guarded([]) as client:
        with pytest.raises((AddressRefused, httpx2.ConnectError)) as refused:
            await client.post(f"http://{host}:9/", content=b"x")
    assert isinstance(refused.value, AddressRefused) or "not known" in str(refused.value)


async def test_what_the_operator_allows_is_reached_by_network_and_by_name() -> None:
    with receiver() as running:
        for allowed, host in ((["127.0.0.0/8"], "127.0.0.1"), (["localhost"], "localhost")):
            async with open_guarded(allowed) as client:
                answer = await client.post(f"http://{host}:{running.port}/hook", content=b"{}")
                assert answer.status_code == 204
        assert [call.headers["host"] for call in running.calls] == [
            f"127.0.0.1:{running.port}",
            f"localhost:{running.port}",
        ]


async def test_a_redirect_is_not_followed() -> None:
    with receiver() as running:
        running.answer = (302, {"Location": f"http://127.0.0.1:{running.port}/elsewhere"})
        async with open_guarded(["127.0.0.1"]) as client:
            answer = await client.post(running.url, content=b"{}")
    assert answer.status_code == 302
    assert len(running.calls) == 1


async def test_a_name_that_changes_in_between_leads_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look, at which the name leads home, never happens: the address of the first one is connected to."""
    looks: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        looks.append(host)
        address = "192.0.2.1" if host == "rebinding.example" and len(looks) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with receiver() as running:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo, raising=False)
        async with open_guarded(["192.0.2.0/24"]) as client:
            client.timeout = httpx2.Timeout(1.0)
            with pytest.raises(httpx2.TransportError):
                await client.post(f"http://rebinding.example:{running.port}/hook", content=b"{}")
        assert running.calls == []
    assert looks.count("rebinding.example") == 1

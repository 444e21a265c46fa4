"""Whose address counts: the peer's, or the one that trusted proxies forward."""

from ipaddress import ip_network

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from madang.http.client_address import client_address, is_trusted, limit_key
from madang.settings import Limits
from tests.http.conftest import OpenApp, caller

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "1.2.3.4", "203.0.113.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6,10.0.0.9, 1.2.3.4 ,10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4, unknown", "10.0.0.1"),
        ("10.0.0.1", "unknown, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4, ", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::1]", "2001:db8::1"),
        ("10.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("10.0.0.1", "2001:DB8:0:0::1", "2001:db8::1"),
        ("10.0.0.1", "::ffff:1.2.3.4", "1.2.3.4"),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("fd00::1", "1.2.3.4", "1.2.3.4"),
        ("::ffff:203.0.113.7", "1.2.3.4", "203.0.113.7"),
        ("", "1.2.3.4", ""),
        ("a-unix-socket", "1.2.3.4", "a-unix-socket"),
    ],
)
def test_the_right_most_untrusted_hop_is_the_client(peer: str, forwarded: str | None, address: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == address


def test_without_trusted_proxies_nothing_forwarded_counts() -> None:
    assert client_address("10.0.0.1", "1.2.3.4", []) == "10.0.0.1"
    assert not is_trusted("10.0.0.1", [])


@given(st.text(), st.text())
def test_no_header_breaks_or_lengthens_an_address(peer: str, forwarded: str) -> None:
    assert client_address("203.0.113.7", forwarded, PROXIES) == "203.0.113.7"
    assert len(client_address("10.0.0.1", forwarded, PROXIES)) <= 45
    assert client_address(peer, forwarded, []) == client_address(peer, None, [])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:1.2.3.4", "1.2.3.4", True),
        ("1.2.3.4", "1.2.3.5", False),
        ("2001:DB8:1:2::1", "2001:db8:1:2::2", True),
    ],
)
def test_a_limit_is_shared_by_one_64_and_by_both_spellings_of_ipv4(one: str, other: str, same: bool) -> None:
    assert (limit_key(one) == limit_key(other)) is same


async def hits_until_refused(client: httpx2.AsyncClient, headers: list[dict[str, str]]) -> int:
    for count, header in enumerate(headers):
        if (await client.get("/", headers=header)).status_code == 429:
            return count
    return len(headers)


async def test_a_forged_forwarded_address_escapes_no_limit(open_app: OpenApp) -> None:
    forged = [{"X-Forwarded-For": f"1.2.3.{number}"} for number in range(6)]
    limits = Limits(everything="3/day")
    async with open_app(limits=limits, trusted_proxies=PROXIES) as app:
        assert await hits_until_refused(caller(app, peer="203.0.113.7"), forged) == 3
        assert await hits_until_refused(caller(app, peer="10.0.0.1"), forged) == 6


async def test_what_a_client_wrote_before_its_own_hop_escapes_no_limit(open_app: OpenApp) -> None:
    limits = Limits(everything="3/day")
    one_line = [{"X-Forwarded-For": f"6.6.6.{number}, 198.51.100.1"} for number in range(6)]
    async with open_app(limits=limits, trusted_proxies=PROXIES) as app:
        assert await hits_until_refused(caller(app, peer="10.0.0.1"), one_line) == 3


async def test_two_lines_of_the_header_are_one_list(open_app: OpenApp) -> None:
    limits = Limits(everything="3/day")
    async with open_app(limits=limits, trusted_proxies=PROXIES) as app:
        client = caller(app, peer="10.0.0.1")
        statuses = [
            (
                await client.get(
                    "/", headers=[("X-Forwarded-For", f"198.51.100.{number}"), ("X-Forwarded-For", "10.0.0.2")]
                )
            ).status_code
            for number in range(6)
        ]
    assert statuses == [200] * 6


async def test_neighbours_in_one_64_share_a_limit(open_app: OpenApp) -> None:
    async with open_app(limits=Limits(everything="3/day")) as app:
        peers = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8:0:1::1"]
        statuses = [(await caller(app, peer=peer).get("/")).status_code for peer in peers]
    assert statuses == [200, 200, 200, 429, 200]

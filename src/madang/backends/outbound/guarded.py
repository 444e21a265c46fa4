"""The client for addresses that people enter: none that leads into the operator's own network.

The name is resolved here, every address it has is looked at, and the connection goes to the address that was looked at,
so a name that changes in between (DNS rebinding) leads nowhere else. TLS is verified against the name.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2

from madang.backends.outbound import tls

_CONNECT_SECONDS = 5.0
_TOTAL_SECONDS = 15.0
_ADDRESSES = 20
Network = IPv4Network | IPv6Network
_TRANSLATED = ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """The host has an address that is not public, and MADANG_OUTBOUND_ALLOW does not name it."""


def open_guarded(allowed: Sequence[str]) -> httpx2.AsyncClient:
    """Follows no redirect, takes no proxy from the environment, keeps no connection. `allowed`: networks and hosts."""
    return httpx2.AsyncClient(
        transport=_Guarded(allowed),
        timeout=httpx2.Timeout(_TOTAL_SECONDS, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
    )


class _Guarded(httpx2.AsyncHTTPTransport):
    def __init__(self, allowed: Sequence[str]) -> None:
        # A kept connection belongs to an address, and another name's certificate may have been verified for it.
        super().__init__(
            verify=tls(), trust_env=False, limits=httpx2.Limits(max_connections=100, max_keepalive_connections=0)
        )
        self._networks = [network for one in allowed if (network := _network(one)) is not None]
        self._hosts = {one.lower() for one in allowed if _network(one) is None}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises `AddressRefused`."""
        host = request.url.host
        address = await self._address_of(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=str(address))
        return await super().handle_async_request(request)

    async def _address_of(self, host: str, port: int) -> IPv4Address | IPv6Address:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpx2.ConnectError(f"{host} is not known: {error.strerror or error}") from error
        addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found[:_ADDRESSES]]
        if host.lower() not in self._hosts and not all(self._is_allowed(one) for one in addresses):
            raise AddressRefused(f"{host} leads to an address that is not public; MADANG_OUTBOUND_ALLOW may allow it")
        return addresses[0]

    def _is_allowed(self, address: IPv4Address | IPv6Address) -> bool:
        if any(address in network for network in self._networks):
            return True
        inner = _inner(address)
        return address.is_global and not address.is_multicast and (inner is None or self._is_allowed(inner))


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None

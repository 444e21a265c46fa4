"""The client's address, through trusted proxies only, and the key its limits are counted under."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
_IPV6_PREFIX = 64


def is_trusted(peer: str, proxies: Sequence[Network]) -> bool:
    address = _parse(peer)
    return address is not None and any(address in network for network in proxies)


def client_address(peer: str, forwarded_for: str | None, proxies: Sequence[Network]) -> str:
    """The right-most address of `X-Forwarded-For` that is no trusted proxy; the peer when the peer is none itself."""
    if forwarded_for is None or not is_trusted(peer, proxies):
        return _canonical(peer)
    for entry in reversed([part.strip() for part in forwarded_for.split(",")]):
        if _parse(entry) is None:
            break
        if not is_trusted(entry, proxies):
            return _canonical(entry)
    return _canonical(peer)


@lru_cache(4096)
def limit_key(address: str) -> str:
    """IPv6 by /64, since one customer holds a whole one; IPv4 as it is."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _IPV6_PREFIX), strict=False))
    return str(parsed or address)


@lru_cache(4096)
def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip("[]").partition("%")[0])  # a zone (RFC 4007) means nothing elsewhere
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


@lru_cache(4096)
def _canonical(text: str) -> str:
    return str(_parse(text) or text)

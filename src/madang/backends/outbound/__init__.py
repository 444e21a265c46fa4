"""The one HTTP client out: time-outs, pool bounds, no redirects, no proxies from the environment."""

import ssl
from functools import cache

import httpx2

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0


@cache
def tls() -> ssl.SSLContext:
    """One for all clients of this process: reading the authorities' certificates takes longer than all else of them."""
    return httpx2.create_ssl_context(trust_env=False)


def open_outbound() -> httpx2.AsyncClient:
    """A client for addresses that the operator has set; a redirect could lead elsewhere, so none is followed."""
    return httpx2.AsyncClient(
        verify=tls(),
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=50),
        follow_redirects=False,
        trust_env=False,
    )

"""A browser that follows redirects by hand, and the providers that it is sent to."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.peers.oidc_provider import PERSON
from tests.servers import free_port

SITE = "http://madang.test"
AUTH = "/api/v1/auth"
ME = "/api/v1/accounts/me"
IDENTITIES = f"{ME}/identities"


class _ByName(httpx2.AsyncHTTPTransport):
    """Finds the site's name at the server that is tested, as a name server would."""

    def __init__(self, server: str) -> None:
        super().__init__(limits=httpx2.Limits(max_keepalive_connections=0))
        self._server = httpx2.URL(server)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "madang.test":
            there = request.url.copy_with(scheme="http", host=self._server.host, port=self._server.port)
            request = httpx2.Request(
                request.method, there, headers=request.headers, stream=request.stream, extensions=request.extensions
            )
        return await super().handle_async_request(request)


class Browser:
    """One person's browser, with cookies; nothing is followed unless a test says so."""

    def __init__(self, server: str, site: str = SITE) -> None:
        self.http = httpx2.AsyncClient(base_url=site, transport=_ByName(server), timeout=30)

    async def begin(self, provider: str = "idp", **query: str) -> str:
        """Click the button; returns where the provider is."""
        answer = await self.http.get(f"{AUTH}/{provider}/login", params=query)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def authorize(self, url: str) -> str:
        """Agree at the provider; returns the callback that it sends the browser to."""
        answer = await self.http.get(url)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def open(self, url: str, **options: Any) -> httpx2.Response:
        return await self.http.get(url, **options)

    async def sign_in(self, provider: str = "idp", **query: str) -> httpx2.Response:
        """All the way; returns the callback's answer."""
        return await self.open(await self.authorize(await self.begin(provider, **query)))

    async def signed_in(self, provider: str = "idp", **query: str) -> dict[str, Any]:
        """All the way; returns the account."""
        answer = await self.sign_in(provider, **query)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] == f"{SITE}/auth/callback?success=true"
        return await self.account()

    async def account(self) -> dict[str, Any]:
        me = await self.http.get(ME)
        assert me.status_code == 200, me.text
        found: dict[str, Any] = me.json()
        return found

    async def is_signed_in(self) -> bool:
        return (await self.http.get(ME)).status_code == 200

    async def link(self, provider: str = "idp", **options: Any) -> httpx2.Response:
        return await self.http.post(f"{IDENTITIES}/{provider}", **options)


@dataclass(frozen=True)
class Peer:
    """The provider that lies as it is told."""

    issuer: str

    async def says(self, spoil: str = "", userinfo: dict[str, Any] | None = None, **claims: Any) -> None:
        """What it says of the person from now on; a claim that is None is left out."""
        said = {name: value for name, value in {**PERSON, **claims}.items() if value is not None}
        await self._put({"spoil": spoil, "claims": said, "userinfo": userinfo or {}})

    async def rotates(self) -> None:
        await self._put({"rotate": True})

    async def seen(self) -> dict[str, Any]:
        async with httpx2.AsyncClient(trust_env=False) as client:
            found: dict[str, Any] = (await client.get(f"{self.issuer}/control")).json()
        return found

    async def _put(self, told: dict[str, Any]) -> None:
        async with httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.put(f"{self.issuer}/control", json=told)).status_code == 200


@contextmanager
def lying_provider() -> Iterator[Peer]:
    command = [sys.executable, "-m", "tests.peers.oidc_provider"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Peer(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


@contextmanager
def honest_provider(*people: str) -> Iterator[str]:
    """`oidc-provider-mock`, with people as JSON claims; yields its issuer."""
    port = free_port()
    claims = [option for person in people for option in ("--user-claims", person)]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port), *claims]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(f"http://127.0.0.1:{port}/.well-known/openid-configuration")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def query_of(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


def fragment_of(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).fragment).items()}


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx2.get(url, trust_env=False).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")

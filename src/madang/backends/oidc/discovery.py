"""A provider's metadata and keys (OpenID Connect Discovery 1.0, RFC 8414), kept for an hour."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from madang.backends.oidc.base import ProviderUnavailable
from madang.kit.unit_guard import forbid_in_unit

SECONDS = 5.0
KEPT_SECONDS = 3600.0
COOL_DOWN_SECONDS = 60.0
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Discovery:
    """Fetches at most once at a time, and keys that it does not know at most once per cool-down."""

    def __init__(self, issuer: str, client: httpx2.AsyncClient) -> None:
        self._issuer = issuer
        self._client = client
        self._fetching = asyncio.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._metadata_until = self._keys_until = self._next_search = 0.0

    async def metadata(self) -> dict[str, Any]:
        if time.monotonic() < self._metadata_until:
            return self._metadata
        async with _patience(), self._fetching:
            if time.monotonic() >= self._metadata_until:
                self._metadata = await self._discover()
                self._metadata_until = time.monotonic() + KEPT_SECONDS
        return self._metadata

    async def keys(self) -> KeySet:
        if self._keys is not None and time.monotonic() < self._keys_until:
            return self._keys
        return await self._fetch_keys(self._keys)

    async def newer_keys(self, seen: KeySet) -> KeySet:
        """The keys once more, because `seen` lacks one; the same again while the cool-down lasts."""
        if self._keys is seen:
            if time.monotonic() < self._next_search:
                return seen
            self._next_search = time.monotonic() + COOL_DOWN_SECONDS
        return await self._fetch_keys(seen)

    async def refresh(self) -> None:
        """Forget what was fetched, and fetch it again."""
        self._metadata_until = self._keys_until = 0.0
        await self.keys()

    async def _fetch_keys(self, seen: KeySet | None) -> KeySet:
        uri = (await self.metadata())["jwks_uri"]
        async with _patience(), self._fetching:
            if self._keys is None or self._keys is seen:
                self._keys = _key_set(await fetch_json(self._client, uri))
                self._keys_until = time.monotonic() + KEPT_SECONDS
        return self._keys

    async def _discover(self) -> dict[str, Any]:
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await fetch_json(self._client, url)
        if found.get("issuer") != self._issuer:
            raise ProviderUnavailable(f"{url} names the issuer {str(found.get('issuer'))[:200]!r}, not {self._issuer}")
        for name in (*_ENDPOINTS, *(["userinfo_endpoint"] if "userinfo_endpoint" in found else [])):
            if not _is_usable(found.get(name), self._issuer):
                raise ProviderUnavailable(f"{url}: {name} is no usable address")
        return found


async def fetch_json(client: httpx2.AsyncClient, url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON object at a URL; raises `ProviderUnavailable` for whatever else is there."""
    forbid_in_unit("asking an identity provider")
    try:
        async with asyncio.timeout(SECONDS):
            answer = await client.get(url, headers=headers)
        found = answer.json() if answer.status_code == httpx2.codes.OK else None
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
        raise ProviderUnavailable(f"{url}: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{url}: status {answer.status_code}, or no JSON object")
    return found


@asynccontextmanager
async def _patience() -> AsyncIterator[None]:
    """As long as an answer may take, waiting for another request's turn included."""
    try:
        async with asyncio.timeout(SECONDS):
            yield
    except TimeoutError as error:
        raise ProviderUnavailable(f"no answer within {SECONDS:.0f} s") from error


def _is_usable(address: Any, issuer: str) -> bool:
    """An absolute address; of an https issuer, over https too."""
    if not isinstance(address, str):
        return False
    parts = urlsplit(address)
    schemes = {"https"} if issuer.startswith("https:") else {"http", "https"}
    return parts.scheme in schemes and bool(parts.hostname) and not parts.fragment


def _key_set(found: dict[str, Any]) -> KeySet:
    """The public keys among them; a key that can't be read is left out, as is one for symmetric signatures."""
    listed = found.get("keys")
    keys = []
    for one in listed if isinstance(listed, list) else []:
        try:
            if isinstance(one, dict) and one.get("kty") in {"RSA", "EC", "OKP"} and one.get("use", "sig") == "sig":
                keys += KeySet.import_key_set({"keys": [one]}).keys
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    if not keys:
        raise ProviderUnavailable("the provider publishes no usable key")
    return KeySet(keys)

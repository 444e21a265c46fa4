"""What the port of identity providers promises (OpenID Connect Core 1.0, code flow)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class ProviderUnavailable(Exception):
    """The provider could not be asked, or answered nothing usable; says why."""


class ProviderRefused(Exception):
    """The provider answered, and what it answered proves nothing; says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an authorization request carries, beside what the provider's settings say."""

    state: str
    nonce: str
    code_verifier: str
    redirect_uri: str
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and what of the request it must fit."""

    code: str
    code_verifier: str
    nonce_digest: bytes
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What a checked ID token says of a person. The key of an identity is (`issuer`, `subject`), never the mail.

    `is_email_verified` is true only when the provider says so by the boolean `true`.
    """

    issuer: str
    subject: str
    email: str | None = None
    is_email_verified: bool = False
    hosted_domain: str | None = None
    name: str | None = None
    language: str | None = None
    methods: tuple[str, ...] = ()
    authenticated_at: datetime | None = None


class IdentityProvider(Protocol):
    """One provider. Every method may raise `ProviderUnavailable`."""

    name: str
    label: str
    issuer: str

    async def authorization_url(self, request: Request) -> str:
        """Where the browser goes: code flow, S256 PKCE (RFC 7636)."""

    async def is_own_issuer(self, issuer: str | None) -> bool:
        """Whether the `iss` of an authorization response is right (RFC 9207), absent included where it may be."""

    async def redeem(self, answer: Answer) -> Claims:
        """Exchange the code and check the ID token; raises `ProviderRefused` when any of it does not hold."""

    async def check(self) -> None:
        """Fetch the provider's metadata and keys anew."""

    async def close(self) -> None: ...

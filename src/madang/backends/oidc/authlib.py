"""Identity providers through Authlib: code flow with PKCE; ID tokens signed by asymmetric algorithms only."""

import asyncio
import hashlib
import hmac
import math
from datetime import UTC, datetime
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import EmailStr, TypeAdapter, ValidationError

from madang.backends.oidc.base import Answer, Claims, ProviderRefused, ProviderUnavailable, Request
from madang.backends.oidc.discovery import SECONDS, Discovery, fetch_json
from madang.kit.unit_guard import forbid_in_unit
from madang.kit.urls import GOOGLE_ISSUER

ALGORITHMS = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
]
LEEWAY_SECONDS = 60
_LONGEST_SUBJECT, _LONGEST_NAME, _LONGEST_EMAIL = 255, 100, 320
_EMAIL: TypeAdapter[str] = TypeAdapter(EmailStr)


class AuthlibProvider:
    """Keeps metadata and keys between sign-ins, and nothing of any person."""

    def __init__(self, name: str, label: str, issuer: str, client_id: str, client_secret: str, scopes: str) -> None:
        self.name, self.label, self.issuer = name, label, issuer
        self._client_id, self._client_secret, self._scopes = client_id, client_secret, scopes
        self._transport = httpx2.AsyncHTTPTransport()
        self._client = httpx2.AsyncClient(
            transport=self._transport, timeout=SECONDS, follow_redirects=False, trust_env=False
        )
        self._discovery = Discovery(issuer, self._client)

    async def authorization_url(self, request: Request) -> str:
        metadata = await self._discovery.metadata()
        # Google knows no prompt=login; choosing the account is the most that it offers.
        prompt = "select_account" if self.issuer == GOOGLE_ISSUER else "login"
        again = {"prompt": prompt, "max_age": "0"} if request.is_fresh else {}
        url, _ = self._oauth(metadata).create_authorization_url(
            metadata["authorization_endpoint"],
            state=request.state,
            code_verifier=request.code_verifier,
            redirect_uri=request.redirect_uri,
            nonce=request.nonce,
            **again,
        )
        return str(url)

    async def is_own_issuer(self, issuer: str | None) -> bool:
        if issuer is not None:
            return issuer == self.issuer
        return (await self._discovery.metadata()).get("authorization_response_iss_parameter_supported") is not True

    async def redeem(self, answer: Answer) -> Claims:
        tokens = await self._exchange(answer)
        said = await self._verified(tokens, answer.nonce_digest)
        if "email" not in said:
            said = {**said, "email_verified": None, **await self._userinfo(tokens, said["sub"])}
        return _claims(self.issuer, said)

    async def check(self) -> None:
        await self._discovery.refresh()

    async def close(self) -> None:
        await self._client.aclose()

    def _oauth(self, metadata: dict[str, Any]) -> Any:
        """Authlib's client remembers the tokens it got, so each sign-in has one of its own on the shared transport."""
        offered = metadata.get("token_endpoint_auth_methods_supported")
        posts = isinstance(offered, list) and "client_secret_basic" not in offered and "client_secret_post" in offered
        return AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method="client_secret_post" if posts else "client_secret_basic",
            scope=self._scopes,
            code_challenge_method="S256",
            transport=self._transport,
            timeout=SECONDS,
            follow_redirects=False,
            trust_env=False,
        )

    async def _exchange(self, answer: Answer) -> dict[str, Any]:
        forbid_in_unit("exchanging an authorization code")
        metadata = await self._discovery.metadata()
        try:
            async with asyncio.timeout(SECONDS):
                tokens: dict[str, Any] = await self._oauth(metadata).fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=answer.code,
                    code_verifier=answer.code_verifier,
                    redirect_uri=answer.redirect_uri,
                )
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise ProviderRefused("the code was refused") from None
            raise ProviderUnavailable(f"the token endpoint answers {str(error.error)[:100]}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError) as error:
            raise ProviderUnavailable(f"the token endpoint: {type(error).__name__}") from None
        return tokens

    async def _verified(self, tokens: dict[str, Any], nonce_digest: bytes) -> dict[str, Any]:
        """The claims of the ID token, once signature, iss, aud, azp, exp, iat, nonce and at_hash hold."""
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise ProviderRefused("there is no ID token")
        keys = await self._discovery.keys()
        try:
            try:
                decoded = _decode(token, keys)
            except (InvalidKeyIdError, BadSignatureError):
                decoded = _decode(token, await self._discovery.newer_keys(keys))
            self._validate(decoded, tokens, nonce_digest)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ProviderRefused(f"the ID token does not hold: {type(error).__name__} {error}"[:200]) from None
        return decoded.claims

    def _validate(self, decoded: jwt.Token, tokens: dict[str, Any], nonce_digest: bytes) -> None:
        def is_own_nonce(_claims: object, nonce: object) -> bool:
            digest = hashlib.sha256(str(nonce).encode()).digest()
            return isinstance(nonce, str) and hmac.compare_digest(digest, nonce_digest)

        options = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self._client_id},
            "nonce": {"essential": True, "validate": is_own_nonce},
        }
        params = {"client_id": self._client_id, "access_token": tokens.get("access_token")}
        CodeIDToken(decoded.claims, decoded.header, options, params).validate(leeway=LEEWAY_SECONDS)

    async def _userinfo(self, tokens: dict[str, Any], subject: str) -> dict[str, Any]:
        """What the ID token left out of the mail; it counts only for the same subject (Core §5.3.2)."""
        endpoint, access = (await self._discovery.metadata()).get("userinfo_endpoint"), tokens.get("access_token")
        if endpoint is None or not isinstance(access, str):
            return {}
        found = await fetch_json(self._client, endpoint, {"Authorization": f"Bearer {access}"})
        if found.get("sub") != subject:
            raise ProviderRefused("userinfo speaks of another subject")
        return {name: found[name] for name in ("email", "email_verified", "hd") if name in found}


def _decode(token: str, keys: KeySet) -> jwt.Token:
    return jwt.decode(token, keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))


def _claims(issuer: str, said: dict[str, Any]) -> Claims:
    subject = said["sub"]
    if not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise ProviderRefused("the subject can't be kept")
    methods = said.get("amr")
    return Claims(
        issuer=issuer,
        subject=subject,
        email=_email(said.get("email")),
        is_email_verified=said.get("email_verified") is True,
        hosted_domain=_text(said.get("hd")),
        name=_text(said.get("name")),
        language=_language(said.get("locale")),
        methods=tuple(one for one in methods if isinstance(one, str)) if isinstance(methods, list) else (),
        authenticated_at=_time(said.get("auth_time")),
    )


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return "".join(sign for sign in value if sign.isprintable()).strip()[:_LONGEST_NAME].strip() or None


def _email(value: Any) -> str | None:
    """An address; one whose local part has to be rewritten first is left out, since it may be another mailbox."""
    try:
        email = _EMAIL.validate_python(value)
    except ValidationError:
        return None
    is_as_given = email.rpartition("@")[0] == value.rpartition("@")[0]
    return email if is_as_given and len(email) <= _LONGEST_EMAIL else None


def _language(value: Any) -> str | None:
    primary = value.replace("_", "-").partition("-")[0].lower() if isinstance(value, str) else ""
    return primary if primary in {"ko", "en"} else None


def _time(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None

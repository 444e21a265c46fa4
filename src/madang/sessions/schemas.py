"""Requests and responses of sessions."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import EmailStr, Field

from madang.accounts.schemas import AccountId, Password
from madang.factors.schemas import UsedCredential
from madang.kit.schemas import Body, View

MfaToken = Annotated[str, Field(max_length=200)]


class TokenView(View):
    """RFC 6749 §5.1; `refresh_token` only when `offline_access` was asked for, otherwise it is in its cookie."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - RFC 6750's name of the type
    expires_in: int = Field(description="seconds")
    scope: str
    refresh_token: str | None = None


class KeySet(View):
    """RFC 7517; public keys only."""

    keys: list[dict[str, Any]]


class AuthorizationServer(View):
    """RFC 8414, for the tokens of our own front ends."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    service_documentation: str
    response_types_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ("refresh_token",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("none",)
    revocation_endpoint_auth_methods_supported: tuple[str, ...] = ("none",)
    introspection_endpoint_auth_methods_supported: tuple[str, ...] = ("Bearer",)


class Actor(View):
    """RFC 8693 §4.1: who acts for the subject."""

    sub: str


class Introspection(View):
    """RFC 7662 §2.2; a token that is not active says only that."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    username: str | None = None
    token_type: str | None = None
    exp: int | None = Field(None, description="Unix seconds")
    nbf: int | None = Field(None, description="Unix seconds")
    sub: str | None = None
    aud: str | None = None
    iss: str | None = None
    act: Actor | None = None


class SessionView(View):
    id: UUID
    current: bool
    created_at: datetime
    last_used_at: datetime
    ip: str | None
    user_agent: str | None
    method: str
    expires_at: datetime


class SignedOut(View):
    sessions_ended: int


class PasswordProof(Body):
    password: Password


class Verified(View):
    verified: bool


class NewPasskeyLogin(Body):
    mfa_token: MfaToken | None = Field(None, description="of the sign-in that the passkey completes")


class PasskeySignIn(Body):
    credential: UsedCredential
    mfa_token: MfaToken | None = Field(None, description="as it was given for the options")
    scope: str | None = Field(None, max_length=400, description="without mfa_token; its sign-in asked for one already")


class PasskeyProof(Body):
    credential: UsedCredential


class PasswordChange(Body):
    old_password: Password
    new_password: Password


class Verification(Body):
    email: EmailStr | None = Field(None, description="a new address; absent: the one that waits to be proven")


class MailCode(Body):
    code: str = Field(max_length=200, description="the code, or the token of the mailed link")


class Forgotten(Body):
    email: EmailStr


class NewPassword(MailCode):
    new_password: Password


class SetUp(Body):
    code: str = Field(max_length=100)
    account_id: AccountId
    password: Password

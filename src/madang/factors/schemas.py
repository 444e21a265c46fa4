"""Requests and responses of second factors and passkeys."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel, StringConstraints

from madang.kit.schemas import Body, View

PasskeyName = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
# base64url; a credential's id has at most 1023 bytes (WebAuthn §4), the others as much as any authenticator sends.
_CredentialId = Annotated[str, Field(max_length=1364)]
_Short = Annotated[str, Field(max_length=16_384)]
_Long = Annotated[str, Field(max_length=65_536)]


class FactorsView(View):
    totp: bool
    passkeys: int
    recovery_codes_left: int


class NewTotp(View):
    secret: str = Field(description="base32, for typing by hand")
    otpauth_uri: str = Field(description="for a QR code")


class FactorCode(Body):
    code: str = Field(max_length=64)


class RecoveryCodes(View):
    recovery_codes: list[str] = Field(description="shown this once; each signs in once")


class FirstRecoveryCodes(View):
    recovery_codes: list[str] | None = Field(
        description="shown this once; each signs in once. null when there are codes already, which go on"
    )


class PasskeyOptions(RootModel[dict[str, Any]]):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON()` or `parseRequestOptionsFromJSON()`."""


class _FromBrowser(Body):
    """Browsers add members as WebAuthn grows, so here alone what is not known is let pass; it is not read."""

    model_config = ConfigDict(extra="ignore")


class Attestation(_FromBrowser):
    clientDataJSON: _Short  # noqa: N815 - WebAuthn's name, as are those below
    attestationObject: _Long  # noqa: N815
    transports: list[Annotated[str, Field(max_length=30)]] = Field([], max_length=20)


class NewCredential(_FromBrowser):
    """`RegistrationResponseJSON`, what `toJSON()` makes of the new credential."""

    id: _CredentialId
    rawId: _CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: Attestation


class Signature(_FromBrowser):
    clientDataJSON: _Short  # noqa: N815
    authenticatorData: _Short  # noqa: N815
    signature: _Short
    userHandle: Annotated[str, Field(max_length=100)] | None = None  # noqa: N815


class UsedCredential(_FromBrowser):
    """`AuthenticationResponseJSON`, what `toJSON()` makes of the credential that was used."""

    id: _CredentialId
    rawId: _CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: Signature


class NewPasskey(Body):
    credential: NewCredential
    name: PasskeyName = "Passkey"


class PasskeyPatch(Body):
    name: PasskeyName


class PasskeyView(View):
    id: UUID
    name: str
    aaguid: str = Field(description="the authenticator's model, as it says itself")
    transports: list[str]
    is_backed_up: bool = Field(description="kept by more than one device")
    created_at: datetime
    last_used_at: datetime | None


class AddedPasskey(PasskeyView, FirstRecoveryCodes):
    pass

"""Requests and responses of second factors."""

from pydantic import Field

from madang.kit.schemas import Body, View


class FactorsView(View):
    totp: bool
    recovery_codes_left: int


class NewTotp(View):
    secret: str = Field(description="base32, for typing by hand")
    otpauth_uri: str = Field(description="for a QR code")


class FactorCode(Body):
    code: str = Field(max_length=64)


class RecoveryCodes(View):
    recovery_codes: list[str] = Field(description="shown this once; each signs in once")

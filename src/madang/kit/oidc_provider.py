"""What has to be known of an OpenID Connect issuer before anybody can sign in with it."""

from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator


class OidcProvider(BaseModel):
    """An OpenID Connect issuer that people sign in with; `issuer` exactly as its metadata says it."""

    issuer: str = Field(max_length=300)
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    scopes: str = "openid email profile"
    label: str = Field("", max_length=50, description="what the button says; otherwise the name")

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be https:// and a host, with no query")
        return value

    @field_validator("scopes")
    @classmethod
    def _scopes(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError("must contain openid, since without it there is no ID token")
        return " ".join(value.split())

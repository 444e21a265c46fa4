"""Settings: the only reader of the environment. Every name is documented in `.env.example`."""

import re
from datetime import timedelta
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from madang.kit.oidc_provider import OidcProvider
from madang.kit.token_keys import Algorithm
from madang.kit.upstream_settings import UpstreamSettings
from madang.kit.urls import GOOGLE_ISSUER, origin_of

Seconds = Annotated[int, Field(gt=0)]
Days = Annotated[int, Field(ge=0)]
Rate = Annotated[str, Field(pattern=r"(?i)^ *[1-9]\d* *(/|per) *([1-9]\d* *)?(second|minute|hour|day|month|year)s? *$")]
_NAME = r"^[a-z0-9][a-z0-9-]{0,29}$"
KnownBadSecrets = {"secret", "changeme", "change-me", "your-secret-key", "your-secret-key-min-32-chars"}
MIN_SECRET_LENGTH = 32


class BadSettings(Exception):
    """The environment can't be used as it is; the message names each variable and what to do."""


class Limits(BaseModel):
    """How often; values like `10/15 minutes`, read by the `limits` package."""

    enabled: bool = True
    everything: Rate = "600/minute"
    sign_up: Rate = "10/hour"
    sign_in_account: Rate = "10/15 minutes"
    sign_in_address: Rate = "100/15 minutes"
    exist: Rate = "30/minute"
    mail: Rate = "20/hour"
    passkeys: Rate = "60/minute"
    chat: Rate = "60/minute"
    uploads: Rate = "100/hour"


class Settings(BaseSettings):
    """What can be configured, with defaults that make a working product on a laptop."""

    model_config = SettingsConfigDict(
        env_prefix="MADANG_", env_file=".env", env_nested_delimiter="__", extra="ignore", populate_by_name=True
    )

    env: Literal["development", "production"] = "development"
    data_dir: Path = Path("var")
    public_url: str = ""
    frontend_url: str = ""
    cors_origins: Annotated[list[str], NoDecode] = []
    outbound_allow: Annotated[list[str], NoDecode] = []
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode] = []
    secret_key: SecretStr = Field(SecretStr(""), validation_alias=AliasChoices("MADANG_SECRET_KEY", "SECRET_KEY"))

    database_url: str = Field("", validation_alias=AliasChoices("MADANG_DATABASE_URL", "DATABASE_URL"))
    database_direct_url: str = ""
    database_pool: int = Field(10, ge=1)
    database_statement_timeout: Seconds = 30
    cache_url: str = Field("memory://", validation_alias=AliasChoices("MADANG_CACHE_URL", "REDIS_URL"))
    broker_url: str = Field("local://", validation_alias=AliasChoices("MADANG_BROKER_URL", "RABBITMQ_URL"))
    storage_url: str = ""
    mail_url: str = "console://"
    mail_from: str = ""
    captioner_url: str = "local://"
    llm_url: str = Field("demo://", validation_alias=AliasChoices("MADANG_LLM_URL", "OPENAI_BASE_URL"))
    llm_api_key: SecretStr = Field(SecretStr(""), validation_alias=AliasChoices("MADANG_LLM_API_KEY", "OPENAI_API_KEY"))
    llm_model: str = ""
    ollama_url: str = "http://127.0.0.1:11434"
    upstreams: dict[Annotated[str, Field(pattern=_NAME)], UpstreamSettings] = {}
    google_client_id: str = ""
    google_client_secret: SecretStr = SecretStr("")
    oidc: dict[Annotated[str, Field(pattern=_NAME)], OidcProvider] = {}

    password_min_length: int = Field(8, ge=8, le=128)
    password_composition: bool = False
    password_breaches: str = ""
    jwt_algorithm: Algorithm = "EdDSA"
    access_ttl: Seconds = 15 * 60
    refresh_idle_ttl: Seconds = 30 * 24 * 3600
    refresh_absolute_ttl: Seconds = 90 * 24 * 3600
    refresh_grace: Annotated[int, Field(ge=0, le=300)] = 20
    fresh_ttl: Seconds = 15 * 60

    max_body: int = Field(1 << 20, ge=1024, description="bytes of a request's body, uploads aside")
    max_upload: int = Field(4 << 30, ge=1, description="bytes of one media file")
    upload_ttl: Seconds = 3600
    max_media_seconds: Seconds = 4 * 3600
    drain: Annotated[int, Field(ge=0, le=300)] = 0
    caption_workers: int = Field(1, ge=0, le=64)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    keep_ended_sessions: Days = 30
    keep_sent_events: Days = 7
    keep_run_logs: Days = 1
    keep_idempotency_keys: Days = 1
    keep_unfinished_uploads: Days = 1
    keep_temporary_chats: Days = 1
    erasure_grace: Days = 30

    limits: Limits = Limits()

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        return [_origin(part) for part in _split(value)]

    @field_validator("outbound_allow", mode="before")
    @classmethod
    def _hosts_and_networks(cls, value: Any) -> Any:
        return _split(value)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        return [ip_network(part, strict=False) for part in _split(value)]

    @field_validator("public_url", "frontend_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("must be http:// or https:// and a host")
        return value.rstrip("/")

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        """`Name <address>` or a bare address, on one line."""
        if value and ("@" not in parseaddr(value)[1] or not value.isprintable()):
            raise ValueError("must be an address such as Madang <no-reply@example.org>")
        return value

    @field_validator("database_url", "database_direct_url")
    @classmethod
    def _database(cls, value: str) -> str:
        url = _async_driver(value)
        if url and not url.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return url

    @model_validator(mode="after")
    def _defaults_and_production_rules(self) -> Self:
        self.database_url = self.database_url or f"sqlite+aiosqlite:///{self.data_dir}/madang.db"
        self.storage_url = self.storage_url or f"file:{self.data_dir}/media"
        _refuse(self._google_faults())
        self.mail_from = self.mail_from or f"Madang <no-reply@{urlsplit(self.site).hostname}>"
        if self.env == "production":
            _refuse(self._production_faults())
        return self

    @property
    def secrets(self) -> list[str]:
        return [part for part in _split(self.secret_key.get_secret_value()) if part]

    @property
    def site(self) -> str:
        """The address people use, without a slash at the end."""
        return self.public_url or "http://localhost:8000"

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def identity_providers(self) -> dict[str, OidcProvider]:
        """Every provider that people may sign in with, by its name."""
        if not self.google_client_id:
            return self.oidc
        google = OidcProvider(
            issuer=GOOGLE_ISSUER,
            client_id=self.google_client_id,
            client_secret=self.google_client_secret,
            label="Google",
        )
        return {"google": google, **self.oidc}

    @property
    def all_upstreams(self) -> dict[str, UpstreamSettings]:
        """`MADANG_LLM_URL` is the one named `default`, before all others; the demo steps back for any other."""
        if self.upstreams and self.llm_url.startswith("demo:"):
            return self.upstreams
        first = UpstreamSettings(url=self.llm_url, api_key=self.llm_api_key, model=self.llm_model, order=0)
        return {"default": first, **self.upstreams}

    @property
    def has_no_model(self) -> bool:
        """Whether nobody has said which model answers, not even the demo."""
        is_chosen = "llm_url" in self.model_fields_set or bool(self.upstreams)
        return self.env == "development" and not is_chosen and self.ollama_url != "none"

    @property
    def embedded_ports(self) -> list[str]:
        """The settings whose choice binds the data to one process."""
        chosen = {
            "MADANG_DATABASE_URL": self.is_sqlite,
            "MADANG_CACHE_URL": self.cache_url.startswith("memory:"),
            "MADANG_BROKER_URL": self.broker_url.startswith("local:"),
        }
        return [name for name, embedded in chosen.items() if embedded]

    def seconds(self, name: str) -> timedelta:
        return timedelta(seconds=getattr(self, name))

    def _google_faults(self) -> list[str]:
        if not self.google_client_id and not self.google_client_secret.get_secret_value():
            return []
        faults = []
        if not self.google_client_id or not self.google_client_secret.get_secret_value():
            faults.append("MADANG_GOOGLE_CLIENT_ID: set it together with MADANG_GOOGLE_CLIENT_SECRET, or neither")
        if "google" in self.oidc:
            faults.append("MADANG_OIDC__google: MADANG_GOOGLE_CLIENT_ID has this name already; choose another one")
        return faults

    def _production_faults(self) -> list[str]:
        faults = [
            f"MADANG_OIDC__{name}__ISSUER: production needs https://"
            for name, one in self.oidc.items()
            if not one.issuer.startswith("https://")
        ]
        if not self.is_https:
            faults.append("MADANG_PUBLIC_URL: production needs the https:// address people use")
        if self.mail_url.startswith("console:"):
            faults.append("MADANG_MAIL_URL: console:// only prints; use none to switch mail off")
        if self.llm_url.startswith("demo:") and not self.upstreams:
            faults.append("MADANG_LLM_URL: demo:// answers nothing real; give an OpenAI-compatible URL, or none")
        return faults + [fault for secret in self.secrets or [""] for fault in _weakness(secret)]


def load_settings(**values: Any) -> Settings:
    """Settings from the environment; every fault is named with its variable in one `BadSettings`."""
    try:
        return Settings(**values)
    except ValidationError as error:
        raise BadSettings("\n".join(_explain(fault) for fault in error.errors())) from None
    except SettingsError as error:
        [name] = re.findall(r'field "(\w+)"', str(error)) or ["settings"]
        raise BadSettings(f"MADANG_{name.upper()}: can't be read; see .env.example for its form") from None


def _explain(fault: Any) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not fault["loc"]:
        return message
    name = "__".join(str(part) for part in fault["loc"]).upper()
    return f"{name if name.startswith('MADANG_') else 'MADANG_' + name}: {message}"


def _weakness(secret: str) -> list[str]:
    if len(secret) >= MIN_SECRET_LENGTH and secret.lower() not in KnownBadSecrets and len(set(secret)) > 4:  # noqa: PLR2004 - one letter repeated is no secret
        return []
    return [
        f"MADANG_SECRET_KEY: needs {MIN_SECRET_LENGTH} random characters or more; make one with: openssl rand -hex 32"
    ]


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ValueError("\n".join(faults))


def _origin(text: str) -> str:
    parts = urlsplit(text)
    is_web = parts.scheme in {"http", "https"} and parts.hostname and "*" not in parts.hostname
    if not is_web or parts.path.strip("/") or parts.query:
        raise ValueError(f"{text!r} is no origin; list each one as https://host, since any site could use a *")
    return origin_of(text)


def _split(value: Any) -> list[Any]:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else list(value)


def _async_driver(url: str) -> str:
    """The source systems' URLs name no driver, or a synchronous one; ours are asynchronous. asyncpg's `ssl` takes
    the values of libpq's `sslmode`, which hosted databases put into their URLs."""
    scheme, _, rest = url.partition("://")
    if scheme in {"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"}:
        return "postgresql+asyncpg://" + re.sub(r"([?&])sslmode=", r"\1ssl=", rest)
    return f"sqlite+aiosqlite://{rest}" if scheme == "sqlite" else url

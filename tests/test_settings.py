"""Settings: every fault is named with its variable, and no secret is ever shown."""

import os
import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from limits import parse

from madang.kit.oidc_provider import OidcProvider
from madang.kit.upstream_settings import UpstreamSettings
from madang.settings import BadSettings, Limits, Settings, load_settings

SECRET = "0123456789abcdef" * 4
PRODUCTION = {
    "MADANG_ENV": "production",
    "MADANG_PUBLIC_URL": "https://madang.example",
    "MADANG_SECRET_KEY": SECRET,
    "MADANG_MAIL_URL": "none",
    "MADANG_LLM_URL": "none",
}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's own settings, and no `.env` but the test's."""
    for name in os.environ:
        if name.upper().startswith(("MADANG_", "OPENAI_", "DATABASE_", "SECRET_", "REDIS_", "RABBITMQ_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def fault(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    with pytest.raises(BadSettings) as caught:
        load(monkeypatch, **variables)
    return str(caught.value)


def test_nothing_needs_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    assert settings.database_url == "sqlite+aiosqlite:///var/madang.db"
    assert settings.env == "development"
    assert settings.embedded_ports == ["MADANG_DATABASE_URL", "MADANG_CACHE_URL", "MADANG_BROKER_URL"]


def test_production_with_everything_set_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, **PRODUCTION).is_https


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MADANG_PUBLIC_URL", ""),
        ("MADANG_PUBLIC_URL", "http://madang.example"),
        ("MADANG_MAIL_URL", "console://"),
        ("MADANG_LLM_URL", "demo://"),
        ("MADANG_SECRET_KEY", ""),
        ("MADANG_SECRET_KEY", "secret"),
        ("MADANG_SECRET_KEY", "your-secret-key-min-32-chars"),
        ("MADANG_SECRET_KEY", "x" * 31),
        ("MADANG_SECRET_KEY", "x" * 64),
        ("MADANG_SECRET_KEY", "ab" * 32),
        ("MADANG_SECRET_KEY", f"{SECRET},changeme"),
        ("MADANG_SECRET_KEY", f"changeme,{SECRET}"),
    ],
)
def test_production_names_each_unfit_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    message = fault(monkeypatch, **{**PRODUCTION, name: value})
    assert [line.partition(":")[0] for line in message.splitlines()] == [name]
    assert SECRET not in message
    assert "changeme" not in message


def test_production_tells_all_faults_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = fault(monkeypatch, MADANG_ENV="production")
    named = {line.partition(":")[0] for line in message.splitlines()}
    assert named == {"MADANG_PUBLIC_URL", "MADANG_MAIL_URL", "MADANG_LLM_URL", "MADANG_SECRET_KEY"}


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("MADANG_ENV", "staging", "MADANG_ENV"),
        ("MADANG_ACCESS_TTL", "soon", "MADANG_ACCESS_TTL"),
        ("MADANG_ACCESS_TTL", "0", "MADANG_ACCESS_TTL"),
        ("MADANG_REFRESH_GRACE", "-1", "MADANG_REFRESH_GRACE"),
        ("MADANG_PASSWORD_MIN_LENGTH", "4", "MADANG_PASSWORD_MIN_LENGTH"),
        ("MADANG_PUBLIC_URL", "madang.example", "MADANG_PUBLIC_URL"),
        ("MADANG_PUBLIC_URL", "https://", "MADANG_PUBLIC_URL"),
        ("MADANG_FRONTEND_URL", "javascript:alert(1)", "MADANG_FRONTEND_URL"),
        ("MADANG_TRUSTED_PROXIES", "10.0.0.0/8,nonsense", "MADANG_TRUSTED_PROXIES"),
        ("MADANG_CORS_ORIGINS", "*", "MADANG_CORS_ORIGINS"),
        ("MADANG_CORS_ORIGINS", "null", "MADANG_CORS_ORIGINS"),
        ("MADANG_CORS_ORIGINS", "https://a.example/path", "MADANG_CORS_ORIGINS"),
        ("MADANG_CORS_ORIGINS", "https://*.a.example/?", "MADANG_CORS_ORIGINS"),
        ("MADANG_LIMITS__EVERYTHING", "many", "MADANG_LIMITS__EVERYTHING"),
        ("MADANG_LIMITS__SIGN_UP", "10/fortnight", "MADANG_LIMITS__SIGN_UP"),
        ("MADANG_LIMITS__SIGN_UP", "0/hour", "MADANG_LIMITS__SIGN_UP"),
        ("MADANG_LIMITS__ENABLED", "perhaps", "MADANG_LIMITS__ENABLED"),
        ("MADANG_LIMITS", "not json", "MADANG_LIMITS"),
        ("MADANG_DATABASE_URL", "mysql://me:hunter2@localhost/x", "MADANG_DATABASE_URL"),
        ("MADANG_DATABASE_URL", "hunter2", "MADANG_DATABASE_URL"),
        ("MADANG_DATABASE_DIRECT_URL", "oracle://me:hunter2@localhost/x", "MADANG_DATABASE_DIRECT_URL"),
        ("DATABASE_URL", "mongodb://me:hunter2@localhost/x", "MADANG_DATABASE_URL"),
        ("MADANG_LOG_LEVEL", "chatty", "MADANG_LOG_LEVEL"),
        ("MADANG_MAX_BODY", "1", "MADANG_MAX_BODY"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str) -> None:
    message = fault(monkeypatch, **{variable: value})
    assert message.splitlines()[0].startswith(f"{named}: "), message
    assert len(message.splitlines()) == 1
    assert "hunter2" not in message


@pytest.mark.parametrize("rate", ["10/15 minutes", "600/minute", "1 per hour", "5/second", "100/2 days", "7/HOUR"])
def test_a_rate_that_is_accepted_can_be_counted(monkeypatch: pytest.MonkeyPatch, rate: str) -> None:
    assert parse(load(monkeypatch, MADANG_LIMITS__EXIST=rate).limits.exist).amount == int(re.findall(r"^\d+", rate)[0])


def test_the_source_systems_names_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        DATABASE_URL="postgres://me:pw@db/app",
        SECRET_KEY="s" * 40,
        OPENAI_API_KEY="sk-1",
        OPENAI_BASE_URL="http://localhost:11434/v1",
    )
    assert settings.database_url == "postgresql+asyncpg://me:pw@db/app"
    assert settings.secrets == ["s" * 40]
    assert settings.llm_api_key.get_secret_value() == "sk-1"
    assert settings.llm_url == "http://localhost:11434/v1"


def test_our_own_names_win(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        DATABASE_URL="postgres://theirs/app",
        MADANG_DATABASE_URL="postgres://ours/app",
        SECRET_KEY="theirs",
        MADANG_SECRET_KEY="ours",
    )
    assert settings.database_url == "postgresql+asyncpg://ours/app"
    assert settings.secrets == ["ours"]


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("postgresql://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql+psycopg2://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql+asyncpg://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgres://u@h/d?sslmode=require", "postgresql+asyncpg://u@h/d?ssl=require"),
        ("postgresql://u@h/d?host=/run&sslmode=disable", "postgresql+asyncpg://u@h/d?host=/run&ssl=disable"),
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
    ],
)
def test_every_spelling_of_a_database_gets_its_asynchronous_driver(
    monkeypatch: pytest.MonkeyPatch, given: str, understood: str
) -> None:
    settings = load(monkeypatch, MADANG_DATABASE_URL=given, MADANG_DATABASE_DIRECT_URL=given)
    assert settings.database_url == settings.database_direct_url == understood


def test_comma_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        MADANG_TRUSTED_PROXIES="10.0.0.1, 192.168.0.0/16,, fd00::/8 ",
        MADANG_CORS_ORIGINS="https://a.example/ , HTTP://B.example:80",
        MADANG_SECRET_KEY="first, second,",
    )
    assert settings.trusted_proxies == [ip_network(one) for one in ("10.0.0.1", "192.168.0.0/16", "fd00::/8")]
    assert settings.cors_origins == ["https://a.example", "http://b.example"]
    assert settings.secrets == ["first", "second"]


def test_a_dot_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = [
        "# a comment",
        "MADANG_ACCESS_TTL=111",
        "MADANG_FRESH_TTL='222'",
        "MADANG_LIMITS__CHAT=9/minute",
        "OTHER=x",
    ]
    (tmp_path / ".env").write_text("\n".join(lines))
    settings = load(monkeypatch, MADANG_ACCESS_TTL="333")
    assert (settings.access_ttl, settings.fresh_ttl, settings.limits.chat) == (333, 222, "9/minute")
    assert settings.limits.exist == "30/minute", "the other limits keep their defaults"


def test_no_representation_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, MADANG_SECRET_KEY=SECRET, MADANG_LLM_API_KEY="sk-hunter2")
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert SECRET not in shown
        assert "hunter2" not in shown


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    example = (Path(__file__).parents[1] / ".env.example").read_text()
    documented = set(re.findall(r"^# (MADANG_[\w<>]+)=", example, re.MULTILINE))
    plain = {f"MADANG_{name.upper()}" for name in Settings.model_fields if name not in {"limits", "oidc", "upstreams"}}
    plain |= {f"MADANG_OIDC__<name>__{name.upper()}" for name in OidcProvider.model_fields}
    plain |= {f"MADANG_UPSTREAMS__<name>__{name.upper()}" for name in UpstreamSettings.model_fields}
    assert documented == plain | {f"MADANG_LIMITS__{name.upper()}" for name in Limits.model_fields}


KEYCLOAK = {
    "MADANG_OIDC__keycloak__ISSUER": "https://idp.example/realms/one/",
    "MADANG_OIDC__keycloak__CLIENT_ID": "12345",
    "MADANG_OIDC__keycloak__CLIENT_SECRET": "1e5",
}
GOOGLE = {"MADANG_GOOGLE_CLIENT_ID": "id", "MADANG_GOOGLE_CLIENT_SECRET": "hunter2"}


def test_providers_are_google_and_whatever_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"ISSUER": "https://other.example", "CLIENT_ID": "id", "CLIENT_SECRET": "s", "LABEL": "회사"}
    other = {f"MADANG_OIDC__my-idp__{name}": value for name, value in parts.items()}
    settings = load(monkeypatch, **GOOGLE, **KEYCLOAK, **other)
    providers = settings.identity_providers
    assert {name: one.issuer for name, one in providers.items()} == {
        "google": "https://accounts.google.com",
        "keycloak": "https://idp.example/realms/one/",
        "my-idp": "https://other.example",
    }
    assert providers["keycloak"].client_id == "12345"
    assert providers["keycloak"].client_secret.get_secret_value() == "1e5"
    assert (providers["google"].label, providers["my-idp"].label) == ("Google", "회사")
    assert "hunter2" not in repr(settings)


def test_providers_that_can_not_work_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {name.replace("keycloak", "google"): value for name, value in KEYCLOAK.items()}
    assert "MADANG_OIDC__google" in fault(monkeypatch, **GOOGLE, **taken)
    assert "MADANG_GOOGLE_CLIENT_ID" in fault(monkeypatch, MADANG_GOOGLE_CLIENT_SECRET="")


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [
        ("ISSUER", "ftp://idp.example", "MADANG_OIDC__KEYCLOAK__ISSUER"),
        ("ISSUER", "https://idp.example/?realm=one", "MADANG_OIDC__KEYCLOAK__ISSUER"),
        ("CLIENT_SECRET", "", "MADANG_OIDC__KEYCLOAK__CLIENT_SECRET"),
        ("SCOPES", "email", "MADANG_OIDC__KEYCLOAK__SCOPES"),
    ],
)
def test_a_fault_of_a_provider_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, part: str, value: str, named: str
) -> None:
    assert named in fault(monkeypatch, **KEYCLOAK | {f"MADANG_OIDC__keycloak__{part}": value})


def test_a_provider_name_that_makes_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "MADANG_OIDC" in fault(
        monkeypatch, **{name.replace("keycloak", "key.cloak"): value for name, value in KEYCLOAK.items()}
    )


def test_production_asks_providers_over_https(monkeypatch: pytest.MonkeyPatch) -> None:
    over_http = KEYCLOAK | {"MADANG_OIDC__keycloak__ISSUER": "http://idp.example"}
    assert "MADANG_OIDC__keycloak__ISSUER" in fault(monkeypatch, **PRODUCTION, **over_http)


def test_upstreams_stand_in_their_order_and_the_demo_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"URL": "http://gpu:8000/v1", "MODELS": "small, large", "ROLES": "Admin,Staff", "ORDER": "3"}
    for name, value in given.items():
        monkeypatch.setenv(f"MADANG_UPSTREAMS__gpu__{name}", value)
    assert list(load_settings().all_upstreams) == ["gpu"]
    monkeypatch.setenv("MADANG_LLM_URL", "https://models.example.org/v1")
    found = load_settings().all_upstreams
    assert [(name, one.order) for name, one in found.items()] == [("default", 0), ("gpu", 3)]
    assert (found["gpu"].models, found["gpu"].roles) == (["small", "large"], ["Admin", "Staff"])

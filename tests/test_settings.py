"""Settings: every fault is named with its variable, and no secret is ever shown."""

import os
import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from limits import parse

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
    parse(load(monkeypatch, MADANG_LIMITS__EXIST=rate).limits.exist)


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
    documented = set(re.findall(r"^# (MADANG_\w+)=", example, re.MULTILINE))
    plain = {f"MADANG_{name.upper()}" for name in Settings.model_fields if name != "limits"}
    assert documented == plain | {f"MADANG_LIMITS__{name.upper()}" for name in Limits.model_fields}

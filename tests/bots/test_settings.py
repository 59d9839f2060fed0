"""Settings: every variable of the design, one sentence for each that is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bots.errors import BadSettings
from bots.settings import Settings, load_settings

Load = Callable[..., Settings]
_DESIGN = frozenset(
    {
        "DATABASE_URL",
        "FILES_URL",
        "PUBLIC_URL",
        "HTTP_PORT",
        "SECRET_KEYS",
        "LOG_FORMAT",
        "ANTHROPIC_API_KEY",
        "GOOGLE_API_KEY",
        "OPENAI_API_KEY",
        "ANTHROPIC_BASE_URL",
        "GOOGLE_GEMINI_BASE_URL",
        "OPENAI_BASE_URL",
        "SLACK_CLIENT_ID",
        "SLACK_CLIENT_SECRET",
        "SLACK_SIGNING_SECRET",
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_API_URL",
        "SLACK_AUTHORIZE_URL",
        "DISCORD_TOKEN",
        "DISCORD_API_URL",
        "DISCORD_GATEWAY_URL",
        "DISCORD_MESSAGE_CONTENT",
        "DISCORD_SHARD_IDS",
        "DISCORD_SHARD_COUNT",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "STRIPE_STARTER_PRICE_ID",
        "STRIPE_PRO_PRICE_ID",
        "STRIPE_CREDIT_PRICE_ID",
        "STRIPE_API_URL",
    }
)

_BAD_KEY = (
    "SECRET_KEYS key {} must be 32 random bytes in URL-safe base64, as "
    'python -c "import secrets; print(secrets.token_urlsafe(32))" makes them.'
)
_NO_KEYS = (
    "SECRET_KEYS must be set when SLACK_CLIENT_ID is: it encrypts the tokens of the workspaces that install the app."
)
_HALF = "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET must be set together."
_EXCLUSIVE = (
    "SLACK_CLIENT_ID and SLACK_BOT_TOKEN exclude each other: the first is for many workspaces that install the app, "
    "the second for one workspace."
)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)

    def _load(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return _load


def test_every_variable_of_the_design_is_read() -> None:
    """The design names the variables; none is missing."""
    assert {name.lower() for name in _DESIGN} <= set(Settings.model_fields)


def test_nothing_set_runs_on_sqlite(load: Load) -> None:
    """Without any variable: SQLite and files beside it, this machine only, no provider."""
    settings = load()
    assert settings.is_sqlite
    assert settings.engine_url == "sqlite:///atelier-engine.db"
    assert settings.resolved_files_url.endswith("/atelier-files")
    assert (settings.http_host, settings.providers) == ("127.0.0.1", ())


def test_the_engine_follows_the_database(load: Load) -> None:
    """On PostgreSQL the engine uses the same database through its own driver."""
    settings = load(DATABASE_URL="postgresql+asyncpg://me:secret@db/atelier?ssl=require")
    assert not settings.is_sqlite
    assert settings.engine_url == "postgresql+psycopg://me:secret@db/atelier?ssl=require"


def test_a_file_and_the_environment(load: Load, tmp_path: Path) -> None:
    """.env is read, the environment wins, an empty variable counts as not set."""
    (tmp_path / ".env").write_text("HTTP_PORT=1234\nLOG_FORMAT=json\nSOMETHING_ELSE=x\n")
    settings = load(HTTP_PORT="4321", OPENAI_API_KEY="")
    assert (settings.http_port, settings.log_format, settings.providers) == (4321, "json", ())


def test_lists_are_divided_by_commas(load: Load) -> None:
    """Keys and shards are lists."""
    settings = load(SECRET_KEYS=f"{'a' * 43}, {'b' * 43}=", DISCORD_SHARD_IDS="0, 2")
    assert [key.get_secret_value()[0] for key in settings.secret_keys] == ["a", "b"]
    assert settings.discord_shard_ids == (0, 2)


def test_a_local_server_needs_no_key(load: Load) -> None:
    """OPENAI_BASE_URL alone configures an OpenAI-compatible server."""
    assert load(OPENAI_BASE_URL="http://127.0.0.1:11434/v1/").providers == ("openai",)


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"HTTP_PORT": "99999"}, "HTTP_PORT must be less than or equal to 65535."),
        ({"HTTP_PORT": "http"}, "HTTP_PORT must be a valid integer, unable to parse string as an integer."),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be 'console' or 'json'."),
        ({"DATABASE_URL": "mysql://db"}, "DATABASE_URL must begin with sqlite+aiosqlite:// or postgresql+asyncpg://."),
        ({"FILES_URL": "ftp://x"}, "FILES_URL must begin with file:// or s3://."),
        ({"OPENAI_BASE_URL": "localhost"}, "OPENAI_BASE_URL must be an address that begins with http:// or https://."),
        ({"SECRET_KEYS": "short-and-secret"}, _BAD_KEY.format(1)),
        ({"SECRET_KEYS": f"{'a' * 43},{'b' * 42}ä"}, _BAD_KEY.format(2)),
        ({"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s"}, _NO_KEYS),
        ({"SLACK_CLIENT_ID": "1.2", "SECRET_KEYS": "a" * 43}, _HALF),
        ({"SLACK_CLIENT_SECRET": "s", "SECRET_KEYS": "a" * 43}, _HALF),
        ({"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s", "SLACK_BOT_TOKEN": "xoxb"}, _EXCLUSIVE),
    ],
)
def test_a_wrong_variable_is_one_sentence(load: Load, variables: dict[str, str], problem: str) -> None:
    """The sentence names the variable."""
    with pytest.raises(BadSettings) as caught:
        load(**variables)
    assert caught.value.problems == (problem,)


def test_no_secret_is_ever_shown(load: Load) -> None:
    """Neither a wrong secret in an error nor a right one in a repr can be read."""
    with pytest.raises(BadSettings) as caught:
        load(SECRET_KEYS="hush-hush", DATABASE_URL="mysql://me:hush-hush@db")
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(
        load(SECRET_KEYS="hush" * 10 + "hus", DATABASE_URL="sqlite:///x.db", OPENAI_API_KEY="hush")
    )


def test_slack_for_many_workspaces(load: Load) -> None:
    """OAuth goes with keys that encrypt what comes of it."""
    settings = load(SLACK_CLIENT_ID="1.2", SLACK_CLIENT_SECRET="s", SECRET_KEYS="a" * 43)
    assert (settings.slack_client_id, settings.slack_bot_token) == ("1.2", None)


def test_slack_for_one_workspace(load: Load) -> None:
    """A token of the operator's own stays in the settings, so nothing has to be encrypted."""
    assert load(SLACK_BOT_TOKEN="xoxb-1").secret_keys == ()

"""The settings: read once, from the environment and a `.env` file, by whoever builds the program. Nothing else does."""

import base64
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bots.errors import BadSettings

_SQLITE = "sqlite"
_POSTGRES = "postgresql"
_KEY_BYTES = 32


class Settings(BaseSettings):
    """Every variable that Atelier knows; each has the name of its field in capitals.

    Attributes:
        database_url: ``sqlite+aiosqlite:///./atelier.db`` or ``postgresql+asyncpg://user:password@host/name``.
        files_url: ``file:///path`` or ``s3://bucket/prefix``; empty for a folder beside the database.
        public_url: Where people reach us over HTTP; empty for nowhere.
        http_host, http_port: Where the role http listens. Only this machine unless told otherwise.
        secret_keys: Keys that encrypt tokens at rest, divided by commas; the first one is current.
        log_format: ``console`` for people, ``json`` for machines.
        default_model: Model id or alias unless somebody chooses; empty for the first configured provider's.
        custom_models: Models of a server of your own at OPENAI_BASE_URL, divided by commas.
        discord_shard_ids: Divided by commas; empty for all.
        retention_days: Days after which texts of ended sessions are removed where nothing is sold; empty for never.
        stripe_webhook_secret: Several divided by commas while one replaces another.
        stripe_tax: Whether Stripe Tax reckons taxes; it must be set up in the account.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True, frozen=True
    )

    database_url: SecretStr = SecretStr("sqlite+aiosqlite:///./atelier.db")
    files_url: str = ""
    public_url: str = ""
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    retention_days: Annotated[int, Field(ge=7)] | None = None

    anthropic_api_key: SecretStr | None = None
    google_api_key: SecretStr | None = None
    openai_api_key: SecretStr | None = None
    anthropic_base_url: str = ""
    google_gemini_base_url: str = ""
    openai_base_url: str = ""
    default_model: str = ""
    custom_models: Annotated[tuple[str, ...], NoDecode] = ()

    slack_client_id: str = ""
    slack_client_secret: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_api_url: str = ""
    slack_authorize_url: str = ""

    discord_token: SecretStr | None = None
    discord_api_url: str = ""
    discord_gateway_url: str = ""
    discord_message_content: bool = False
    discord_shard_ids: Annotated[tuple[int, ...], NoDecode] = ()
    discord_shard_count: Annotated[int, Field(ge=1)] | None = None

    stripe_secret_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None
    stripe_starter_price_id: str = ""
    stripe_pro_price_id: str = ""
    stripe_credit_price_id: str = ""
    stripe_api_url: str = ""
    stripe_tax: bool = False

    @field_validator("secret_keys", "discord_shard_ids", "custom_models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [piece.strip() for piece in value.split(",") if piece.strip()] if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        scheme = value.get_secret_value().partition(":")[0].partition("+")[0]
        if scheme not in {_SQLITE, _POSTGRES}:
            raise ValueError("must begin with sqlite+aiosqlite:// or postgresql+asyncpg://")
        return value

    @field_validator("files_url")
    @classmethod
    def _known_files(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"file", "s3"}:
            raise ValueError("must begin with file:// or s3://")
        return value

    @field_validator(
        "public_url",
        "anthropic_base_url",
        "google_gemini_base_url",
        "openai_base_url",
        "slack_api_url",
        "slack_authorize_url",
        "discord_api_url",
        "stripe_api_url",
    )
    @classmethod
    def _known_url(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("must be an address that begins with http:// or https://")
        return value.rstrip("/")

    @field_validator("secret_keys")
    @classmethod
    def _whole_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number, key in enumerate(value, start=1):
            if not _is_key(key.get_secret_value()):
                raise ValueError(
                    f"key {number} must be {_KEY_BYTES} random bytes in URL-safe base64, as "
                    f'python -c "import secrets; print(secrets.token_urlsafe({_KEY_BYTES}))" makes them'
                )
        return value

    @model_validator(mode="after")
    def _one_way_into_slack(self) -> Self:
        if not self.slack_client_id and self.slack_client_secret is None:
            return self
        if self.slack_bot_token is not None:
            raise ValueError(
                "SLACK_CLIENT_ID and SLACK_BOT_TOKEN exclude each other: the first is for many workspaces that install "
                "the app, the second for one workspace."
            )
        if not self.slack_client_id or self.slack_client_secret is None:
            raise ValueError("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET must be set together.")
        if not self.secret_keys:
            raise ValueError(
                "SECRET_KEYS must be set when SLACK_CLIENT_ID is: it encrypts the tokens of the workspaces that install "
                "the app."
            )
        return self

    @property
    def is_sqlite(self) -> bool:
        """Whether everything lives in one file on this machine."""
        return self.database_url.get_secret_value().startswith(_SQLITE)

    @property
    def database_path(self) -> Path | None:
        """The SQLite file, None for PostgreSQL and for a database in memory."""
        if not self.is_sqlite:
            return None
        path = self.database_url.get_secret_value().partition(":///")[2].partition("?")[0]
        return Path(path) if path not in {"", ":memory:"} else None

    @property
    def engine_url(self) -> str:
        """The durable engine's database: beside ours on SQLite, the same one (its own schema) on PostgreSQL."""
        url = self.database_url.get_secret_value()
        if not self.is_sqlite:
            return f"postgresql+psycopg:{url.partition(':')[2]}"
        path = self.database_path
        if path is None:
            return "sqlite:///:memory:"
        return f"sqlite:///{path.with_name(f'{path.stem}-engine{path.suffix}')}"

    @property
    def data_folder(self) -> Path:
        """Where files, locks and logs lie unless a setting says otherwise: beside the SQLite file."""
        path = self.database_path
        return path.parent if path is not None else Path()

    @property
    def resolved_files_url(self) -> str:
        """Where files are kept."""
        return self.files_url or (self.data_folder.resolve() / "atelier-files").as_uri()

    @property
    def providers(self) -> tuple[str, ...]:
        """Providers that a key or an address configures, in order of preference."""
        configured = {
            "anthropic": self.anthropic_api_key,
            "google": self.google_api_key,
            "openai": self.openai_api_key or self.openai_base_url,
        }
        return tuple(name for name, value in configured.items() if value)


def load_settings(env_file: Path | None = None) -> Settings:
    """Return the settings of this process.

    Args:
        env_file: Another file than ``.env`` in the working directory.

    Raises:
        BadSettings: With one sentence for each variable that is wrong; never with the value of a secret.
    """
    options: dict[str, Any] = {} if env_file is None else {"_env_file": env_file}
    try:
        return Settings(**options)
    except ValidationError as error:
        raise BadSettings(tuple(_problem(item["loc"], item["msg"]) for item in error.errors())) from None


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)) == _KEY_BYTES
    except ValueError:
        return False


def _problem(location: tuple[int | str, ...], message: str) -> str:
    if not location:  # about several variables, which it names itself
        return message.removeprefix("Value error, ")
    name = str(location[0]).upper()
    words = message.removeprefix("Value error, ").removeprefix("Input should be ")
    needs = words if words.startswith("must") or words != message else f"is not right ({message})"
    verb = "" if needs.startswith(("must", "is not", "key")) else "must be "
    return f"{name} {verb}{needs}."

"""`atelier slack`: what Slack is given to set the app up, and tokens under another key."""

import asyncio
from pathlib import Path

import pytest
from slack_sdk.oauth.installation_store.models.installation import Installation

from bots.settings import Settings
from bots.slack.installations import SlackInstallations
from core.clock import SystemClock
from storage.database import Database
from storage.secrets import SecretBox, generate_key
from tests.admin_cli.conftest import Run


def test_the_manifest_is_json_for_the_address(run: Run) -> None:
    """Printed alone, so that it can be piped and pasted."""
    made = run("slack", "manifest", "--url", "https://atelier.example").json
    assert made["features"]["slash_commands"][0]["url"] == "https://atelier.example/slack/events"
    assert made["settings"]["token_rotation_enabled"] is False
    assert run("slack", "manifest", "--url", "https://a.example", "--rotate").json["settings"]["token_rotation_enabled"]


@pytest.mark.parametrize(
    ("settings", "arguments", "is_socket"),
    [
        ("PUBLIC_URL=https://atelier.example", (), False),
        ("SLACK_APP_TOKEN=xapp-1", (), True),
        ("SLACK_APP_TOKEN=xapp-1\nPUBLIC_URL=https://atelier.example", ("--http",), False),
        ("PUBLIC_URL=https://atelier.example", ("--socket",), True),
    ],
    ids=["address", "token", "both", "asked"],
)
def test_settings_say_how_events_come_in(
    run: Run, home: Path, settings: str, arguments: tuple[str, ...], is_socket: bool
) -> None:
    """Socket Mode where its token is set, unless asked otherwise."""
    (home / ".env").write_text(settings)
    assert run("slack", "manifest", *arguments).json["settings"]["socket_mode_enabled"] is is_socket


def test_without_a_way_in_there_is_no_app(run: Run) -> None:
    """One sentence, exit 2."""
    assert "PUBLIC_URL" in run("slack", "manifest", code=2).err


def _keep_tokens(settings: Settings, key: str, *teams: str) -> None:
    """Store the tokens of *teams* as the server does, under *key*."""

    async def main() -> None:
        database = Database.from_url(settings.database_url.get_secret_value())
        installations = SlackInstallations(database, SecretBox([key]), SystemClock())
        for team in teams:
            await installations.async_save(
                Installation(
                    user_id="U1", team_id=team, bot_token=f"xoxb-{team}", bot_id="B1", bot_user_id="U2", app_id="A1"
                )
            )
        await database.aclose()

    asyncio.run(main())


def _open_tokens(settings: Settings, key: str, *teams: str) -> list[str | None]:
    """Return the tokens of *teams* as they are read with *key* alone."""

    async def main() -> list[str | None]:
        database = Database.from_url(settings.database_url.get_secret_value())
        installations = SlackInstallations(database, SecretBox([key]), SystemClock())
        bots = [await installations.async_find_bot(enterprise_id=None, team_id=team) for team in teams]
        await database.aclose()
        return [bot.bot_token if bot is not None else None for bot in bots]

    return asyncio.run(main())


def test_every_token_is_written_anew_under_the_new_key(run: Run, home: Path) -> None:
    """Then the old key may go; a token that no key opens is counted, and ends the command with an error."""
    old, new, lost = generate_key(), generate_key(), generate_key()
    (home / ".env").write_text(f"SECRET_KEYS={new},{old}")
    assert run("slack", "reencrypt", "--json").json == {"encrypted": 0, "unreadable": 0}
    _keep_tokens(Settings(), old, "T1", "T2")
    assert run("slack", "reencrypt").out == "2 encrypted with the current key.\n"
    assert _open_tokens(Settings(), new, "T1", "T2") == ["xoxb-T1", "xoxb-T2"]
    _keep_tokens(Settings(), lost, "T3")
    left = run("slack", "reencrypt", "--json", code=1)
    assert left.json == {"encrypted": 2, "unreadable": 1}
    assert "keep the old keys" in left.err


def test_without_a_key_nothing_is_encrypted(run: Run) -> None:
    """One sentence, exit 2."""
    assert "SECRET_KEYS" in run("slack", "reencrypt", code=2).err

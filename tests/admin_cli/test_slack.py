"""`atelier slack manifest`: what Slack is given to set the app up."""

from pathlib import Path

import pytest

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

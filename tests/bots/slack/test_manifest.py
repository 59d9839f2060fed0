"""The manifest: everything that the code listens to, asks for and calls, and nothing more."""

import json
import re
from pathlib import Path

import pytest

from bots.slack.decode import Shortcut
from bots.slack.manifest import COMMAND, EVENTS, SCOPES, WITHOUT, app_manifest
from bots.slack.oauth import REDIRECT_PATH
from tests.fakes.slack.limits import ALL_SCOPES, EVENT_SCOPES, RULES

_CALL = re.compile(r'"((?:chat|conversations|files|reactions|users|views)\.[a-zA-Z]+)"')
_SOURCES = sorted((Path(__file__).parents[3] / "bots" / "slack").glob("*.py"))


def test_over_http_every_address_is_ours() -> None:
    """Events, presses and commands share one; browsers come back to another."""
    made = app_manifest(public_url="https://atelier.example/")
    settings = made["settings"]
    addresses = {
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
        made["features"]["slash_commands"][0]["url"],
    }
    assert addresses == {"https://atelier.example/slack/events"}
    assert made["oauth_config"]["redirect_urls"] == [f"https://atelier.example{REDIRECT_PATH}"]
    assert (settings["socket_mode_enabled"], settings["org_deploy_enabled"]) == (False, True)
    assert json.loads(json.dumps(made)) == made


def test_through_a_socket_no_address_is_needed() -> None:
    """Nor named, since Slack would try it; without both, nothing could reach us."""
    made = app_manifest(is_socket=True)
    assert "://" not in json.dumps(made)
    assert made["settings"]["socket_mode_enabled"]
    with pytest.raises(ValueError, match="Socket Mode"):
        app_manifest()


def test_the_command_and_both_shortcuts_are_there() -> None:
    """People's names arrive with mentions escaped; the hint comes from the command table."""
    features = app_manifest(is_socket=True)["features"]
    [command] = features["slash_commands"]
    assert (command["command"], command["should_escape"]) == (COMMAND, True)
    assert command["usage_hint"] == "new [BRIEF] | sessions | status [SESSION] | files [SESSION] | help [COMMAND]"
    assert {one["callback_id"]: one["type"] for one in features["shortcuts"]} == {
        Shortcut.EDIT: "message",
        Shortcut.NEW: "global",
    }
    assert features["app_home"]["home_tab_enabled"]


@pytest.mark.parametrize("name", ["Atelier", "Review desk"])
def test_texts_fit_where_slack_shows_them(name: str) -> None:
    """Slack: names of shortcuts 24 characters, descriptions 140 and 150, long ones from 175 to 4,000."""
    made = app_manifest(is_socket=True, name=name)
    about = made["display_information"]
    assert len(about["description"]) <= 140
    assert 175 <= len(about["long_description"]) <= 4_000
    assert all(len(one["name"]) <= 24 and len(one["description"]) <= 150 for one in made["features"]["shortcuts"])


def test_every_event_can_come() -> None:
    """Each is known to Slack, and one of its scopes is asked for."""
    assert app_manifest(is_socket=True)["settings"]["event_subscriptions"]["bot_events"] == list(EVENTS)
    for event, scopes in EVENTS.items():
        assert scopes == EVENT_SCOPES[event]
        assert not scopes or set(scopes) & set(SCOPES)


def test_every_scope_is_known_and_explained() -> None:
    """No scope is asked for without a reason that people can read."""
    assert set(SCOPES) <= ALL_SCOPES
    assert set(WITHOUT) == set(SCOPES)
    assert list(SCOPES) == sorted(set(SCOPES))


def test_every_call_that_the_adapter_makes_is_allowed() -> None:
    """And no scope is asked for that neither a call nor an event needs."""
    calls = {name for path in _SOURCES for name in _CALL.findall(path.read_text()) if name in RULES}
    assert {"chat.postMessage", "conversations.info", "files.info", "users.info", "views.publish"} <= calls
    needed: set[str] = {"commands", "chat:write.customize"}
    for call in calls:
        wanted = [
            scope.format(kind=kind) for scope in RULES[call].scopes for kind in ("channels", "groups", "im", "mpim")
        ]
        assert not wanted or set(wanted) & set(SCOPES), call
        needed |= set(wanted)
    needed |= {scope for scopes in EVENTS.values() for scope in scopes}
    assert set(SCOPES) <= needed

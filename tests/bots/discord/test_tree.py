"""The command tree fits Discord, and what is synced is what Discord has."""

import re
from typing import Any

import discord
import pytest

from bots.commands import COMMANDS, Command, Kind, Option, find_command, offered
from bots.discord import limits
from bots.discord.invite import invite_link
from bots.discord.sync import fingerprint
from bots.discord.tree import Tree, command_payloads
from tests.fakes.discord.command_rules import check_all


def client() -> discord.AutoShardedClient:
    return discord.AutoShardedClient(intents=discord.Intents.none())


def payloads() -> list[dict[str, Any]]:
    return command_payloads(client())


def characters(node: dict[str, Any]) -> int:
    own = len(str(node.get("name") or "")) + len(str(node.get("description") or ""))
    chosen = sum(len(str(one["name"])) + len(str(one["value"])) for one in node.get("choices") or ())
    return own + chosen + sum(characters(one) for one in node.get("options") or ())


def test_the_table_fits_discord() -> None:
    """One command with at most 25 entries and 8,000 characters, and one menu entry; a local Discord takes them."""
    command, menu = payloads()
    assert command["name"] == "atelier"
    assert (menu["name"], menu["type"]) == ("Edit with Atelier", 3)
    entries = command["options"]
    assert len(entries) <= limits.COMMAND_ENTRIES
    assert characters(command) <= limits.COMMAND_CHARACTERS
    for entry in entries:
        assert len(entry.get("options") or ()) <= limits.COMMAND_ENTRIES
    check_all(payloads())


def test_every_command_of_the_table_is_there_once() -> None:
    """Flat, or under its noun by the name that it has there; with all its options."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in payloads()[0]["options"]:
        if entry["type"] == 1:
            found["", entry["name"]] = entry
        else:
            found |= {(entry["name"], one["name"]): one for one in entry["options"]}
    listed = offered(platform="discord")
    wanted = {(one.group, (one.in_group if one.group else "") or one.name): one for one in listed}
    wanted |= {("credits", one.in_group): one for one in listed if one.group == "billing"}
    assert found.keys() == wanted.keys()
    for key, command in wanted.items():
        assert {one["name"] for one in found[key]["options"]} == {one.name for one in command.options}


def test_credits_is_another_word_for_billing() -> None:
    """In the menu too, with all its verbs, which are decoded to the same; where nothing is sold it is not there."""
    groups = {entry["name"]: entry for entry in payloads()[0]["options"] if entry["type"] == 2}
    verbs = [one["name"] for one in groups["credits"]["options"]]
    assert verbs == [one["name"] for one in groups["billing"]["options"]]
    assert all(find_command("credits", verb) is find_command("billing", verb) is not None for verb in verbs)
    unsold = str(command_payloads(client(), sells=False)).lower()
    assert not re.findall(r"\b(?:credits?|plans?|tiers?|buy|upgrade|balance|subscription)\b", unsold)


def test_limits_and_choices_are_discords_to_check() -> None:
    """As far as Discord can."""
    new = next(one for one in payloads()[0]["options"] if one["name"] == "new")
    options = {one["name"]: one for one in new["options"]}
    assert (options["rounds"]["type"], options["rounds"]["min_value"], options["rounds"]["max_value"]) == (4, 1, 20)
    assert options["brief"]["max_length"] == 6_000
    assert [one["value"] for one in options["show"]["choices"]] == ["quiet", "normal", "full"]
    assert options["file"]["type"] == 11
    assert options["team"]["autocomplete"] is True


def test_long_words_are_cut_and_required_ones_come_first() -> None:
    """Whatever the table says."""
    option = Option("text", "y" * 200, required=True)
    command = Command("polish", "x" * 200, (Option("loud", "z", Kind.FLAG), option))

    class Deaf:
        async def on_command(self, interaction: discord.Interaction) -> None: ...
        async def complete(self, *_: Any) -> list[tuple[str, str]]:
            return []

    shown = Tree(client(), Deaf(), [command]).payloads()
    assert [one["name"] for one in shown[0]["options"][0]["options"]] == ["text", "loud"]
    check_all(shown)


def test_the_same_commands_have_the_same_fingerprint() -> None:
    """With what Discord adds, in whatever order it gives them."""
    ours = payloads()
    given = [
        one
        | {
            "id": "1",
            "version": "2",
            "application_id": "3",
            "name_localizations": None,
            "description_localizations": None,
        }
        for one in reversed(payloads())
    ]
    assert fingerprint(ours) == fingerprint(given)


@pytest.mark.parametrize("change", ["description", "option", "limit", "context", "gone"])
def test_a_change_changes_the_fingerprint(change: str) -> None:
    """Each thing that people see or that Discord checks."""
    ours, other = payloads(), payloads()
    new = other[0]["options"][0]
    match change:
        case "description":
            new["description"] = "Begin"
        case "option":
            new["options"].pop()
        case "limit":
            next(one for one in new["options"] if one["name"] == "rounds")["max_value"] = 21
        case "context":
            other[0]["contexts"] = [0]
        case _:
            other.pop()
    assert fingerprint(ours) != fingerprint(other)


def test_the_invitation_names_what_is_used() -> None:
    """No more: not a manager of anything."""
    link = invite_link("123", guild="456")
    query = dict(piece.split("=") for piece in link.partition("?")[2].split("&"))
    assert query["scope"] == "bot+applications.commands"
    assert (query["client_id"], query["guild_id"]) == ("123", "456")
    granted = discord.Permissions(int(query["permissions"]))
    assert {name for name, is_on in granted if is_on} == {
        "add_reactions",
        "attach_files",
        "create_private_threads",
        "create_public_threads",
        "read_message_history",
        "read_messages",
        "send_messages",
        "send_messages_in_threads",
    }


def test_the_table_is_whole() -> None:
    """What is for other platforms alone says why."""
    assert {one.name for one in COMMANDS} - {one.name for one in offered(platform="discord")} == {
        one.name for one in COMMANDS if one.only_on and one.reason and "discord" not in one.only_on
    }

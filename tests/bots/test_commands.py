"""One table, every platform."""

import re
from pathlib import Path

import pytest

from bots.commands import (
    BY_NAME,
    COMMANDS,
    GROUPS,
    Command,
    Kind,
    docs_page,
    find_command,
    help_text,
    offered,
    usage,
)
from core.credits.tiers import load_price_list

# Discord, application commands: 25 options or subcommands, names of 1 to 32, descriptions of 1 to 100, 25 choices,
# 8,000 characters over names, descriptions and choices of one command.
_ENTRIES, _NAME, _DESCRIPTION, _CHOICES, _TOTAL = 25, 32, 100, 25, 8_000
_WHAT_THE_SERVICE_CAN = {
    "new", "start", "pause", "resume", "stop", "retry", "more", "continue", "steer", "mute", "files", "sessions",
    "status", "rename", "star", "delete", "estimate", "models", "help",
}  # fmt: skip


def test_everything_that_the_service_can_do_is_a_command() -> None:
    """A verb of the session service without a command would exist for nobody."""
    assert set(BY_NAME) >= _WHAT_THE_SERVICE_CAN


def test_names_are_unique() -> None:
    """Text needs no group: no two commands share a verb or another word for it; a noun alone is its own group's."""
    names = [command.name for command in COMMANDS]
    words = [*names, *(alias for command in COMMANDS for alias in command.aliases)]
    assert len(words) == len(set(words))
    assert all(BY_NAME[name].group == name for name in set(names) & set(GROUPS))
    shown = [(command.group, command.in_group or command.name) for command in COMMANDS]
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_what_help_says_can_be_typed(command: Command) -> None:
    """The words before a command find it again, in whatever case, and so does the path in Discord's menu."""
    assert find_command(*command.typed.upper().split()) is command
    for noun in BY_NAME[command.group].aliases if command.group in BY_NAME else ():
        assert find_command(noun.upper(), command.in_group) is command
    assert all(find_command(alias) is command for alias in command.aliases)
    if command.group:
        assert find_command(command.group, command.in_group or command.name) is command


def test_where_nothing_is_sold_nobody_hears_of_buying() -> None:
    """Help leaves out what exists only where credits are sold, and what remains does not speak of it."""
    shown = offered(platform="slack", sells=False)
    assert BY_NAME["billing"] in shown
    text = help_text(sells=False) + "".join(help_text(item.name, sells=False) for item in shown)
    unsaid = {"buy", "plan", "plans", "upgrade", "subscription", "stripe", "credit", "credits", "balance", "tier"}
    assert not unsaid & set(re.findall(r"[a-z]+", text.lower()))
    names = {command.name for command in offered(platform="slack")}
    assert names >= {command.name for command in shown} | {"billing-buy"}


def test_plans_to_change_to_are_those_that_cost_something() -> None:
    """The choices of ``billing upgrade`` are written out, so that Discord can offer them; they follow tiers.toml."""
    option = BY_NAME["billing-upgrade"].option("plan")
    assert option is not None
    assert option.choices == tuple(tier.key for tier in load_price_list().sold() if tier.price_cents_month)


def test_discord_takes_the_table() -> None:
    """The whole of ``/atelier`` fits into one Discord command."""
    flat = [command for command in COMMANDS if not command.group]
    others = {name: BY_NAME[name].aliases for name in GROUPS if name in BY_NAME}
    assert len(flat) + len(GROUPS) + sum(map(len, others.values())) <= _ENTRIES
    for group in GROUPS:
        assert sum(command.group == group for command in COMMANDS) <= _ENTRIES
    shown = sum(_size(command) * (1 + len(others.get(command.group, ()))) for command in COMMANDS)
    assert shown + sum(40 * (1 + len(others.get(group, ()))) for group in GROUPS) <= _TOTAL


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_discord_takes_every_command(command: Command) -> None:
    """Names, descriptions, options and choices keep Discord's limits; required options can come first."""
    assert 1 <= len(command.name) <= _NAME
    assert 1 <= len(command.help) <= _DESCRIPTION
    assert len(command.options) <= _ENTRIES
    for option in command.options:
        assert option.name == option.name.lower()
        assert 1 <= len(option.name) <= _NAME
        assert 1 <= len(option.help) <= _DESCRIPTION
        assert not option.help.endswith(".")
        assert len(option.choices) <= _CHOICES
        assert option.max_length is None or option.max_length <= 6_000


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_explains_itself(command: Command) -> None:
    """Help names every option; sentences carry no full stop in the table; at most one option takes the rest."""
    text = help_text(command.name)
    assert all(f"`{option.name}`" in text for option in command.options)
    assert not command.help.endswith(".")
    assert sum(option.rest for option in command.options) <= 1
    assert command.only_on == frozenset() or command.reason


def test_usage_shows_what_can_be_typed() -> None:
    """Files come by upload, so usage leaves them out."""
    assert usage(BY_NAME["rename"]) == "rename TITLE [--session SESSION]"
    assert "file" not in usage(BY_NAME["new"])
    assert any(option.kind is Kind.FILE for option in BY_NAME["new"].options)


def test_the_docs_page_is_current() -> None:
    """docs/commands.md is what the table says: ``python -m bots.commands > docs/commands.md``."""
    assert Path("docs/commands.md").read_text(encoding="utf-8") == docs_page()


def _size(command: Command) -> int:
    size = len(command.in_group or command.name) + len(command.help)
    for option in command.options:
        size += len(option.name) + len(option.help) + sum(2 * len(choice) for choice in option.choices)
    return size

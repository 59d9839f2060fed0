"""The command tree, built from the command table: one command, its daily verbs flat, the others under their nouns.

Callbacks look at nothing that the library read: what was typed is decoded from what Discord sent. So a command that
somebody still has from before an update is understood, too.
"""

import inspect
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol

import discord
import structlog
from discord import app_commands
from typing_extensions import override

from bots.commands import Command, Completion, Kind, Option, offered
from bots.discord import limits
from bots.posting.text import shorten

_log = structlog.get_logger(__name__)
ROOT = "atelier"
MENU = "Edit with Atelier"
_ABOUT = "An editorial room for your text"
_GROUPS = {
    "session": "What you can do with one session",
    "project": "Folders of sessions",
    "template": "Briefs to use again",
    "billing": "What was used and what is there",
    "data": "What is kept here",
}
_CONTEXTS = app_commands.AppCommandContext(guild=True, dm_channel=True)
_INSTALLS = app_commands.AppInstallationType(guild=True, user=False)
_PLATFORM = "discord"

_TYPES = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.NUMBER: float,
    Kind.MONEY: float,
    Kind.FLAG: bool,
    Kind.FILE: discord.Attachment,
}
_Offer = Callable[[discord.Interaction, Any], Coroutine[Any, Any, list[app_commands.Choice[Any]]]]


class Listening(Protocol):
    """What hears of commands: see `bots.discord.ears.Ears`."""

    async def on_command(self, interaction: discord.Interaction) -> None:
        """Somebody typed a command, or chose one in a menu."""
        ...

    async def complete(
        self, interaction: discord.Interaction, command: str, option: str, typed: str
    ) -> Sequence[tuple[str, str]]:
        """Return values with labels for what somebody has typed so far."""
        ...


class Tree(app_commands.CommandTree[discord.Client]):
    """The tree of a client; what it does not know goes to the same ear.

    Args:
        client: The client.
        ears: What hears of commands.
        commands: What there is; None for the whole table.
    """

    def __init__(self, client: discord.Client, ears: Listening, commands: Iterable[Command] | None = None) -> None:
        super().__init__(client, allowed_contexts=_CONTEXTS, allowed_installs=_INSTALLS)
        self._ears = ears
        for command in make_commands(ears, commands):
            self.add_command(command)

    @override
    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
            if interaction.type is discord.InteractionType.application_command:
                await self._ears.on_command(interaction)
            return
        cause = error.__cause__ or error
        _log.error("discord_command_failed", error=type(cause).__name__, exc_info=cause)

    def payloads(self) -> list[dict[str, Any]]:
        """Return the commands as Discord takes them."""
        return [command.to_dict(self) for command in self.get_commands()]


def make_commands(
    ears: Listening, commands: Iterable[Command] | None = None
) -> list[app_commands.Group | app_commands.ContextMenu]:
    """Return the one command with all its verbs, and the entry of the messages' menu."""
    root = _group(ROOT, _ABOUT, None)
    groups: dict[str, app_commands.Group] = {}
    listed = tuple(offered(platform=_PLATFORM) if commands is None else commands)
    for noun, command in (pair for one in listed for pair in _places(one, listed)):
        parent = root
        if noun:
            about = _GROUPS.get(command.group) or f"More about {command.group}"
            parent = groups.get(noun) or _group(noun, about, root)
            groups[noun] = parent
        parent.add_command(_verb(ears, command, parent))

    async def edit(interaction: discord.Interaction, message: discord.Message) -> None:  # noqa: ARG001 - decoded anew
        await ears.on_command(interaction)

    return [root, app_commands.ContextMenu(name=MENU, callback=edit)]


def _places(command: Command, listed: Sequence[Command]) -> list[tuple[str, Command]]:
    """Return the nouns under which a command stands: its group and, where something is sold, the group's other words."""
    opens = next((one for one in listed if one.group and one.name == command.group), None)
    others = opens.aliases if opens is not None and any(one.sold_only for one in listed) else ()
    return [(noun, command) for noun in (command.group, *others)]


def _group(name: str, about: str, parent: app_commands.Group | None) -> app_commands.Group:
    if parent is None:
        return app_commands.Group(
            name=name,
            description=about,
            allowed_contexts=_CONTEXTS,
            allowed_installs=_INSTALLS,
            auto_locale_strings=False,
        )
    return app_commands.Group(name=name, description=about, parent=parent, auto_locale_strings=False)


def _verb(ears: Listening, command: Command, parent: app_commands.Group) -> app_commands.Command[Any, ..., None]:
    async def run(interaction: discord.Interaction, **_: Any) -> None:
        await ears.on_command(interaction)

    options = {_identifier(option): option for option in command.options}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # how a function of any options is declared
        [
            inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction),
            *(_parameter(name, option) for name, option in options.items()),
        ]
    )
    app_commands.rename(**{name: option.name for name, option in options.items()})(run)
    app_commands.describe(**{name: _described(option.help) for name, option in options.items()})(run)
    app_commands.choices(**{name: _choices(option) for name, option in options.items() if option.choices})(run)
    offering = {name: _offer(ears, command, option) for name, option in options.items() if _offers(option)}
    app_commands.autocomplete(**offering)(run)
    return app_commands.Command(
        name=(command.in_group if command.group else "") or command.name,
        description=_described(command.help),
        callback=run,
        parent=parent,
        auto_locale_strings=False,
    )


def _identifier(option: Option) -> str:
    return f"option_{option.name.replace('-', '_')}"


def _parameter(name: str, option: Option) -> inspect.Parameter:
    default = inspect.Parameter.empty if option.required else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=_annotation(option), default=default)


def _annotation(option: Option) -> Any:
    """Return the type by which the library knows the option's kind and limits."""
    low, high = option.minimum, option.maximum
    if option.kind is Kind.INTEGER and (low is not None or high is not None):
        return app_commands.Range[int, None if low is None else int(low), None if high is None else int(high)]
    if option.kind in {Kind.NUMBER, Kind.MONEY} and (low is not None or high is not None):
        return app_commands.Range[float, low, high]
    if option.kind is Kind.TEXT and option.max_length is not None and not option.choices:
        return app_commands.Range[str, 1, min(option.max_length, limits.OPTION_TEXT)]
    return _TYPES[option.kind]


def _offers(option: Option) -> bool:
    return option.completion is not Completion.NONE and not option.choices


def _offer(ears: Listening, command: Command, option: Option) -> _Offer:
    async def offer(interaction: discord.Interaction, typed: Any) -> list[app_commands.Choice[Any]]:
        found = await ears.complete(interaction, command.name, option.name, str(typed))
        fitting = [(value, label) for value, label in found if 0 < len(value) <= limits.CHOICE]
        return [
            app_commands.Choice(name=shorten(label, limits.CHOICE) or value, value=_value(option, value))
            for value, label in fitting[: limits.CHOICES]
        ]

    return offer


def _value(option: Option, value: str) -> str | int:
    """Return a value as Discord takes it for an option: of a number, a number."""
    return int(value) if option.kind is Kind.INTEGER else value


def _choices(option: Option) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=one, value=one) for one in option.choices]


def _described(text: str) -> str:
    return shorten(text, limits.DESCRIPTION)


def command_payloads(client: discord.Client, *, sells: bool = True) -> list[dict[str, Any]]:
    """Return the commands as Discord takes them, for a client that does not listen; see `bots.commands.offered`."""
    return Tree(client, _Deaf(), offered(platform=_PLATFORM, sells=sells)).payloads()


class _Deaf:
    """Hears nothing: see `Listening`."""

    async def on_command(self, interaction: discord.Interaction) -> None:  # noqa: ARG002
        return

    async def complete(
        self,
        interaction: discord.Interaction,  # noqa: ARG002
        command: str,  # noqa: ARG002
        option: str,  # noqa: ARG002
        typed: str,  # noqa: ARG002
    ) -> Sequence[tuple[str, str]]:
        return []

"""What people read about commands: how one is typed, the help, the page in the docs."""

from collections.abc import Iterable

from bots.commands.model import EVERYWHERE, Command, Kind, Option
from bots.commands.table import COMMANDS, GROUPS, offered


def usage(command: Command) -> str:
    """Return how a command is typed: ``rename TITLE [--session ...]``."""
    pieces = [command.typed]
    rest = command.rest
    if rest is not None:
        word = rest.name.upper()
        pieces.append(word if rest.required else f"[{word}]")
    for option in command.options:
        if option.rest or option.kind is Kind.FILE:
            continue
        name = f"--{option.name}" if option.kind is Kind.FLAG else f"--{option.name} {_value(option)}"
        pieces.append(name if option.required else f"[{name}]")
    return " ".join(pieces)


def help_text(name: str = "", *, sells: bool = True) -> str:
    """Return the help of one command, or the list of all, as Markdown; a command that is not offered has none."""
    command = next((item for item in offered(sells=sells) if item.name == name), None)
    if command is None:
        lines = [f"`{item.typed}`: {item.help}" for item in offered(sells=sells)]
        return "\n".join((*lines, "", "`help COMMAND` says more about one of them."))
    lines = [f"`{usage(command)}`", f"{command.help}."]
    lines += [f"- `{option.name}`: {option.help}{_limits(option)}" for option in command.options]
    lines.append(f"Who: {command.who.value}. Costs: {command.cost.value}.")
    if command.example:
        lines.append(f"Example: `{command.example}`")
    if command.name in GROUPS:
        others = (item for item in offered(sells=sells) if item.group == command.name and item.name != name)
        lines.append(f"Also: {', '.join(f'`{item.typed}`' for item in others)}.")
    return "\n".join(lines)


def docs_page(commands: Iterable[Command] = COMMANDS) -> str:
    """Return the docs page as Markdown."""
    lines = [
        "# Commands",
        "",
        "<!-- Made from bots/commands/table.py by `python -m bots.commands`. Change the table, not this page. -->",
        "",
        "In Slack and Discord each command follows `/atelier`; in a thread, mention the app instead.",
        "The operator's own command line is described by `atelier --help`.",
        "Amounts are credits where they are sold, and dollars where nothing is; `$0.50` is dollars everywhere.",
    ]
    for command in commands:
        lines += ["", f"## {command.typed}", "", f"{command.help}.", "", f"    {usage(command)}", ""]
        if command.options:
            lines += ["| option | what | limits |", "|---|---|---|"]
            lines += [
                f"| `{option.name}` | {option.help} | {_limits(option).strip(' ()') or 'none'} |"
                for option in command.options
            ]
            lines.append("")
        lines.append(f"Who: {command.who.value}. Costs: {command.cost.value}. Where: {_where(command)}.")
        if command.aliases:
            under = ", also before the verbs that follow" if command.name in GROUPS else ""
            lines.append(f"Also typed as {', '.join(f'`{alias}`' for alias in command.aliases)}{under}.")
        if command.sold_only:
            lines.append("Only where credits are sold.")
        if command.only_on:
            lines.append(f"Only on {', '.join(sorted(command.only_on))}: {command.reason}")
    return "\n".join(lines) + "\n"


def _value(option: Option) -> str:
    return "|".join(option.choices) if option.choices else option.name.upper()


def _limits(option: Option) -> str:
    pieces = []
    if option.required:
        pieces.append("required")
    if option.minimum is not None and option.maximum is not None:
        pieces.append(f"{option.minimum:,g} to {option.maximum:,g}")
    elif option.minimum is not None:
        pieces.append(f"at least {option.minimum:g}")
    if option.max_length is not None:
        pieces.append(f"at most {option.max_length:,} characters")
    if option.choices:
        pieces.append(", ".join(option.choices))
    return f" ({'; '.join(pieces)})" if pieces else ""


def _where(command: Command) -> str:
    if command.places == EVERYWHERE:
        return "everywhere"
    return ", ".join(sorted(place.value for place in command.places))

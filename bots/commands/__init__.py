"""Every command, declared once: Slack's parser, Discord's tree, help and the docs page come from one table.

``python -m bots.commands`` prints the docs page, ``docs/commands.md``.
"""

from bots.commands.help import docs_page, help_text, usage
from bots.commands.model import EVERYWHERE, Command, Completion, Cost, Kind, Option, Place, Who
from bots.commands.table import BY_NAME, COMMANDS, GROUPS, find_command, is_noun, offered

__all__ = [
    "BY_NAME",
    "COMMANDS",
    "EVERYWHERE",
    "GROUPS",
    "Command",
    "Completion",
    "Cost",
    "Kind",
    "Option",
    "Place",
    "Who",
    "docs_page",
    "find_command",
    "help_text",
    "is_noun",
    "offered",
    "usage",
]

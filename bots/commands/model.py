"""What a command is: its options, who may give it, where, and what it costs."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an option holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    """Credits where they are sold, dollars where nothing is; ``$5`` is dollars everywhere. See `core.money.Unit.read`."""
    FLAG = "flag"
    FILE = "file"


class Completion(StrEnum):
    """What a platform offers while somebody types an option."""

    NONE = ""
    SESSION = "session"
    MODEL = "model"
    TEAM = "team"
    EDITORS = "editors"
    PROJECT = "project"
    TEMPLATE = "template"
    OWN_TEMPLATE = "own template"
    ARCHIVED = "archived project"
    COMMAND = "command"


class Who(StrEnum):
    """Who may run a command; the services check it again."""

    ANYONE = "anyone"
    STARTER = "the member who started the session, and managers"
    ADMIN = "anyone for themselves; managers for everybody"
    BUYER = "those who may buy: managers, and members whom they named"
    NAMER = "anyone to look; managers to change"
    MAKER = "whoever made it, and managers"


class Cost(StrEnum):
    """What running a command costs."""

    FREE = "free"
    SESSION = "the session's price, quoted first"
    ROUND = "the price of another round"
    MONEY = "money, on a page of Stripe's that shows the price before anything is paid"


class Place(StrEnum):
    """Where a command can be given."""

    CHANNEL = "channel"
    THREAD = "thread"
    DIRECT = "direct message"


EVERYWHERE = frozenset(Place)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a command.

    Attributes:
        name: Lower-case, as it is typed.
        help: One short sentence without a full stop.
        rest: True for the one option that takes the words without a name.
        minimum, maximum: Limits of a number.
        max_length: Limit of a text, in characters.
        choices: The only values, if there are only a few.
        unsold: What *help* reads where nothing is sold, so that amounts are dollars; empty for the same.
    """

    name: str
    help: str
    kind: Kind = Kind.TEXT
    required: bool = False
    rest: bool = False
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    completion: Completion = Completion.NONE
    unsold: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: The verb, unique in the whole table, so that text needs no group.
        help: One short sentence without a full stop.
        group: The noun under which Discord shows it; empty for the daily verbs, which are flat.
        in_group: What it is called under its noun; empty for its name. The name itself is then nothing that people type
            by accident: ``billing history`` is a command, ``history`` is not.
        aliases: Other words for it, and for the noun where it opens one: ``credits history``. Discord's menu has nouns
            under each of their words where credits are sold, and verbs under their name alone.
        sold_only: Whether it exists only where credits are sold.
        example: What people type, without the leading ``/atelier``.
        only_on: Platforms that have it; empty for all. Where it is not empty, *reason* says why.
    """

    name: str
    help: str
    options: tuple[Option, ...] = ()
    group: str = ""
    in_group: str = ""
    aliases: tuple[str, ...] = ()
    sold_only: bool = False
    who: Who = Who.ANYONE
    cost: Cost = Cost.FREE
    places: frozenset[Place] = EVERYWHERE
    example: str = ""
    only_on: frozenset[str] = frozenset()
    reason: str = ""

    @property
    def typed(self) -> str:
        """What people type for it: ``rename``, ``billing history``, and ``billing`` for what opens its noun."""
        return f"{self.group} {self.in_group}" if self.in_group and self.name != self.group else self.name

    @property
    def rest(self) -> Option | None:
        """The option that takes the words without a name, if any."""
        return next((option for option in self.options if option.rest), None)

    def option(self, name: str) -> Option | None:
        """Return the option with *name*, if any."""
        return next((option for option in self.options if option.name == name), None)

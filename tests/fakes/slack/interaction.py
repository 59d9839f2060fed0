"""Short-lived rights that an interaction gives: triggers for modals, and addresses to answer at."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.slack import limits
from tests.fakes.slack.model import Channel, Json, Message, Person, Refusal, Team


@dataclass
class Trigger:
    """The right to open one modal, within three seconds."""

    id: str
    person: str
    team_id: str
    at: float
    view_id: str = ""
    is_used: bool = False


@dataclass
class ResponseUrl:
    """The right to answer five times within half an hour; *original* is the message that was clicked."""

    key: str
    channel: str
    person: str
    team_id: str
    at: float
    original: Message | None = None
    uses: int = 0


@dataclass
class Interactions:
    """The rights that were given; *now* tells the seconds since the epoch."""

    now: Callable[[], float]
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)

    def trigger(self, person: Person, team: Team, view_id: str = "") -> str:
        """Return a new trigger id."""
        trigger = Trigger(f"{secrets.token_hex(6)}.{team.id}", person.id, team.id, self.now(), view_id)
        self.triggers[trigger.id] = trigger
        return trigger.id

    def redeem(self, trigger_id: str) -> Trigger:
        """Return what a trigger stands for, once.

        Raises:
            Refusal: ``invalid_trigger_id``, ``exchanged_trigger_id``, ``expired_trigger_id``.
        """
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.is_used:
            raise Refusal("exchanged_trigger_id")
        if self.now() - trigger.at > limits.TRIGGER_SECONDS:
            raise Refusal("expired_trigger_id")
        trigger.is_used = True
        return trigger

    def response_url(self, channel: Channel, person: Person, team: Team, original: Message | None = None) -> str:
        """Return the path of a new address to answer at."""
        right = ResponseUrl(secrets.token_hex(8), channel.id, person.id, team.id, self.now(), original)
        self.response_urls[right.key] = right
        return f"/response/{right.key}"

    def use(self, key: str) -> ResponseUrl:
        """Return what an address stands for and count the use.

        Raises:
            Refusal: ``expired_url``, ``used_url``.
        """
        right = self.response_urls.get(key)
        if right is None or self.now() - right.at > limits.RESPONSE_URL_SECONDS:
            raise Refusal("expired_url")
        if right.uses >= limits.RESPONSE_URL_USES:
            raise Refusal("used_url")
        right.uses += 1
        return right


ANSWER_KEYS = frozenset(
    {
        "text",
        "blocks",
        "attachments",
        "response_type",
        "replace_original",
        "delete_original",
        "thread_ts",
        "mrkdwn",
        "unfurl_links",
        "unfurl_media",
        "metadata",
    }
)


def is_set(answer: Json, name: str) -> bool:
    """Return whether an answer asks for something, as a truth value or as the text of one."""
    return str(answer.get(name, "")).lower() == "true"

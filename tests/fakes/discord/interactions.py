"""Interactions: how long they live, what was answered to them."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from tests.fakes.discord.limits import ACK_SECONDS, TOKEN_SECONDS
from tests.fakes.discord.model import Channel, Json, Message, Refusal, User


class Asking(IntEnum):
    """Types of interactions."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Answering(IntEnum):
    """Types of callbacks."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


@dataclass(eq=False)
class Interaction:
    """One interaction and what came of it.

    Attributes:
        callback: The app's first answer, None until it came.
        message: What ``@original`` means: the answer, or the message whose button was pressed.
        followups: Messages that the app sent later.
        source: The message that held the button.
        opened_by: Of a form: the interaction that opened it.
        refusals: Codes of what the app was refused, such as 10062 and 40060.
    """

    id: str
    token: str
    kind: Asking
    user: User
    channel: Channel
    payload: Json
    began: float
    callback: Json | None = None
    answered_after: float | None = None
    message: Message | None = None
    source: Message | None = None
    opened_by: "Interaction | None" = None
    followups: list[Message] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_answered(self) -> bool:
        """Whether the app answered in time."""
        return self.callback is not None

    @property
    def answer_kind(self) -> Answering | None:
        """How the app answered first."""
        return Answering(self.callback["type"]) if self.callback else None

    @property
    def data(self) -> Json:
        """What the app's first answer holds."""
        return (self.callback or {}).get("data") or {}

    @property
    def modal(self) -> Json | None:
        """The form that opened."""
        return self.data if self.answer_kind is Answering.MODAL else None

    @property
    def choices(self) -> list[Json]:
        """What the app proposes while somebody types."""
        return list(self.data.get("choices") or []) if self.answer_kind is Answering.CHOICES else []

    @property
    def text(self) -> str:
        """What the person reads as the answer, empty while there is none."""
        return self.message.text if self.message is not None and not self.message.is_thinking else ""

    @property
    def is_private(self) -> bool:
        """Whether the answer is seen by the person alone."""
        return self.message is not None and self.message.is_ephemeral


class Interactions:
    """Every interaction so far.

    Args:
        monotonic: The time by which they live.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.all: list[Interaction] = []
        self._monotonic = monotonic
        self._by_id: dict[str, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}

    def begin(self, interaction_id: str, kind: Asking, user: User, channel: Channel, payload: Json) -> Interaction:
        """Open an interaction; its id and token are put into *payload*."""
        token = secrets.token_urlsafe(96)
        payload |= {"id": interaction_id, "token": token}
        one = Interaction(interaction_id, token, kind, user, channel, payload, self._monotonic())
        self.all.append(one)
        self._by_id[one.id] = self._by_token[one.token] = one
        return one

    def to_answer(self, interaction_id: str, token: str) -> Interaction:
        """Return an interaction that may be answered.

        Raises:
            Refusal: 10062 when there is none, its token is another, or three seconds passed; 40060 when it was
                answered.
        """
        one = self._by_id.get(interaction_id)
        if one is None or one.token != token:
            raise Refusal(404, 10062, "Unknown interaction")
        if one.callback is not None:
            one.refusals.append(40060)
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        if self._monotonic() - one.began > ACK_SECONDS:
            one.refusals.append(10062)
            one.done.set()
            raise Refusal(404, 10062, "Unknown interaction")
        return one

    def answered(self, one: Interaction, callback: Json) -> None:
        """Keep the first answer."""
        one.callback = callback
        one.answered_after = self._monotonic() - one.began
        one.done.set()

    def by_token(self, token: str) -> Interaction:
        """Return the interaction of a webhook's token.

        Raises:
            Refusal: 50027 when there is none or a quarter of an hour passed; 10015 before the first answer.
        """
        one = self._by_token.get(token)
        if one is None or self._monotonic() - one.began > TOKEN_SECONDS:
            if one is not None:
                one.refusals.append(50027)
            raise Refusal(401, 50027, "Invalid Webhook Token")
        if one.callback is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        return one

    def with_message(self, message_id: str) -> Interaction | None:
        """Return the interaction that made a message."""
        found: Any = (one for one in self.all if one.message and one.message.id == message_id)
        return next(found, None)

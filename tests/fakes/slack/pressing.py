"""Interactions: commands, buttons, forms, shortcuts, and what the app answers to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.slack.answering import Answering
from tests.fakes.slack.blocks import check_view
from tests.fakes.slack.delivery import Attempt, Delivering, Delivery
from tests.fakes.slack.events import Events
from tests.fakes.slack.forms import NotShown, filled, find_element, held_by
from tests.fakes.slack.interaction import ResponseUrl
from tests.fakes.slack.model import Channel, File, Json, Message, Outgoing, Person, Refusal, Team, View
from tests.fakes.slack.payloads import of_file, of_message, of_view
from tests.fakes.slack.people import People
from tests.fakes.slack.view_methods import change, close, pushed
from tests.fakes.slack.web_api import WebApi
from tests.fakes.slack.world import World

_OK = 200


@dataclass(frozen=True)
class Outcome:
    """What came of an interaction.

    Attributes:
        error: Empty; or what the person sees instead: ``operation_timeout``, ``dispatch_failed``, or why Slack would
            not show the answer.
        shown: The message that the answer made.
        errors: What a form complains of, by block.
    """

    delivery: Delivery
    error: str = ""
    shown: Message | None = None
    errors: Mapping[str, str] | None = None

    @property
    def payload(self) -> Json:
        """What was sent to the app."""
        return self.delivery.payload

    @property
    def response_url(self) -> str:
        """Where the app may answer later."""
        return str(self.payload.get("response_url", ""))

    @property
    def trigger_id(self) -> str:
        """What the app may open a modal with."""
        return str(self.payload.get("trigger_id", ""))

    @property
    def text(self) -> str:
        """What the person reads at once, empty when nothing."""
        return self.shown.visible_text if self.shown else ""


class Pressing(People):
    """Hands on buttons. Interactions are not delivered again; who waits in vain sees an error."""

    def __init__(self, world: World, api: WebApi, events: Events, delivering: Delivering, answering: Answering) -> None:
        super().__init__(world, api, events, delivering)
        self._answering = answering

    async def command(self, person: Person, channel: Channel, text: str = "", *, command: str = "/atelier") -> Outcome:
        """Type a slash command, in any channel that *person* is in; it cannot be done in threads."""
        if person.id not in channel.members:
            raise NotShown(f"{person.name} is not in #{channel.name}")
        team = self.world.teams[channel.team_id]
        enterprise = team.enterprise
        grant = self.world.bot_of(team)
        url = self.world.interactions.response_url(channel, person, team)
        payload: Json = {
            "token": self.world.app.verification_token,
            "team_id": team.id,
            "team_domain": team.domain,
            "channel_id": channel.id,
            "channel_name": channel.name if channel.kind == "channels" else "privategroup",
            "user_id": person.id,
            "user_name": person.name,
            "command": command,
            "text": text,
            "api_app_id": self.world.app.id,
            "is_enterprise_install": str(grant is not None and not grant.team_id).lower(),
            "response_url": f"{self.world.base}{url}",
            "trigger_id": self.world.interactions.trigger(person, team),
        }
        if enterprise is not None:
            payload |= {"enterprise_id": enterprise.id, "enterprise_name": enterprise.name}
        delivery = await self.delivering.deliver(Delivery("slash_commands", payload))
        last = delivery.attempts[-1]
        if (error := _error(last)) or not last.answer:
            return Outcome(delivery, error)
        right = ResponseUrl("", channel.id, person.id, team.id, self.world.now())
        try:
            return Outcome(delivery, "", self._answering.show(last.answer, right, "command answer"))
        except Refusal as refusal:
            return Outcome(delivery, refusal.error)

    async def click(
        self, person: Person, where: Message | View, action_id: str, *, value: Any = None, block_id: str = ""
    ) -> Outcome:
        """Press a button, or choose *value* in a menu, of a message, modal or home tab that *person* sees."""
        blocks = where.blocks if isinstance(where, Message) else where.content["blocks"]
        block, element = find_element(blocks, action_id, block_id)
        action: Json = {"action_id": action_id, "block_id": block, "type": element["type"]}
        if element["type"] == "feedback_buttons":
            action["value"] = element[f"{value or 'positive'}_button"]["value"]
        elif element["type"] in {"button", "icon_button"}:
            action |= {key: element[key] for key in ("text", "value", "style") if key in element}
        else:
            action |= held_by(element, value)
        action["action_ts"] = self.world.next_ts()
        if isinstance(where, Message):
            around = self._around_message(person, where)
            team = self.world.teams[self.world.channels[where.channel].team_id]
        else:
            self._must_see(person, where)
            team = self.world.teams[where.team_id]
            shown = of_view(self.world, where)
            around = {"container": {"type": "view", "view_id": where.id}, "view": shown}
        view_id = where.id if isinstance(where, View) and where.content["type"] == "modal" else ""
        trigger_id = self.world.interactions.trigger(person, team, view_id)
        payload = self._payload("block_actions", person, team, trigger_id) | around | {"actions": [action]}
        return await self._interact(payload)

    async def submit(
        self, person: Person, values: Mapping[str, Any] | None = None, *, view: View | None = None
    ) -> Outcome:
        """Send the modal in front, *values* put in by action id; files as `File` objects or name and bytes."""
        view = view or self.modal(person)
        if view is None:
            raise NotShown("no modal is open")
        self._must_see(person, view)
        given = {name: self._put_in(person, value) for name, value in (values or {}).items()}
        state = filled(view, given)
        team = self.world.teams[view.team_id]
        trigger_id = self.world.interactions.trigger(person, team, view.id)
        payload = self._payload("view_submission", person, team, trigger_id)
        payload |= {"view": of_view(self.world, view, state), "response_urls": self._response_urls(view, state, person)}
        outcome = await self._interact(payload)
        if outcome.error:
            return outcome
        return self._after_submission(outcome, view)

    async def dismiss(self, person: Person) -> Outcome | None:
        """Close the modal in front; the app is told if it asked for it."""
        view = self.modal(person)
        if view is None:
            raise NotShown("no modal is open")
        close(self.world, view)
        if not view.content.get("notify_on_close"):
            return None
        payload = self._payload("view_closed", person, self.world.teams[view.team_id], "")
        return await self._interact(payload | {"view": of_view(self.world, view), "is_cleared": False})

    async def message_shortcut(self, person: Person, message: Message, callback_id: str) -> Outcome:
        """Choose the app's shortcut in a message's menu."""
        channel = self.world.channels[message.channel]
        team = self.world.teams[channel.team_id]
        payload = self._payload("message_action", person, team, self.world.interactions.trigger(person, team))
        url = self.world.interactions.response_url(channel, person, team)
        payload |= {
            "callback_id": callback_id,
            "message_ts": message.ts,
            "message": of_message(self.world, message),
            "channel": {"id": channel.id, "name": channel.name},
            "response_url": f"{self.world.base}{url}",
            "action_ts": self.world.next_ts(),
        }
        return await self._interact(payload)

    async def global_shortcut(self, person: Person, callback_id: str) -> Outcome:
        """Choose the app's shortcut in the menu of everything."""
        team = self.world.teams[person.team_id]
        payload = self._payload("shortcut", person, team, self.world.interactions.trigger(person, team))
        return await self._interact(payload | {"callback_id": callback_id, "action_ts": self.world.next_ts()})

    async def _interact(self, payload: Json) -> Outcome:
        payload = {key: value for key, value in payload.items() if value != "" or key == "text"}
        delivery = await self.delivering.deliver(Delivery("interactive", payload))
        return Outcome(delivery, _error(delivery.attempts[-1]))

    def _payload(self, kind: str, person: Person, team: Team, trigger_id: str) -> Json:
        """Return what every interaction carries; of an organisation's installation *team* is not said."""
        grant = self.world.bot_of(team)
        everywhere = grant is not None and not grant.team_id
        enterprise = {"id": team.enterprise.id, "name": team.enterprise.name} if team.enterprise else None
        return {
            "type": kind,
            "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
            "api_app_id": self.world.app.id,
            "token": self.world.app.verification_token,
            "trigger_id": trigger_id,
            "team": None if everywhere else {"id": team.id, "domain": team.domain},
            "enterprise": enterprise,
            "is_enterprise_install": everywhere,
        }

    def _around_message(self, person: Person, message: Message) -> Json:
        channel = self.world.channels[message.channel]
        seen = message.seen_by == person.id if message.seen_by else person.id in channel.members
        if not seen or message.is_deleted:
            raise NotShown(f"{person.name} does not see this message")
        url = self.world.interactions.response_url(channel, person, self.world.teams[channel.team_id], message)
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": bool(message.seen_by),
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        around: Json = {"container": container, "channel": {"id": channel.id, "name": channel.name}}
        if not message.seen_by:
            around["message"] = of_message(self.world, message)
        return around | {"state": {"values": {}}, "response_url": f"{self.world.base}{url}"}

    def _must_see(self, person: Person, view: View) -> None:
        if view.user != person.id or not view.is_open:
            raise NotShown(f"{person.name} does not see this view")

    def _put_in(self, person: Person, value: Any) -> Any:
        """Return what a field holds; files become visible to the app."""
        if not isinstance(value, list) or not value or not isinstance(value[0], (File, tuple)):
            return value
        files = [one if isinstance(one, File) else self.upload(person, *one) for one in value]
        grant = self.world.bot_of(self.world.teams[person.team_id])
        for file in files:
            file.given_to = grant.user_id if grant else ""
        return [of_file(self.world, file) for file in files]

    def _response_urls(self, view: View, state: Json, person: Person) -> list[Json]:
        urls = []
        for block in view.content["blocks"]:
            element = block.get("element", {})
            if not element.get("response_url_enabled"):
                continue
            held = state["values"][block["block_id"]][element["action_id"]]
            chosen = held.get("selected_conversation") or held.get("selected_channel")
            if chosen is None:
                continue
            channel = self.world.channels[chosen]
            url = self.world.interactions.response_url(channel, person, self.world.teams[view.team_id])
            facts = {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": channel.id}
            urls.append({**facts, "response_url": f"{self.world.base}{url}"})
        return urls

    def _after_submission(self, outcome: Outcome, view: View) -> Outcome:
        answer = outcome.delivery.attempts[-1].answer
        self.api.outgoing.append(Outgoing("view answer", answer, view.team_id, self.world.clock.now()))
        try:
            match answer.get("response_action"):
                case None:
                    close(self.world, view)
                case "clear":
                    close(self.world, view, all_of_them=True)
                case "errors":
                    return Outcome(outcome.delivery, errors=self._complaints(view, answer.get("errors", {})))
                case "update":
                    change(self.world, view, check_view(answer.get("view")))
                case "push":
                    pushed(self.world, check_view(answer.get("view")), view)
                case other:
                    return Outcome(outcome.delivery, f"unknown response_action {other}")
        except Refusal as refusal:
            return Outcome(outcome.delivery, refusal.error)
        return outcome

    def _complaints(self, view: View, errors: Mapping[str, str]) -> Mapping[str, str]:
        inputs = {block.get("block_id") for block in view.content["blocks"] if block["type"] == "input"}
        if not errors or not set(errors) <= inputs:
            raise Refusal("invalid_errors")
        view.errors = dict(errors)
        return view.errors


def _error(attempt: Attempt) -> str:
    """Return what the person sees when the app did not answer as it should."""
    if attempt.status == _OK:
        return ""
    return "operation_timeout" if "timeout" in attempt.problem else "dispatch_failed"

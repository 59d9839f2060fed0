"""Answers to interactions: in the response itself, or later at its response_url."""

import json

from aiohttp import web

from tests.fakes.slack import limits
from tests.fakes.slack.blocks import check_blocks
from tests.fakes.slack.faults import Faults, Trouble
from tests.fakes.slack.interaction import ANSWER_KEYS, ResponseUrl, is_set
from tests.fakes.slack.model import ApiCall, Channel, Edition, Json, Message, Outgoing, Refusal
from tests.fakes.slack.payloads import of_message
from tests.fakes.slack.web_api import WebApi
from tests.fakes.slack.wire import cut, troubled
from tests.fakes.slack.world import World


class Answering:
    """Shows what the app answers; requests at response_urls stand in the log as ``response_url``."""

    def __init__(self, world: World, faults: Faults, api: WebApi) -> None:
        self._world = world
        self._faults = faults
        self._api = api

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Take an answer at a response_url: five within half an hour."""
        try:
            answer = json.loads(await request.text())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        call = ApiCall("response_url", answer, "", "", self._world.clock.now())
        self._api.calls.append(call)
        fault = self._faults.next("response_url", answer)
        if fault is not None:
            call.outcome = fault.trouble.value
            if (early := troubled(request, fault)) is not None:
                return early
        try:
            right = self._world.interactions.use(request.match_info["key"])
            call.team_id = right.team_id
            self.show(answer, right, "response_url")
            self._api.ring()
        except Refusal as refusal:
            call.outcome = refusal.error
            gone = refusal.error in {"expired_url", "used_url"}
            return web.json_response({"ok": False, "error": refusal.error}, status=404 if gone else 400)
        if fault is not None:
            return cut(request) if fault.trouble is Trouble.LOST_ANSWER else web.Response(status=500)
        return web.Response(text="ok")

    def show(self, answer: Json, right: ResponseUrl, method: str) -> Message | None:
        """Show an answer and return its message, None when it takes one away.

        Raises:
            Refusal: If Slack would not show it.
        """
        self._api.outgoing.append(Outgoing(method, answer, right.team_id, self._world.clock.now()))
        if unknown := sorted(set(answer) - ANSWER_KEYS):
            self._api.problems.append(f"{method}: unknown fields {', '.join(unknown)}")
            raise Refusal("invalid_payload")
        if answer.get("blocks"):
            check_blocks(answer["blocks"])
        original, channel = right.original, self._world.channels[right.channel]
        if is_set(answer, "delete_original"):
            if original is not None:
                original.is_deleted = True
            return None
        if not (answer.get("text") or answer.get("blocks") or answer.get("attachments")):
            raise Refusal("no_text")
        if is_set(answer, "replace_original") and original is not None:
            return self._replace(original, channel, answer)
        message = self._message(answer, right, channel)
        self._world.messages.append(message)
        if not message.seen_by:
            self._world.announce(channel, self._world.teams[channel.team_id], of_message(self._world, message))
        return message

    def _replace(self, original: Message, channel: Channel, answer: Json) -> Message:
        before = of_message(self._world, original)
        original.editions.append(Edition(original.text, tuple(original.blocks), original.edited_at or original.ts))
        original.text, original.blocks = answer.get("text", ""), answer.get("blocks") or []
        original.edited_at = self._world.next_ts()
        if not original.seen_by:
            event = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": original.edited_at}
            event |= {"message": of_message(self._world, original), "previous_message": before}
            self._world.announce(channel, self._world.teams[channel.team_id], event)
        return original

    def _message(self, answer: Json, right: ResponseUrl, channel: Channel) -> Message:
        grant = self._world.bot_of(self._world.teams[right.team_id])
        return Message(
            ts=self._world.next_ts(),
            channel=channel.id,
            user=grant.user_id if grant else "",
            team_id=right.team_id,
            text=str(answer.get("text", ""))[: limits.FALLBACK_TEXT],
            blocks=answer.get("blocks") or [],
            attachments=answer.get("attachments") or [],
            thread_ts=str(answer.get("thread_ts", "")),
            by=self._world.app.id,
            bot_id=grant.bot_id if grant else "",
            seen_by="" if answer.get("response_type") == "in_channel" else right.person,
        )

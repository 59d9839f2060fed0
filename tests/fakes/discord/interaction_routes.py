"""Answers to interactions: the first one, and what follows over the interaction's webhook."""

from tests.fakes.discord.calls import Answer, Call, Handler, Reply
from tests.fakes.discord.interactions import Answering, Asking, Interaction
from tests.fakes.discord.limits import AUTOCOMPLETE_CHOICES, CHOICE_CHARACTERS
from tests.fakes.discord.modals import check_modal
from tests.fakes.discord.model import Flags, Json, Message, Refusal, invalid
from tests.fakes.discord.payloads import of_message
from tests.fakes.discord.posting import Draft, change, post, remove

_ANSWER_TO_COMMAND, _ANSWER_TO_MENU = 20, 23
_MENU = 3
_WITH_MESSAGE = {Answering.DEFERRED_UPDATE, Answering.UPDATE}
_ALLOWED: dict[Asking, frozenset[Answering]] = {
    Asking.COMMAND: frozenset({Answering.MESSAGE, Answering.DEFERRED_MESSAGE, Answering.MODAL}),
    Asking.COMPONENT: frozenset(Answering) - {Answering.CHOICES},
    Asking.AUTOCOMPLETE: frozenset({Answering.CHOICES}),
    Asking.MODAL: frozenset(Answering) - {Answering.CHOICES, Answering.MODAL},
}


def answer(call: Call) -> Answer:
    """Take the first answer, within three seconds."""
    one = call.interactions.to_answer(call.params["interaction_id"], call.params["interaction_token"])
    body = call.fields
    try:
        kind = Answering(int(body["type"]))
    except (KeyError, ValueError):
        raise invalid("type", "BASE_TYPE_CHOICES", "Value must be one of the callback types.") from None
    misplaced = kind not in _ALLOWED[one.kind] or (kind in _WITH_MESSAGE and one.source is None)
    if misplaced:
        raise invalid("type", "INTERACTION_CALLBACK_TYPE_INVALID", f"{one.kind.name} cannot be answered by {kind.name}")
    _begin(call, one, kind, body.get("data") or {})
    call.interactions.answered(one, body)
    if call.query.get("with_response") not in {"1", "true"}:
        return None
    return _described(call, one, kind)


def follow(call: Call) -> Answer:
    """Send a follow-up; the first one after a deferred answer edits that."""
    one = call.interactions.by_token(call.params["webhook_token"])
    body = call.fields
    if one.message is not None and one.message.is_thinking:
        change(call.world, one.message, body, call.uploads)
        return of_message(call.world, one.message)
    message = post(call.world, _draft(call, one, body))
    one.followups.append(message)
    return of_message(call.world, message) if call.query.get("wait", "true") != "false" else None


def get(call: Call) -> Answer:
    """Return an answer."""
    return of_message(call.world, _message(call))


def edit(call: Call) -> Answer:
    """Edit an answer."""
    message = _message(call)
    change(call.world, message, call.fields, call.uploads)
    return of_message(call.world, message)


def delete(call: Call) -> Answer:
    """Delete an answer."""
    remove(call.world, _message(call))
    return None


def _begin(call: Call, one: Interaction, kind: Answering, data: Json) -> None:
    """Do what a first answer says."""
    match kind:
        case Answering.MESSAGE:
            one.message = post(call.world, _draft(call, one, data, is_first=True))
        case Answering.DEFERRED_MESSAGE:
            if set(data) - {"flags"} and any(data[key] for key in set(data) - {"flags"}):
                raise invalid(
                    "data", "INTERACTION_DEFER_DATA_INVALID", "Only flags may be given with a deferred answer."
                )
            draft = _draft(call, one, {"flags": data.get("flags")}, is_first=True)
            draft.extra_flags, draft.is_placeholder = Flags.LOADING, True
            one.message = post(call.world, draft)
        case Answering.DEFERRED_UPDATE:
            one.message = one.source
        case Answering.UPDATE:
            assert one.source is not None
            change(call.world, one.source, data, call.uploads)
            one.message = one.source
        case Answering.CHOICES:
            _check_choices(data.get("choices") or [])
        case Answering.MODAL:
            check_modal(data)


def _draft(call: Call, one: Interaction, body: Json, *, is_first: bool = False) -> Draft:
    kind = 0
    if is_first and one.kind is Asking.COMMAND:
        kind = _ANSWER_TO_MENU if one.payload["data"]["type"] == _MENU else _ANSWER_TO_COMMAND
    is_private = int(body.get("flags") or 0) & Flags.EPHEMERAL
    return Draft(
        one.channel,
        call.world.bot,
        body,
        call.uploads,
        kind,
        webhook_id=call.world.app_id,
        interaction=_metadata(one),
        seen_by=one.user.id if is_private else "",
    )


def _metadata(one: Interaction) -> Json:
    """Return what a message tells of the interaction that made it."""
    metadata: Json = {
        "id": one.id,
        "type": int(one.kind),
        "user": one.payload.get("user") or one.payload["member"]["user"],
        "authorizing_integration_owners": one.payload["authorizing_integration_owners"],
    }
    if one.kind is Asking.COMPONENT and one.source is not None:
        metadata["interacted_message_id"] = one.source.id
    if one.opened_by is not None:
        metadata["triggering_interaction_metadata"] = _metadata(one.opened_by)
    return metadata


def _described(call: Call, one: Interaction, kind: Answering) -> Reply:
    described: Json = {"id": one.id, "type": int(one.kind), "channel_id": one.channel.id}
    if one.channel.guild_id:
        described["guild_id"] = one.channel.guild_id
    if one.message is not None:
        described["response_message_id"] = one.message.id
        described["response_message_loading"] = one.message.is_thinking
        described["response_message_ephemeral"] = one.message.is_ephemeral
    body: Json = {"interaction": described}
    if one.message is not None and kind is not Answering.DEFERRED_UPDATE:
        body["resource"] = {"type": int(kind), "message": of_message(call.world, one.message)}
    return Reply(200, body)


def _message(call: Call) -> Message:
    one = call.interactions.by_token(call.params["webhook_token"])
    wanted = call.params.get("message_id", "@original")
    found = one.message if wanted == "@original" else None
    for message in [one.message, *one.followups]:
        if message is not None and message.id == wanted:
            found = message
    if found is None or found.is_deleted:
        raise Refusal(404, 10008, "Unknown Message")
    return found


def _check_choices(choices: list[Json]) -> None:
    if len(choices) > AUTOCOMPLETE_CHOICES:
        text = f"Must be {AUTOCOMPLETE_CHOICES} or fewer in length."
        raise invalid("data.choices", "BASE_TYPE_BAD_LENGTH", text)
    for index, choice in enumerate(choices):
        if not 1 <= len(choice["name"]) <= CHOICE_CHARACTERS or len(str(choice["value"])) > CHOICE_CHARACTERS:
            text = f"Must be between 1 and {CHOICE_CHARACTERS} in length."
            raise invalid(f"data.choices.{index}.name", "BASE_TYPE_BAD_LENGTH", text)


_HOOK = "/webhooks/{webhook_id}/{webhook_token}"
ROUTES: dict[str, Handler] = {
    "POST /interactions/{interaction_id}/{interaction_token}/callback": answer,
    f"POST {_HOOK}": follow,
    f"GET {_HOOK}/messages/@original": get,
    f"PATCH {_HOOK}/messages/@original": edit,
    f"DELETE {_HOOK}/messages/@original": delete,
    f"GET {_HOOK}/messages/{{message_id}}": get,
    f"PATCH {_HOOK}/messages/{{message_id}}": edit,
    f"DELETE {_HOOK}/messages/{{message_id}}": delete,
}

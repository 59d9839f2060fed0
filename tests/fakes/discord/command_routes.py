"""Application commands over the API: overwritten in bulk or one by one, within Discord's limits."""

from tests.fakes.discord.calls import Answer, Call, Handler, Reply
from tests.fakes.discord.command_rules import check_all, check_one
from tests.fakes.discord.limits import CREATES_A_DAY
from tests.fakes.discord.model import Json, Refusal
from tests.fakes.discord.world import World

_DAY_SECONDS = 86_400.0


def listing(call: Call) -> Answer:
    """Return the commands of a scope."""
    return list(call.world.commands.get(_scope(call), []))


def overwrite(call: Call) -> Answer:
    """Put other commands in place of a scope's; who keeps name and type keeps the id."""
    scope = _scope(call)
    if not isinstance(call.body, list):
        raise Refusal(400, 50109, "The request body contains invalid JSON.")
    check_all(call.body)
    before = {_key(one): one for one in call.world.commands.get(scope, [])}
    created = sum(_key(one) not in before for one in call.body)
    _count_creates(call.world, scope, created)
    stored = [_stored(call.world, scope, one, before.get(_key(one))) for one in call.body]
    call.world.commands[scope] = stored
    return stored


def create(call: Call) -> Answer:
    """Add a command, or replace the one of its name."""
    scope, body = _scope(call), call.fields
    check_one(body, "")
    kept = call.world.commands.get(scope, [])
    before = next((one for one in kept if _key(one) == _key(body)), None)
    others = [one for one in kept if one is not before]
    check_all([*others, body])
    _count_creates(call.world, scope, int(before is None))
    stored = _stored(call.world, scope, body, before)
    call.world.commands[scope] = [*others, stored]
    return Reply(200 if before else 201, stored)


def get(call: Call) -> Answer:
    """Return a command."""
    return _found(call)


def edit(call: Call) -> Answer:
    """Change a command."""
    found = _found(call)
    changed = found | call.fields
    check_one(changed, "")
    found |= call.fields | {"version": call.world.next_id()}
    return found


def delete(call: Call) -> Answer:
    """Remove a command."""
    call.world.commands[_scope(call)].remove(_found(call))
    return None


def _scope(call: Call) -> str:
    if call.params["application_id"] != call.world.app_id:
        raise Refusal(404, 10002, "Unknown Application")
    if "guild_id" not in call.params:
        return "global"
    return call.guild().id


def _found(call: Call) -> Json:
    for one in call.world.commands.get(_scope(call), []):
        if one["id"] == call.params["command_id"]:
            return one
    raise Refusal(404, 10063, "Unknown application command")


def _key(command: Json) -> tuple[str, int]:
    return command["name"], int(command.get("type") or 1)


def _stored(world: World, scope: str, command: Json, before: Json | None) -> Json:
    given = {key: value for key, value in command.items() if value is not None}
    defaults: Json = {
        "type": 1,
        "description": "",
        "default_member_permissions": None,
        "dm_permission": True,
        "contexts": None,
        "integration_types": [0],
        "nsfw": False,
    }
    stored = defaults | given
    stored |= {"id": before["id"] if before else world.next_id(), "application_id": world.app_id}
    stored["version"] = world.next_id()
    permissions = stored["default_member_permissions"]
    stored["default_member_permissions"] = None if permissions is None else str(permissions)
    if scope != "global":
        stored["guild_id"] = scope
    return stored


def _count_creates(world: World, scope: str, created: int) -> None:
    """Count new commands of a day.

    Raises:
        Refusal: 30034 beyond two hundred.
    """
    since = world.clock.monotonic() - _DAY_SECONDS
    times = [one for one in world.command_creates.get(scope, []) if one > since]
    if len(times) + created > CREATES_A_DAY:
        text = "Max number of daily application command creates has been reached (200)"
        raise Refusal(429, 30034, text, retry_after=600.0, is_global=False)
    world.command_creates[scope] = times + [world.clock.monotonic()] * created


_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"
ROUTES: dict[str, Handler] = {
    f"{method} {prefix}{suffix}": handler
    for prefix in (_GLOBAL, _GUILD)
    for method, suffix, handler in (
        ("GET", "", listing),
        ("PUT", "", overwrite),
        ("POST", "", create),
        ("GET", "/{command_id}", get),
        ("PATCH", "/{command_id}", edit),
        ("DELETE", "/{command_id}", delete),
    )
}

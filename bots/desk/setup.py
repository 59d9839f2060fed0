"""The first look of an admin at the settings, where a platform asks for that before anybody else may start."""

from bots.desk.holding import release_own
from bots.desk.people import set_settings
from bots.desk.requests import RequestKind
from bots.desk.tools import Call, Handlers, Tools
from bots.views.ask import said
from bots.views.settings import people_words, setup_view
from core.workspaces.access import configure_denial, refuse

_PASSES = frozenset({"settings", "use_settings", "help"})
_STARTS = frozenset({"new", "sample"})


def handlers(tools: Tools) -> Handlers:
    """Return the button that leaves everything as it is."""

    async def use(call: Call) -> None:
        refuse(configure_denial(call.member, call.person.standing))
        await set_settings(tools, call.workspace.id, is_set_up=True)
        if not await release_own(tools, call, {}):
            await call.say(said("Atelier is set up. Change it at any time with `settings`."))

    return Handlers(presses={"use_settings": use})


def is_open(tools: Tools, call: Call) -> bool:
    """Return whether this admin must look at the settings first."""
    return (
        call.door.platform in tools.asks_setup
        and not call.workspace.settings.is_set_up
        and configure_denial(call.member, call.person.standing) is None
    )


async def intercepts(tools: Tools, call: Call) -> bool:
    """Show the set-up instead of what an admin asked for, and keep that until it is done; return whether it was shown."""
    request = call.request
    name = request.action if request.kind is RequestKind.PRESS else request.command
    if name in _PASSES or (request.kind is RequestKind.PRESS and name not in _STARTS) or not is_open(tools, call):
        return False
    await tools.inbox.hold(request, waits_for="setup")
    settings = call.workspace.settings
    await call.say(
        setup_view(
            settings, platform=call.door.platform, unit=tools.unit, people=people_words(settings), request_id=request.id
        )
    )
    return True

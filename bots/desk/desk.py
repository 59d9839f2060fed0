"""The desk: takes what people ask on any platform, and sees to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from bots.commands import BY_NAME, Completion
from bots.desk import (
    choosing,
    completing,
    consent,
    data,
    home,
    keeping,
    listing,
    pages,
    projects,
    settings,
    setup,
    sharing,
    starting,
    steering,
    templates,
    verbs,
    welcome,
)
from bots.desk.door import Door
from bots.desk.forms import Form
from bots.desk.inbox import Inbox
from bots.desk.people import identify
from bots.desk.reading import FreeText, is_session_id, read_brief, read_command, read_mention
from bots.desk.requests import Actor, Request, RequestKind
from bots.desk.threads import find_session
from bots.desk.tools import Call, FormMaker, Handler, Part, Person, Tools
from bots.parsing import HelpNeeded, Invocation, Value
from bots.views.ask import OPEN_FORM, failure_view, lost_form_view
from bots.views.elements import Button, View
from core.clock import Clock
from core.credits.service import Ledger
from core.credits.tariff import Tariff
from core.credits.tiers import PriceList
from core.errors import ConflictError, TransientError, UserFacingError
from core.orchestration.ports import PostRefused
from core.orchestration.posting import Poster
from core.providers.registry import ModelRegistry
from core.sessions.intake import Intake
from core.sessions.model import LIVE, ThreadRef
from core.sessions.ports import FileStore, Store
from core.sessions.requests import Upload
from core.sessions.service import SessionService
from core.workspaces.model import Workspace

_log = structlog.get_logger(__name__)
Happening = Callable[[Request], Awaitable[object]]
_PARTS: tuple[Part, ...] = (
    starting.handlers,
    consent.handlers,
    data.handlers,
    verbs.handlers,
    keeping.handlers,
    steering.handlers,
    choosing.handlers,
    listing.handlers,
    pages.handlers,
    projects.handlers,
    templates.handlers,
    sharing.handlers,
    home.handlers,
    settings.handlers,
    setup.handlers,
)


class Desk:
    """Everything that people can do, on every platform alike.

    Args:
        vendors: Names of the companies whose models get the text, as people know them; empty for the rehearsal alone.
        doors: Platforms by name. They may be added later, since they are built with the desk; so may `happenings`, what
            is done about requests of kind HAPPENED, by their action. Each may be repeated.
        sample: The document of the free sample, None where none ships.
        own_retention_days: Days after which texts go where nothing is sold, None for never.
        asks_setup: Platforms on which only admins may start until one of them looked at the settings.
        more: Parts that bring further commands and buttons; see `bots.desk.tools.Handlers`.
    """

    def __init__(
        self,
        *,
        store: Store,
        sessions: SessionService,
        intake: Intake,
        poster: Poster,
        files: FileStore,
        registry: ModelRegistry,
        prices: PriceList,
        tariff: Tariff,
        ledger: Ledger,
        clock: Clock,
        vendors: tuple[str, ...],
        doors: Mapping[str, Door],
        sample: Upload | None = None,
        asks_setup: frozenset[str] = frozenset({"discord"}),
        own_retention_days: int | None = None,
        more: Sequence[Part] = (),
    ) -> None:
        self.inbox = Inbox(store=store, handle=self.handle, clock=clock, give_up=self._give_up, keeping=self._door)
        self.tools = tools = Tools(
            store=store,
            sessions=sessions,
            intake=intake,
            poster=poster,
            files=files,
            registry=registry,
            prices=prices,
            tariff=tariff,
            ledger=ledger,
            clock=clock,
            vendors=vendors,
            doors=doors,
            inbox=self.inbox,
            sample=sample,
            asks_setup=asks_setup,
            own_retention_days=own_retention_days,
        )
        self.commands: dict[str, Handler] = {}
        self.presses: dict[str, Handler] = {}
        self._forms: dict[str, FormMaker] = {}
        self.happenings: dict[str, Happening] = {}
        for part in (*_PARTS, *more):
            can = part(tools)
            self.commands |= can.commands
            self.presses |= can.presses
            self._forms |= can.forms
            if can.ways is not None:
                tools.ways.append(can.ways)

    async def handle(self, request: Request) -> None:
        """Do what a request asks, and answer privately in words, also where it cannot be done.

        A request may come here twice, because a process died in the middle: what is done is done once.

        Raises:
            TransientError: If it may work later.
        """
        if request.kind is RequestKind.HAPPENED:
            await self._happened(request)
            return
        door = self.tools.doors[request.spot.thread.platform]
        try:
            await self._route(request, door)
        except TransientError:
            raise
        except UserFacingError as error:
            _log.info("request_refused", code=error.code, workspace=request.actor.workspace_id)
            await _answer(
                door, request, failure_view(error, unit=self.tools.unit, buttons=await self._ways(request, error))
            )
        except ConflictError as error:
            _log.info("request_overtaken", error=str(error), workspace=request.actor.workspace_id)
            await _answer(door, request, failure_view(None))
        if door.is_at_home(request):
            await self._show_home(request, door)

    def acknowledge(self, request: Request) -> str:
        """Return the line that is said at once and privately, empty where nothing is to be said."""
        return starting.acknowledge(request)

    def may_open_form(self, request: Request) -> bool:
        """Return whether `form_for` may have a form for a request; it reads nothing."""
        if request.files or self._form_maker(request) is None:
            return False
        command = BY_NAME.get(request.command)
        text = command.rest if command is not None else None
        if text is None or text.completion is not Completion.NONE:  # what it is about is named, not what to do
            return True
        return not request.values.get(text.name)  # who said it all needs no form

    async def form_for(self, request: Request) -> Form | None:
        """Return the form that a request needs before it can be done, None for one that can be done as it is."""
        make = self._form_maker(request)
        if make is None:
            return None
        call = Call(request, await self._person(request), self._door(request), values=_pressed_values(request))
        try:
            return await make(call)
        except UserFacingError:
            return None  # handling the request says in words what is wrong

    async def complete(
        self, actor: Actor, command: str, option: str, typed: str, *, given: Mapping[str, Value] | None = None
    ) -> Sequence[tuple[str, str]]:
        """Return what may be meant by what somebody has typed so far: value and label, at most 25.

        *given* is what they chose for the other options.
        """
        return await completing.complete(self.tools, actor, command, option, typed, given=given)

    async def home(self, actor: Actor) -> View:
        """Return the page that somebody has for themselves."""
        return await home.page(self.tools, actor)

    async def installed(self, workspace: Workspace, installer: Actor, *, came_back: bool = False) -> None:
        """Record a workspace that has the app from now on, and write to whoever installed it, once an installation."""
        await welcome.installed(self.tools, workspace, installer, came_back=came_back)

    async def removed(self, workspace_id: str) -> None:
        """Stop what runs in a workspace that took the app away; its ledger stays."""
        await welcome.removed(self.tools, workspace_id)

    async def owns_thread(self, thread: ThreadRef) -> bool:
        """Return whether a thread is a session's."""
        return await find_session(self.tools, thread) is not None

    def _form_maker(self, request: Request) -> FormMaker | None:
        match request.kind:
            case RequestKind.COMMAND:
                return self._forms.get(request.command)
            case RequestKind.PRESS:
                return self._forms.get(request.action)
            case _:
                return None

    async def _happened(self, request: Request) -> None:
        do = self.happenings.get(request.action)
        if do is None:  # this process was started without the platform: the next one may have it
            raise TransientError(f"nobody here knows what to do about {request.action}")
        await do(request)

    async def _show_home(self, request: Request, door: Door) -> None:
        """Show what came of a press on somebody's own page; what was done stays done where that cannot be shown."""
        try:
            await door.show_home(request.actor, await self.home(request.actor))
        except (PostRefused, TransientError) as error:
            _log.info("home_not_shown", error=type(error).__name__, workspace=request.actor.workspace_id)

    async def _route(self, request: Request, door: Door) -> None:
        if request.kind in {RequestKind.SAID, RequestKind.EDITED, RequestKind.DELETED}:
            await steering.hear(self.tools, request, door, self._person)
            return
        person = await self._person(request)
        if person.workspace.removed_at is not None:
            _log.info("request_dropped", reason="removed", workspace=person.workspace.id)
            return
        call = Call(request, person, door)
        if await setup.intercepts(self.tools, call):
            return
        if request.wants_form and await self.form_for(request) is not None:  # it could not be opened in time
            await call.say(_lost_form(request))
            return
        match request.kind:
            case RequestKind.COMMAND:
                await self._run(call, read_command(request.command, request.values))
            case RequestKind.MENTION:
                await self._mention(call)
            case RequestKind.PRESS:
                await self._press(call)
            case _:
                raise ValueError(f"no way for {request.kind}")

    async def _run(self, call: Call, given: Invocation | HelpNeeded) -> None:
        if isinstance(given, HelpNeeded):
            await call.say(listing.help_answer(self.tools, call, given))
            return
        await self.commands[given.command.name](Call(call.request, call.person, call.door, values=given.values))

    async def _mention(self, call: Call) -> None:
        """Somebody named the app: a command, words to the session of this thread, or something to work on."""
        request = call.request
        text = request.text.strip()
        given = read_mention(text)
        session = await find_session(self.tools, request.spot.thread)
        if text and not isinstance(given, FreeText):
            await self._run(call, given)
        elif session is not None and text and (session.status in LIVE or not request.files):
            await steering.told(self.tools, call, session)
        else:
            has_files = await starting.has_files(call)
            await self._run(call, read_brief(text, has_files=has_files) if text or has_files else HelpNeeded())

    async def _press(self, call: Call) -> None:
        request = call.request
        press = self.presses.get(request.action)
        if press is not None:
            await press(call)
            return
        if request.action in BY_NAME:
            await self.commands[request.action](Call(request, call.person, call.door, values=_pressed_values(request)))
            return
        await call.say(failure_view(None))

    async def _ways(self, request: Request, error: UserFacingError) -> Sequence[Button]:
        """Return the buttons that lead out of an error; the session is the button's, the command's or the thread's."""
        if not self.tools.ways:
            return ()
        call = Call(request, await self._person(request), self._door(request))
        session = await find_session(self.tools, request.spot.thread)
        named = request.target or str(request.values.get("session", ""))
        named = named if is_session_id(named) else ""
        return await self.tools.ways_out(call, error, named or (session.id if session is not None else ""))

    async def _person(self, request: Request) -> Person:
        standing = await self._door(request).standing(request.actor)
        return await identify(self.tools, request.actor, standing)

    def _door(self, request: Request) -> Door:
        return self.tools.doors[request.spot.thread.platform]

    async def _give_up(self, request: Request) -> None:
        """Say that it did not work: nobody waits for an answer that never comes."""
        if request.kind is RequestKind.HAPPENED:
            return
        await self._door(request).whisper(request, failure_view(None, code="internal"))


async def _answer(door: Door, request: Request, view: View) -> None:
    """Say what went wrong, unless the platform lets us say nothing to this person: that is all there is to do."""
    try:
        await door.whisper(request, view)
    except PostRefused as error:
        _log.info("answer_refused", reason=error.reason, workspace=request.actor.workspace_id)


def _lost_form(request: Request) -> View:
    """Return how somebody gets to a form that did not open: by a press, which opens it, or by typing again."""
    if request.kind is RequestKind.COMMAND:
        rest = BY_NAME[request.command].rest if request.command in BY_NAME else None
        is_named = rest is not None and rest.completion is not Completion.NONE
        about = str(request.values.get(rest.name, "")) if rest is not None and is_named else ""
        return lost_form_view(request.command, Button(request.command, OPEN_FORM, about))
    return lost_form_view("", Button(request.action, OPEN_FORM, request.target, request.argument))


def _pressed_values(request: Request) -> dict[str, str | int | float | bool]:
    """Return the values of a command, or of a button that stands for one."""
    if request.kind is not RequestKind.PRESS:
        return dict(request.values)
    values: dict[str, str | int | float | bool] = {}
    if request.target:
        values["session"] = request.target
    if request.argument:
        values["argument"] = request.argument
    return values

"""Starting a session: who may, what is sent, where it lives, what it costs, and whether somebody must say so."""

from dataclasses import replace

from bots.commands import Place
from bots.desk import setup, welcome
from bots.desk.asking import with_template, written
from bots.desk.estimating import tell_estimate
from bots.desk.forms import Form, new_form, settings_form
from bots.desk.gathering import fetch, find_files, gather
from bots.desk.holding import as_command, release_own
from bots.desk.people import set_preferences
from bots.desk.reading import FreeText, read_mention
from bots.desk.requests import Attachment, Request, RequestKind
from bots.desk.threads import find_session
from bots.desk.tools import Call, Handlers, Tools
from bots.errors import CannotPost
from bots.views.ask import failure_view, invite_view, price_view, said
from bots.views.elements import Button, Style
from core.casts.catalogue import list_casts
from core.errors import UserFacingError
from core.ids import derived_key
from core.sessions.errors import NotPossibleNow
from core.sessions.model import Session, Status, ThreadRef
from core.sessions.projects import Projects
from core.sessions.requests import NewSession, with_notes
from core.sessions.templates import Templates
from core.workspaces.access import refuse, start_denial
from core.workspaces.model import Verbosity

REMEMBERED = ("team", "editors", "rounds", "good-enough", "model", "language", "show")
_SECONDS_A_MINUTE = 60
_MOST_WORDS_OF_A_SLIP = 4


def handlers(tools: Tools) -> Handlers:
    """Return how sessions begin."""

    async def new_(call: Call) -> None:
        await new(tools, call)

    async def estimate_(call: Call) -> None:
        await estimate(tools, call)

    async def again(call: Call) -> None:
        await release_own(tools, call, {})

    async def direct(call: Call) -> None:
        await release_own(tools, call, {"direct": True})

    async def form(call: Call) -> Form | None:
        return await _form(tools, call)

    return Handlers(
        commands={"new": new_, "estimate": estimate_},
        presses={"again": again, "direct": direct},
        forms={"new": form},
    )


def acknowledge(request: Request) -> str:
    """Return the line that is said at once and privately: what is read, and that the price follows."""
    wants_session = request.kind is RequestKind.COMMAND and request.command in {"new", "estimate"}
    if not wants_session and not (request.kind is RequestKind.MENTION and request.files):
        return ""
    if request.files:
        more = f" and {len(request.files) - 1} more" if len(request.files) > 1 else ""
        return f"Reading {request.files[0].name}{more}, price follows."
    return "Reading the brief, price follows." if request.values.get("brief") else ""


async def has_files(call: Call) -> bool:
    """Return whether there is something to work on although nobody said what to do with it."""
    return bool(await find_files(call))


async def new(tools: Tools, call: Call) -> None:
    """Make the session that a request asks for, and start it or say its price. A repeat goes on where it was left."""
    session_id = session_id_of(call.request)
    session = await tools.store.read(lambda tx: tx.sessions.find(session_id))
    if session is None:
        _check_start(tools, call)
        files = await gather(tools, call, "new")
        if files is None:
            return
        place = await _find_place(tools, call, files)
        if place is None:
            return
        session = await tools.sessions.create(await _ask_for(tools, call, files, place, session_id))
        await _remember(tools, call)
        await tools.inbox.let_go(call.request)
    await begin(tools, call, session)


async def estimate(tools: Tools, call: Call) -> None:
    """Say what a session would cost."""
    files = await gather(tools, call, "estimate")
    if files is None:
        return
    asked = await _ask_for(tools, call, files, (call.request.spot.thread, ""), "")
    await tell_estimate(tools, call, asked)


async def begin(tools: Tools, call: Call, session: Session, *, asks: bool = True) -> None:
    """Start a draft whose cap is within the member's limit; say the price of any other, with a button.

    Args:
        tools: What the desk works with.
        call: Who asks.
        session: A session of theirs.
        asks: Whether the limit counts: somebody may have pressed the button already.
    """
    within = session.cap_microcredits <= no_ask_limit(call) and not _lacks_file(call, session)
    starts = session.status is Status.DRAFT and (not asks or within)
    was_told = await _tell_first(tools, call, session, starts=starts)
    if starts:
        try:
            session = await tools.sessions.start(session.id, actor=call.member.id, key=call.request.id)
        except NotPossibleNow:  # a second press, a moment later
            session = await tools.sessions.get(session.id)
        except UserFacingError as error:
            ways = (
                *await tools.ways_out(call, error, session.id),
                Button("start", "Start session", session.id, style=Style.PRIMARY),
                Button("discard", "Discard session", session.id),
            )
            await call.say(failure_view(error, unit=tools.unit, buttons=ways))
            return
    if not was_told:
        await _tell_price(tools, call, session, is_started=session.status is not Status.DRAFT)


async def _tell_first(tools: Tools, call: Call, session: Session, *, starts: bool) -> bool:
    """Tell a member once, before their first session starts, who reads what they write; return whether that was now.

    The price goes along with it, so whoever calls this says it no more.
    """
    words = welcome.first_words(tools, call)
    if not words:
        return False
    is_started = starts or session.status is not Status.DRAFT
    await _tell_price(tools, call, session, is_started=is_started, first_time=words)
    await welcome.was_told(tools, call)
    return True


async def _tell_price(tools: Tools, call: Call, session: Session, *, is_started: bool, first_time: str = "") -> None:
    balance = await tools.balance(session.workspace_id)
    view = price_view(
        session,
        balance_microcredits=balance,
        unit=tools.unit,
        is_started=is_started,
        first_time=first_time,
        lacks_file=_lacks_file(call, session),
    )
    await call.say(view)


def _lacks_file(call: Call, session: Session) -> bool:
    """Return whether somebody said a few words to the app, without a file: "tighten this" is no brief, a file is missing."""
    if call.request.kind is not RequestKind.MENTION or session.has_upload or call.text("template"):
        return False
    is_short = len(call.text("brief").split()) <= _MOST_WORDS_OF_A_SLIP
    return is_short and isinstance(read_mention(call.request.text), FreeText)


def no_ask_limit(call: Call) -> int:
    """Return up to which cap, in micro-credits, a session of this member starts without a click."""
    own = call.member.preferences.no_ask_microcredits
    return call.workspace.settings.no_ask_microcredits if own is None else own


def session_id_of(request: Request) -> str:
    """Return the id of the one session that a request makes."""
    return f"s_{derived_key('session', request.id)[:16]}"


def no_channel_start(tools: Tools, call: Call) -> None:
    """Return if the asker may start a session in a conversation with the app; raises `NotAllowed`."""
    _check(tools, call, "")


def _check_start(tools: Tools, call: Call) -> None:
    is_direct = call.request.spot.place is Place.DIRECT
    _check(tools, call, "" if is_direct else call.channel)


def _check(tools: Tools, call: Call, channel: str) -> None:
    denial = start_denial(
        call.workspace,
        call.member,
        call.person.standing,
        channel=channel,
        asks_setup=call.door.platform in tools.asks_setup,
    )
    refuse(denial)


async def _find_place(tools: Tools, call: Call, files: tuple[Attachment, ...]) -> tuple[ThreadRef, str] | None:
    """Return where the session lives and where its result may be shared; None where the request waits for a way in."""
    request = call.request
    thread, is_direct = request.spot.thread, request.spot.place is Place.DIRECT
    try:
        if call.flag("direct"):
            return await call.door.open_direct(request.actor), "" if is_direct else thread.channel
        if is_direct:
            named = bool(thread.channel.rpartition("/")[2])
            return (thread if named else await call.door.open_direct(request.actor)), ""
        if call.flag("private"):
            return await call.door.open_private(request), thread.channel
        if thread.thread and await find_session(tools, thread) is not None:
            thread = replace(thread, thread="")  # one thread, one session: the next one gets its own
        await call.door.check_post(request, thread)
    except CannotPost as error:
        if is_direct or call.flag("direct"):
            raise
        held = replace(as_command(call, "new"), files=files)
        await tools.inbox.hold(held, waits_for="invite")
        await call.say(invite_view(error.remedy, held.id))
        return None
    return replace(thread, card=""), ""


async def _ask_for(
    tools: Tools, call: Call, files: tuple[Attachment, ...], place: tuple[ThreadRef, str], session_id: str
) -> NewSession:
    document, references = await fetch(call, files)
    thread, origin = place
    minutes = call.integer("minutes")
    asked = NewSession(
        workspace_id=call.workspace.id,
        member_id=call.member.id,
        thread=thread,
        brief=_brief(call),
        upload=document,
        references=references,
        cast=_team(call.text("team")),
        editors=call.integer("editors"),
        rounds=call.integer("rounds"),
        threshold=call.number("good-enough"),
        model=call.text("model"),
        notes_only=call.flag("notes-only"),
        language=call.text("language"),
        verbosity=Verbosity(call.text("show")) if call.text("show") else None,
        cap_microcredits=call.money("cap", tools.unit),
        max_seconds=None if minutes is None else minutes * _SECONDS_A_MINUTE,
        project_id=await _project_id(tools, call),
        session_id=session_id,
        origin=origin,
        origin_name=await call.door.channel_name(ThreadRef(thread.platform, origin)) if origin else "",
    )
    return await with_template(tools, call, asked)


async def _project_id(tools: Tools, call: Call) -> str | None:
    """Return the id of the project that was named, None for none; raises `NameUnknown`."""
    name = call.text("project")
    if not name:
        return None
    return (await Projects(store=tools.store, clock=tools.clock).find(call.workspace.id, name)).id


def _brief(call: Call) -> str:
    return with_notes(call.text("brief"), call.text("reference-notes"))


def _team(name: str) -> str:
    """Return the key of the team that people call so; what is unknown goes on as it is and is refused in words."""
    wanted = name.strip().casefold()
    return next((cast.key for cast in list_casts() if wanted in {cast.key.casefold(), cast.name.casefold()}), name)


async def _remember(tools: Tools, call: Call) -> None:
    """Keep what somebody chose for the next form; what they left out is the workspace's choice again."""
    if call.request.kind is not RequestKind.COMMAND:
        return
    chosen = {name: written(call.values[name]) for name in REMEMBERED if name in call.values}
    if chosen != call.member.preferences.last_choices:
        await set_preferences(tools, call.member.id, last_choices=chosen)


async def _form(tools: Tools, call: Call) -> Form | None:
    """Return the form of a new session, for somebody who said nothing yet; None for a request that can go on."""
    request = call.request
    if request.files or (request.kind is RequestKind.COMMAND and call.text("brief")):
        return None
    if setup.is_open(tools, call):
        return settings_form("setup", call.workspace.settings, unit=tools.unit, kept={"form": "setup"})
    _check_start(tools, call)
    last = call.member.preferences.last_choices
    given = {name: written(call.values[name]) for name in REMEMBERED if name in call.values}
    return new_form(
        call.workspace.settings,
        {**last, **given},
        models=tools.models_for(call.workspace),
        templates=await Templates(store=tools.store, clock=tools.clock).list_for(call.workspace.id),
        template=call.text("template") or request.argument,
        projects=await tools.store.read(lambda tx: tx.workspaces.list_projects(call.workspace.id)),
        is_private=call.flag("private"),
    )


async def discard(tools: Tools, call: Call, session: Session) -> None:
    """Delete a session that was never started: nothing was posted or charged, so nothing stays."""
    await tools.sessions.delete(session.id, actor=call.member.id)
    await call.say(said(f"{session.title} was not started; it is gone, and nothing was charged."))

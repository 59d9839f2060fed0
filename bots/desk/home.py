"""The page that somebody has for themselves, and the free sample on it."""

from bots.desk.people import identify, platform_of
from bots.desk.requests import Actor
from bots.desk.starting import begin, no_channel_start, session_id_of
from bots.desk.tools import Call, Handlers, Tools
from bots.desk.welcome import vendors_of
from bots.views.ask import failure_view, said
from bots.views.elements import View
from bots.views.home import home_view
from bots.views.welcome import about_ai
from core.credits.model import LotKind
from core.sessions.model import Session, Status
from core.sessions.ports import Transaction
from core.sessions.requests import NewSession
from core.workspaces.model import Workspace

_SHOWN = 5
_CAST = "quick"
_ROUNDS = 1
_TAKEN = "Your free sample was run already. Post a file of your own, or start with `new`."
_BRIEF = "Make this clear: plain words, short sentences, one claim a paragraph."


def handlers(tools: Tools) -> Handlers:
    """Return the page as a command, and the sample."""

    async def home(call: Call) -> None:
        await call.say(await page(tools, call.request.actor))

    async def sample(call: Call) -> None:
        await _sample(tools, call)

    return Handlers(commands={"home": home}, presses={"sample": sample})


async def page(tools: Tools, actor: Actor) -> View:
    """Return the page of one member."""
    standing = await tools.doors[platform_of(actor.workspace_id)].standing(actor)
    person = await identify(tools, actor, standing)

    def read(tx: Transaction) -> tuple[Session, ...]:
        found = tx.sessions.list_sessions(workspace_id=actor.workspace_id, member_id=actor.member_id, limit=_SHOWN + 1)
        return tuple(found)

    sessions = await tools.store.read(read)
    return home_view(
        sessions[:_SHOWN],
        has_more=len(sessions) > _SHOWN,
        balance_microcredits=await tools.balance(actor.workspace_id),
        unit=tools.unit,
        has_sample=tools.sample is not None,
        about=about_ai(vendors_of(tools, person.workspace)),
    )


async def _sample(tools: Tools, call: Call) -> None:
    """Run a short session on the document that ships, in the asker's own conversation; free once a workspace."""
    if tools.sample is None:
        await call.say(failure_view(None, code="choice_gone"))
        return
    session_id = session_id_of(call.request)
    session = await tools.store.read(lambda tx: tx.sessions.find(session_id))
    if session is None:
        no_channel_start(tools, call)
        if not await _is_theirs(tools, call):
            await call.say(said(_TAKEN))
            return
        thread = await call.door.open_direct(call.request.actor)
        session = await tools.sessions.create(
            NewSession(
                workspace_id=call.workspace.id,
                member_id=call.member.id,
                thread=thread,
                brief=_BRIEF,
                upload=tools.sample,
                cast=_CAST,
                rounds=_ROUNDS,
                session_id=session_id,
            )
        )
        if not await _grant(tools, call.workspace, session):  # a colleague was faster
            await tools.sessions.delete(session.id, actor=call.member.id)
            await call.say(said(_TAKEN))
            return
    if session.status is Status.DRAFT:
        await _grant(tools, call.workspace, session)
    await begin(tools, call, session, asks=False)


async def _is_theirs(tools: Tools, call: Call) -> bool:
    """Return whether this request may take the sample: one a workspace is free, and a repeat of it is the same one."""
    source = _source(call.workspace)

    def read(tx: Transaction) -> bool:
        return tx.credits.find_lot_by_source(source) is None

    return not tools.tariff.checks_balance or await tools.store.read(read)


async def _grant(tools: Tools, workspace: Workspace, session: Session) -> bool:
    """Give what the sample may cost, so that it is free for whoever tries; False if that was given before."""
    if not tools.tariff.checks_balance or session.cap_microcredits <= 0:
        return True

    def work(tx: Transaction) -> bool:
        return tools.ledger.grant(
            tx.credits,
            workspace_id=workspace.id,
            kind=LotKind.PROMO,
            amount_microcredits=session.cap_microcredits,
            source_key=_source(workspace),
            actor="system",
            reason="the free sample",
        )

    return await tools.store.write(work)


def _source(workspace: Workspace) -> str:
    return f"sample:{workspace.id}"

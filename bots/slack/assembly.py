"""Slack, as the settings configure it, for every process that posts there: one workspace by its token, or many by OAuth."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from slack_sdk.web.async_client import AsyncWebClient

from bots.fetching import origin_of
from bots.settings import Settings
from bots.slack.authorize import Authorize
from bots.slack.chat import SlackChat
from bots.slack.clients import ManyWorkspaces, OneWorkspace, Workspaces, open_session, web_client
from bots.slack.credentials import Credentials
from bots.slack.door import SlackDoor
from bots.slack.downloads import FILE_HOSTS
from bots.slack.errands import Errands
from bots.slack.lost import LostTokens
from bots.slack.pacing import Pacer
from bots.slack.renewal import Renewal
from bots.slack.tenants import workspace_id_of
from bots.slack.whispers import Note
from core.clock import Clock
from core.sessions.ports import AuditEntry, FileStore, Store, Transaction
from core.workspaces.installations import Cipher, Secret


@dataclass(frozen=True, slots=True)
class SlackSide:
    """What every process needs that posts in Slack, and what the listening ones build on.

    Attributes:
        chat, door: How sessions and the desk reach Slack.
        workspaces: The tokens, by team.
        client: Without a token, for what needs none.
        drop: Forgets what is remembered of a tenant.
        cipher: Seals tokens; None for the one workspace whose token is a setting.
        lost: Finds out that the app is gone where no event said so.
    """

    chat: SlackChat
    door: SlackDoor
    workspaces: Workspaces
    authorize: Authorize
    client: AsyncWebClient
    errands: Errands
    drop: Callable[[str], None]
    cipher: Cipher | None
    lost: LostTokens


async def open_slack(
    settings: Settings,
    *,
    store: Store | None,
    files: FileStore,
    clock: Clock,
    cipher: Cipher | None,
    stack: AsyncExitStack,
) -> SlackSide:
    """Return Slack's side, closed with *stack*.

    Args:
        settings: Hold one workspace's token, or the app's id and secret.
        store: Where installations and the common pace are; None for a process that is alone with one workspace.
        files: Where the bytes of sessions' files are.
        clock: The time.
        cipher: Seals the tokens of many workspaces; None for one workspace whose token is a setting.
        stack: Closes it.
    """
    base = _api_base(settings)
    session = open_session()
    stack.push_async_callback(session.close)
    client = web_client(session, base_url=base)
    workspaces: Workspaces
    if cipher is None or store is None:
        token = settings.slack_bot_token
        secret_token = Secret(token.get_secret_value() if token is not None else "")
        one = OneWorkspace(secret_token, session, base_url=base, answered=_back(store, clock))
        workspaces = one
        authorize = Authorize(workspaces)
        drops: list[Callable[[str], None]] = [one.drop, authorize.drop]
        lost = LostTokens(one, clock, refresh=_nothing)
    else:
        secret = settings.slack_client_secret
        renewal = Renewal(
            store,
            cipher,
            clock,
            client,
            client_id=settings.slack_client_id,
            client_secret=Secret(secret.get_secret_value() if secret is not None else ""),
        )
        credentials = Credentials(store, cipher, clock, renewal)
        stack.push_async_callback(credentials.aclose)
        workspaces = ManyWorkspaces(credentials, session, base_url=base)
        authorize = Authorize(workspaces)
        drops = [credentials.drop, authorize.drop]
        lost = LostTokens(credentials, clock, refresh=credentials.drop)

    def drop(tenant: str) -> None:
        for forget in drops:
            forget(tenant)

    pacer = Pacer(clock, store=store)
    stack.push_async_callback(lost.aclose)
    chat = SlackChat(workspaces, files=files, clock=clock, pacer=pacer, gone=lost)
    stack.push_async_callback(chat.aclose)
    hosts = {*FILE_HOSTS, *([origin_of(settings.slack_api_url)] if settings.slack_api_url else [])}
    door = SlackDoor(
        workspaces, session, files=files, clock=clock, pacer=pacer, file_hosts=hosts, note=_note(store), gone=lost
    )
    stack.push_async_callback(door.aclose)
    errands = Errands()
    stack.push_async_callback(errands.aclose)
    return SlackSide(chat, door, workspaces, authorize, client, errands, drop, cipher, lost)


def _note(store: Store | None) -> Note | None:
    """Return what remembers that a private answer was delivered, at the request's row."""
    if store is None:
        return None

    async def note(request_id: str, key: str) -> None:
        await store.write(lambda tx: tx.inbox.add_answer(request_id, key))

    return note


def _back(store: Store | None, clock: Clock) -> Callable[[str], Awaitable[None]] | None:
    """Return what marks the one workspace as having the app again: no installation tells of it there."""
    if store is None:
        return None

    async def back(tenant: str) -> None:
        def work(tx: Transaction) -> None:
            workspace = tx.workspaces.lock(workspace_id_of(tenant))
            if workspace is not None and workspace.removed_at is not None:
                tx.workspaces.save(replace(workspace, removed_at=None))
                tx.audit.add(AuditEntry(clock.now(), "system", "app_installed", workspace.id, tenant))

        await store.write(work)

    return back


def _nothing(_team: str) -> None:
    """A token from the settings is replaced by a new process alone."""


def _api_base(settings: Settings) -> str:
    """Return the address of Slack's methods as the SDK wants it, empty for Slack's own."""
    return f"{settings.slack_api_url}/" if settings.slack_api_url else ""

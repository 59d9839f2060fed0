"""What `atelier doctor` asks of Slack, as the settings configure it: one real call to a workspace, one for Socket Mode."""

from contextlib import AsyncExitStack

from bots.settings import Settings
from bots.slack.assembly import open_slack
from bots.slack.checks import (
    Lost,
    SlackFinding,
    SlackSetup,
    check_arrivals,
    check_channel,
    check_installation,
    check_settings,
    check_socket,
    check_untold,
    words_of,
)
from bots.slack.leaving import UNTOLD
from bots.slack.tenants import PLATFORM
from core.clock import Clock
from core.errors import AtelierError
from core.sessions.ports import FileStore, Store, Transaction
from core.workspaces.installations import Cipher, Secret


async def examine_slack(
    settings: Settings,
    *,
    store: Store | None,
    files: FileStore,
    clock: Clock,
    cipher: Cipher | None,
    channel: str = "",
) -> tuple[SlackFinding, ...]:
    """Return what was found, in the order in which it should be mended.

    Args:
        settings: Configure Slack.
        store: Where installations are, and what came in when; None before there is a database.
        files: As for `bots.slack.assembly.open_slack`.
        clock: The time.
        cipher: As there.
        channel: Slack's id of a channel to look at, ``T0123/C0123`` where there are many workspaces; empty for none.
    """
    token = settings.slack_app_token
    app_token = Secret(token.get_secret_value()) if token is not None else None
    setup = SlackSetup(
        public_url=settings.public_url,
        has_signing_secret=settings.slack_signing_secret is not None,
        has_bot_token=settings.slack_bot_token is not None,
        has_client=bool(settings.slack_client_id and settings.slack_client_secret),
        has_secret_keys=bool(settings.secret_keys),
        app_token=app_token,
    )
    problems = check_settings(setup)
    if problems or (store is None and settings.slack_bot_token is None):
        return problems or (SlackFinding(is_ok=True, detail="configured; nobody has installed the app yet"),)
    found: list[SlackFinding] = []
    async with AsyncExitStack() as stack:
        side = await open_slack(settings, store=store, files=files, clock=clock, cipher=cipher, stack=stack)
        hint = ": look at SLACK_BOT_TOKEN" if cipher is None else ""
        named, _, channel = channel.rpartition("/")
        team = named or (await _some_team(store) if cipher is not None and store is not None else "")
        if cipher is not None and not team:
            found.append(SlackFinding(is_ok=True, detail="configured; nobody has installed the app yet"))
        else:
            try:
                client = await side.workspaces(team)
                found += await check_installation(client)
                if channel:
                    found.append(await check_channel(client, channel))
            except AtelierError as error:
                found.append(SlackFinding(is_ok=False, detail=words_of(error) + hint))
        if app_token is not None:
            found.append(await check_socket(side.client, app_token))
    if store is not None:
        found += check_untold(await store.read(_lost), clock.now())
    if store is not None and (cipher is None or team):
        arrivals = await store.read(lambda tx: tx.inbound.list_arrivals(PLATFORM))
        found += check_arrivals(arrivals, setup, clock.now())
    return tuple(found)


async def _some_team(store: Store) -> str:
    """Return a tenant that has the app, empty for none."""

    def find(tx: Transaction) -> str:
        everyone = tx.installations.list_all()
        return next((item.tenant for item in everyone if item.platform == PLATFORM and not item.person), "")

    return await store.read(find)


def _lost(tx: Transaction) -> list[Lost]:
    """Return the workspaces that the app left without a word from Slack, and where it is not back yet."""
    found: list[Lost] = []
    for one in tx.workspaces.list_all():
        if one.platform != PLATFORM or one.removed_at is None:
            continue
        entries = tx.audit.list_entries(workspace_id=one.id)
        last = next((entry for entry in entries if entry.action == "app_removed"), None)
        if last is not None and last.details.get("event") == UNTOLD:
            found.append(Lost(last.target, one.name, last.at, last.details.get("reason", "")))
    return found

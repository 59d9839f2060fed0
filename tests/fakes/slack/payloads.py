"""Things as Slack writes them down in JSON."""

from tests.fakes.slack.model import Channel, File, Grant, Json, Kind, Message, Person, View
from tests.fakes.slack.world import World


def of_message(world: World, message: Message, *, with_metadata: bool = False) -> Json:
    """Return a message as history, answers and events show it."""
    if message.is_tombstone:
        shown: Json = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "hidden": True}
        return shown | {"text": "This message was deleted.", "ts": message.ts, "thread_ts": message.ts}
    shown = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text, "team": message.team_id}
    shown |= _origin(world, message) | _contents(world, message) | _marks(message) | _thread_facts(world, message)
    if with_metadata and message.metadata:
        shown["metadata"] = message.metadata
    return shown


def _origin(world: World, message: Message) -> Json:
    shown: Json = {}
    if message.client_msg_id:
        shown["client_msg_id"] = message.client_msg_id
    if message.by:
        shown |= {"bot_id": message.bot_id, "app_id": message.by, "bot_profile": _profile(world, message)}
    if message.username:
        shown |= {"subtype": "bot_message", "username": message.username}
    return shown | ({"icons": {"emoji": message.icon}} if message.icon else {})


def _contents(world: World, message: Message) -> Json:
    shown: Json = {}
    if message.blocks:
        shown["blocks"] = message.blocks
    if message.attachments:
        shown["attachments"] = message.attachments
    if message.files:
        files = [of_file(world, world.files[one]) for one in message.files]
        shown |= {"files": files, "upload": True, "subtype": "file_share"}
    return shown


def _marks(message: Message) -> Json:
    shown: Json = {"subtype": "thread_broadcast"} if message.is_broadcast else {}
    if message.edited_at:
        shown["edited"] = {"user": message.user, "ts": message.edited_at}
    if message.stream is not None and message.stream.is_open:
        shown["streaming_state"] = "in_progress"
    reactions = [{"name": name, "users": by, "count": len(by)} for name, by in message.reactions.items() if by]
    return shown | ({"reactions": reactions} if reactions else {})


def _thread_facts(world: World, message: Message) -> Json:
    if message.is_reply:
        parent = next((one for one in world.thread(message.channel, message.thread_ts) if not one.is_reply), None)
        return {"thread_ts": message.thread_ts, "parent_user_id": parent.user if parent else ""}
    replies = [one for one in world.thread(message.channel, message.ts) if one.is_reply]
    if not replies or message.seen_by:
        return {}
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": sorted({one.user for one in replies}),
        "latest_reply": replies[-1].ts,
    }


def _profile(world: World, message: Message) -> Json:
    return {"id": message.bot_id, "app_id": message.by, "name": world.app.name, "team_id": message.team_id}


def of_file(world: World, file: File, *, is_event: bool = True) -> Json:
    """Return a file; one of Slack Connect says in events no more than that it must be asked for."""
    if file.is_hosted_elsewhere and is_event:
        return {"id": file.id, "created": file.created, "file_access": "check_file_info"}
    where = f"{world.base}/files-pri/{file.team_id}-{file.id}"
    shared: Json = {}
    for channel_id, ts in file.shares:
        channel = world.channels[channel_id]
        place = "public" if channel.kind is Kind.PUBLIC else "private"
        shared.setdefault(place, {}).setdefault(channel_id, []).append({"ts": ts, "team_id": file.team_id})
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2].lower(),
        "user": file.user,
        "user_team": file.team_id,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "file_access": "visible",
        "url_private": f"{where}/{file.name}",
        "url_private_download": f"{where}/download/{file.name}",
        "permalink": f"{world.base}/files/{file.user}/{file.id}/{file.name}",
    } | ({} if is_event else {"shares": shared, "channels": sorted({one for one, _ in file.shares})})


def of_channel(channel: Channel, grant: Grant, *, full: bool = True) -> Json:
    """Return a channel as a token sees it."""
    shown: Json = {
        "id": channel.id,
        "is_channel": channel.kind is Kind.PUBLIC,
        "is_group": channel.kind is Kind.PRIVATE,
        "is_im": channel.kind is Kind.DIRECT,
        "is_mpim": channel.kind is Kind.GROUP,
        "is_private": channel.kind is not Kind.PUBLIC,
        "is_archived": channel.is_archived,
        "is_shared": bool(channel.shared_with),
        "is_ext_shared": bool(channel.shared_with),
        "context_team_id": channel.team_id,
    }
    if channel.kind is Kind.DIRECT:
        return shown | {"user": next(iter(channel.members - {grant.user_id}), grant.user_id), "is_open": True}
    shown |= {"name": channel.name, "name_normalized": channel.name, "is_member": grant.user_id in channel.members}
    return shown | ({"num_members": len(channel.members)} if full else {})


def of_person(world: World, person: Person, grant: Grant) -> Json:
    """Return a user as a token sees them: the address only with its scope."""
    profile: Json = {"real_name": person.name.title(), "display_name": person.name}
    if "users:read.email" in grant.scopes and not person.is_bot:
        profile["email"] = f"{person.name}@{person.team_id.lower()}.test"
    shown: Json = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "real_name": person.name.title(),
        "deleted": person.is_deleted,
        "tz": person.tz,
        "tz_offset": 0,
        "profile": profile,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "is_admin": person.is_admin,
        "is_owner": person.is_owner,
        "is_primary_owner": person.is_owner,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": person.is_ultra_restricted,
        "updated": int(world.now()),
    }
    if not person.is_bot and person.team_id not in world.enterprises and not world.reaches(grant, person.team_id):
        shown["is_stranger"] = True
    team = world.teams.get(person.team_id)
    if team is not None and team.enterprise is not None:
        shown["enterprise_user"] = {"id": person.id, "enterprise_id": team.enterprise.id, "teams": [team.id]}
    return shown


def of_view(world: World, view: View, state: Json | None = None) -> Json:
    """Return a view as answers and payloads show it."""
    empty: Json = {"private_metadata": "", "callback_id": "", "clear_on_close": False, "notify_on_close": False}
    return {
        **empty,
        "submit": None,
        "close": None,
        "external_id": "",
        **view.content,
        "id": view.id,
        "team_id": view.team_id,
        "app_id": view.by,
        "app_installed_team_id": view.team_id,
        "bot_id": next((one.bot_id for one in world.grants.values() if one.team_id == view.team_id), ""),
        "hash": view.hash,
        "root_view_id": view.root_id or view.id,
        "previous_view_id": view.previous_id or None,
        "state": state or {"values": {}},
    }

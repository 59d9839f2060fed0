"""How Discord shows what it has: objects of API v10."""

from datetime import datetime

from tests.fakes.discord.model import Attachment, Channel, Guild, Json, Kind, Member, Message, Role, User
from tests.fakes.discord.permissions import in_channel
from tests.fakes.discord.world import World

_APP_FLAGS = 1 << 19  # GATEWAY_MESSAGE_CONTENT_LIMITED
_REPLY = 19


def stamp(moment: datetime) -> str:
    """Return *moment* as Discord writes it."""
    return moment.isoformat(timespec="microseconds")


def of_user(user: User) -> Json:
    """Return a user."""
    return {
        "id": user.id,
        "username": user.name,
        "discriminator": "0000" if user.is_bot else "0",
        "global_name": None if user.is_bot else user.name.title(),
        "avatar": None,
        "bot": user.is_bot,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }


def of_me(world: World) -> Json:
    """Return the bot as it sees itself."""
    more = {"verified": True, "mfa_enabled": True, "locale": "en-US", "email": None}
    return of_user(world.bot) | more


def of_application(world: World) -> Json:
    """Return the app as it sees itself."""
    installed = sum(guild.has_app for guild in world.guilds.values())
    flags = _APP_FLAGS if world.message_content else 0
    return {
        "id": world.app_id,
        "name": "Atelier",
        "icon": None,
        "description": "",
        "summary": "",
        "type": None,
        "bot": of_user(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "a" * 64,
        "flags": flags,
        "flags_new": str(flags),
        "owner": of_user(world.owner),
        "team": None,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "integration_types_config": {"0": {}},
        "approximate_guild_count": installed,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": [],
    }


def of_member(member: Member, *, with_user: bool = True) -> Json:
    """Return a member; messages leave the user out."""
    shown: Json = {
        "nick": None,
        "avatar": None,
        "banner": None,
        "roles": list(member.roles),
        "joined_at": stamp(member.joined_at),
        "premium_since": None,
        "communication_disabled_until": None,
        "pending": False,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }
    return shown | {"user": of_user(member.user)} if with_user else shown


def of_role(role: Role) -> Json:
    """Return a role."""
    return {
        "id": role.id,
        "name": role.name,
        "description": None,
        "permissions": str(int(role.permissions)),
        "position": role.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": role.is_managed,
        "mentionable": role.is_mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def of_channel(world: World, channel: Channel) -> Json:
    """Return a channel, a thread or a direct conversation."""
    common: Json = {"id": channel.id, "type": int(channel.kind), "flags": 0}
    common["last_message_id"] = channel.last_message_id or None
    if channel.kind is Kind.DM:
        return common | {"recipients": [of_user(one) for one in channel.recipients]}
    common |= {"guild_id": channel.guild_id, "name": channel.name, "rate_limit_per_user": 0}
    common["parent_id"] = channel.parent_id or None
    state = channel.thread
    if state is None:
        guild = world.guilds[channel.guild_id]
        overwrites = [
            {
                "id": owner,
                "type": int(owner not in guild.roles),
                "allow": str(int(one.allow)),
                "deny": str(int(one.deny)),
            }
            for owner, one in channel.overwrites.items()
        ]
        more = {"position": channel.position, "topic": None, "nsfw": False, "permission_overwrites": overwrites}
        return common | more
    metadata: Json = {
        "archived": state.is_archived,
        "archive_timestamp": stamp(state.changed_at),
        "auto_archive_duration": state.auto_archive_minutes,
        "locked": state.is_locked,
        "create_timestamp": stamp(state.created_at),
    }
    if channel.kind is Kind.PRIVATE_THREAD:
        metadata["invitable"] = state.is_invitable
    shown = common | {
        "owner_id": state.owner_id,
        "thread_metadata": metadata,
        "message_count": state.sent,
        "total_message_sent": state.sent,
        "member_count": len(state.members),
    }
    if world.bot.id in state.members:
        shown["member"] = of_thread_member(channel, world.bot.id)
    return shown


def of_thread_member(channel: Channel, user_id: str) -> Json:
    """Return somebody's place in a thread."""
    assert channel.thread is not None
    joined = stamp(channel.thread.members[user_id])
    return {"id": channel.id, "user_id": user_id, "join_timestamp": joined, "flags": 0}


def of_attachment(world: World, attachment: Attachment) -> Json:
    """Return a file of a message, its link signed anew."""
    url = world.link(attachment)
    shown: Json = {
        "id": attachment.id,
        "filename": attachment.name,
        "size": attachment.size,
        "url": url,
        "proxy_url": url,
        "content_type": attachment.content_type,
    }
    if attachment.description:
        shown["description"] = attachment.description
    if attachment.is_ephemeral:
        shown["ephemeral"] = True
    return shown


def of_message(world: World, message: Message, *, with_reference: bool = True) -> Json:
    """Return a message as the API shows it, without what only the gateway adds."""
    shown: Json = {
        "id": message.id,
        "channel_id": message.channel_id,
        "type": message.kind,
        "author": of_user(message.author),
        "content": message.content,
        "timestamp": stamp(message.at),
        "edited_timestamp": stamp(message.edited_at) if message.edited_at else None,
        "tts": False,
        "pinned": False,
        "mention_everyone": message.mentions_everyone,
        "mentions": [of_user(world.users[one]) for one in message.mentions],
        "mention_roles": list(message.mention_roles),
        "attachments": [of_attachment(world, one) for one in message.attachments],
        "embeds": message.embeds,
        "components": message.components,
        "flags": int(message.flags),
    }
    if message.reactions:
        shown["reactions"] = [_of_reaction(world, emoji, users) for emoji, users in message.reactions.items()]
    if message.nonce is not None:
        shown["nonce"] = message.nonce
    if message.webhook_id:
        shown |= {"webhook_id": message.webhook_id, "application_id": message.webhook_id}
    if message.interaction is not None:
        shown["interaction_metadata"] = message.interaction
    if message.thread_id and message.thread_id in world.channels:
        shown["thread"] = of_channel(world, world.channels[message.thread_id])
    if message.reference_id:
        shown["message_reference"] = {"type": 0, "channel_id": message.channel_id, "message_id": message.reference_id}
        answered = world.messages.get(message.reference_id)
        if with_reference and message.kind == _REPLY:
            gone = answered is None or answered.is_deleted
            shown["referenced_message"] = (
                None if gone or answered is None else of_message(world, answered, with_reference=False)
            )
    return shown


def of_message_event(world: World, message: Message) -> Json:
    """Return a message as the gateway sends it: with its guild and its author's membership."""
    channel = world.channels[message.channel_id]
    shown = of_message(world, message)
    guild = world.guild_of(channel)
    if guild is None:
        return shown
    shown["guild_id"] = guild.id
    member = guild.members.get(message.author.id)
    if member is not None and not message.webhook_id:
        shown["member"] = of_member(member, with_user=False)
    for user in shown["mentions"]:
        if (one := guild.members.get(user["id"])) is not None:
            user["member"] = of_member(one, with_user=False)
    return shown


def of_guild(guild: Guild) -> Json:
    """Return a server as the API shows it."""
    return {
        "id": guild.id,
        "name": guild.name,
        "owner_id": guild.owner_id,
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "features": [],
        "application_id": None,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 0,
        "roles": [of_role(one) for one in guild.roles.values()],
        "default_message_notifications": 0,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }


def of_guild_event(world: World, guild: Guild, *, everybody: bool) -> Json:
    """Return a server as GUILD_CREATE brings it: without the intent for members, the bot is the only one."""
    members = [one for one in guild.members.values() if everybody or one.user is world.bot]
    open_threads = [
        one
        for one in world.channels_of(guild, threads=True)
        if one.thread is not None and not one.thread.is_archived and world.sees(one, world.bot)
    ]
    me = guild.members.get(world.bot.id)
    return of_guild(guild) | {
        "joined_at": stamp(me.joined_at if me else world.now()),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "members": [of_member(one) for one in members],
        "channels": [of_channel(world, one) for one in world.channels_of(guild)],
        "threads": [of_channel(world, one) for one in open_threads],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def of_partial_channel(world: World, channel: Channel, user: User) -> Json:
    """Return a channel as interactions show it, with what *user* may do in it."""
    shown = of_channel(world, channel)
    granted = in_channel(world.guild_of(channel), channel, user.id, world.channels.get(channel.parent_id))
    return shown | {"permissions": str(int(granted))}


def _of_reaction(world: World, emoji: str, users: list[str]) -> Json:
    name, _, emoji_id = emoji.partition(":")
    return {
        "emoji": {"id": emoji_id or None, "name": name},
        "count": len(users),
        "count_details": {"burst": 0, "normal": len(users)},
        "burst_colors": [],
        "me": world.bot.id in users,
        "me_burst": False,
        "burst_me": False,
        "burst_count": 0,
    }

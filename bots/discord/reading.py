"""What the library hands us, as the plain values that are decoded: the only place that knows its objects."""

from typing import Any

import discord

from bots.desk.door import Standing
from bots.discord.decode import Asked
from bots.discord.heard import Answered, Heard


def asked_of(interaction: discord.Interaction) -> Asked:
    """Return an interaction; nothing is looked up in a cache."""
    message = interaction.message
    data: Any = interaction.data or {}
    return Asked(
        id=str(interaction.id),
        token=interaction.token,
        app=str(interaction.application_id),
        guild=str(interaction.guild_id or ""),
        channel=str(interaction.channel_id or ""),
        parent=_parent(interaction.channel),
        user=str(interaction.user.id),
        name=interaction.user.display_name,
        data=data,
        message_id=str(message.id) if message is not None else "",
        is_private=message is not None and message.flags.ephemeral,
        granted=interaction.app_permissions.value,
    )


def standing_of(interaction: discord.Interaction) -> Standing:
    """Return who asks, as Discord says with the interaction itself."""
    user = interaction.user
    # read from the payload's ids: the cache of roles may not be there yet
    roles = tuple(str(one) for one in user._roles) if isinstance(user, discord.Member) else ()  # noqa: SLF001
    return Standing(
        name=user.display_name,
        locale=str(interaction.locale.value),
        is_admin=interaction.guild_id is not None and interaction.permissions.manage_guild,
        is_bot=user.bot,
        roles=roles,
    )


def heard_of(message: discord.Message, app: str, *, parent: str | None = None) -> Heard:
    """Return a message.

    Args:
        message: As the library read it.
        app: The app's own user.
        parent: The channel that the message's thread belongs to, where that is known from elsewhere.
    """
    author = message.author
    edited = message.edited_at
    return Heard(
        id=str(message.id),
        guild=str(message.guild.id if message.guild is not None else _guild_of(message)),
        channel=str(message.channel.id),
        parent=_parent(message.channel) if parent is None else parent,
        author=str(author.id),
        name=author.display_name,
        app=app,
        kind=message.type.value,
        text=message.content,
        is_by_bot=author.bot or message.webhook_id is not None,
        calls_app=any(str(one.id) == app for one in message.mentions),
        names={str(one.id): one.display_name for one in message.mentions},
        files=tuple(_file(one) for one in message.attachments),
        answered=_answered(message),
        edited=edited.isoformat() if edited is not None else "",
    )


def _answered(message: discord.Message) -> Answered | None:
    reference = message.reference
    if reference is None or reference.message_id is None or reference.type is discord.MessageReferenceType.forward:
        return None
    found = reference.resolved
    if not isinstance(found, discord.Message):
        return Answered(str(reference.message_id))
    files = tuple(_file(one) for one in found.attachments)
    return Answered(str(found.id), str(found.author.id), is_by_bot=found.author.bot, files=files)


def _file(file: discord.Attachment) -> dict[str, Any]:
    return {"id": file.id, "filename": file.filename, "title": file.title, "url": file.url, "size": file.size}


def _parent(channel: object) -> str:
    return str(channel.parent_id) if isinstance(channel, discord.Thread) else ""


def _guild_of(message: discord.Message) -> str:
    channel = message.channel
    guild_id = channel.guild_id if isinstance(channel, discord.PartialMessageable) else None
    return str(guild_id or "")

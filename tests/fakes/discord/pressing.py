"""Interactions: commands, menus, buttons, forms, and what people see of the answers."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.fakes.discord.forms import Option, filled, picked, typed
from tests.fakes.discord.interactions import Asking, Interaction
from tests.fakes.discord.model import Channel, Json, Kind, Message, User
from tests.fakes.discord.payloads import of_member, of_message, of_partial_channel, of_user
from tests.fakes.discord.people import NotShown, People
from tests.fakes.discord.permissions import Permission, in_guild

_CHAT_INPUT, _USER_MENU, _MESSAGE_MENU = 1, 2, 3
_GUILD_CONTEXT, _BOT_DM_CONTEXT = 0, 1
_PATIENCE = 10.0


class Pressing(People):
    """Hands on commands and buttons.

    Every verb returns once the app answered, or when nobody listens, or after `patience` seconds of the machine's
    time; `Interaction.is_answered` tells which. The verbs with ``_soon`` return at once.

    Attributes:
        patience: Seconds of the machine's time.
    """

    patience = _PATIENCE

    async def slash(self, user: User, channel: Channel, command: str, /, **options: Option) -> Interaction:
        """Type a command such as ``atelier new``, files as ``(name, bytes)``.

        Raises:
            NotShown: If Discord's client would not send it.
        """
        return await self._answered(self.slash_soon(user, channel, command, **options))

    def slash_soon(self, user: User, channel: Channel, command: str, /, **options: Option) -> Interaction:
        """Type a command. See `slash`."""
        name, *path = command.removeprefix("/").split()
        found = self._command(user, channel, name, _CHAT_INPUT)
        entered = typed(self.world, found, path, options)
        data: Json = {"id": found["id"], "name": name, "type": _CHAT_INPUT, "options": entered.options}
        return self._begin(Asking.COMMAND, user, channel, self._of_command(found, data, entered.resolved))

    async def autocomplete(
        self, user: User, channel: Channel, command: str, option: str, text: str, /, **options: Option
    ) -> list[Json]:
        """Type *text* into an option and return what is proposed."""
        name, *path = command.removeprefix("/").split()
        found = self._command(user, channel, name, _CHAT_INPUT)
        entered = typed(self.world, found, path, {**options, option: text}, focused=option)
        data: Json = {"id": found["id"], "name": name, "type": _CHAT_INPUT, "options": entered.options}
        begun = self._begin(Asking.AUTOCOMPLETE, user, channel, self._of_command(found, data, entered.resolved))
        return (await self._answered(begun)).choices

    async def menu(self, user: User, message: Message, name: str) -> Interaction:
        """Choose *name* under "Apps" in the menu of a message; the app gets the message whole, whatever its intents."""
        channel = self.world.channels[message.channel_id]
        self._must_see(user, message)
        found = self._command(user, channel, name, _MESSAGE_MENU)
        data: Json = {"id": found["id"], "name": name, "type": _MESSAGE_MENU, "target_id": message.id}
        resolved: Json = {"messages": {message.id: of_message(self.world, message, with_reference=False)}}
        return await self._answered(self._begin(Asking.COMMAND, user, channel, self._of_command(found, data, resolved)))

    async def press(
        self, user: User, message: Message, custom_id: str, values: Sequence[Any] | None = None
    ) -> Interaction:
        """Press a button, or choose *values* in a menu, of a message that *user* sees.

        Raises:
            NotShown: If it is not there, disabled, or has no such value.
        """
        return await self._answered(self.press_soon(user, message, custom_id, values))

    def press_soon(
        self, user: User, message: Message, custom_id: str, values: Sequence[Any] | None = None
    ) -> Interaction:
        """Press a button. See `press`."""
        self._must_see(user, message)
        if custom_id not in message.controls:
            raise NotShown(f"no {custom_id}, but {sorted(message.controls)}")
        data, _ = picked(self.world, message.controls[custom_id], values)
        channel = self.world.channels[message.channel_id]
        return self._begin(Asking.COMPONENT, user, channel, data, source=message)

    async def press_label(self, user: User, message: Message, label: str) -> Interaction:
        """Press the button that reads *label*."""
        found = [name for name, one in message.controls.items() if one.get("label") == label]
        if len(found) != 1:
            raise NotShown(
                f"{len(found)} buttons {label}, but {[one.get('label') for one in message.controls.values()]}"
            )
        return await self.press(user, message, found[0])

    async def submit(self, user: User, opened: Interaction, fields: dict[str, Any] | None = None) -> Interaction:
        """Send the form that *opened* brought, its *fields* by custom_id.

        Raises:
            NotShown: If no form is open, or it is not filled in as it must be.
        """
        if opened.modal is None or opened.user is not user:
            raise NotShown("no form is open")
        components, resolved = filled(self.world, opened.modal, fields or {})
        data: Json = {"custom_id": opened.modal["custom_id"], "components": components}
        if resolved:
            data["resolved"] = resolved
        begun = self._begin(Asking.MODAL, user, opened.channel, data, source=opened.source)
        begun.opened_by = opened
        return await self._answered(begun)

    async def _answered(self, one: Interaction) -> Interaction:
        if self.gateway.sessions.is_connected or self.gateway.sessions.open:
            try:
                async with asyncio.timeout(self.patience):
                    await one.done.wait()
            except TimeoutError:
                pass
        return one

    def _command(self, user: User, channel: Channel, name: str, kind: int) -> Json:
        """Return a command that *user* is shown in *channel*: those of the server go before the global ones."""
        guild = self.world.guild_of(channel)
        if not self.world.sees(channel, user):
            raise NotShown(f"{user.name} does not see {channel.name}")
        if guild is not None and not guild.has_app:
            raise NotShown(f"the app is not in {guild.name}")
        scopes = [*([guild.id] if guild else []), "global"]
        for command in [one for scope in scopes for one in self.world.commands.get(scope, [])]:
            if command["name"] == name and command["type"] == kind and self._is_shown(command, user, channel):
                return command
        known = sorted(one["name"] for scope in scopes for one in self.world.commands.get(scope, []))
        raise NotShown(f"{user.name} is shown no command {name} there; there are {known}")

    def _is_shown(self, command: Json, user: User, channel: Channel) -> bool:
        guild = self.world.guild_of(channel)
        contexts = command.get("contexts")
        context = _BOT_DM_CONTEXT if guild is None else _GUILD_CONTEXT
        if contexts is not None and context not in contexts:
            return False
        if guild is None:
            return contexts is not None or bool(command.get("dm_permission", True))
        if not self.world.permissions(channel, user) & Permission.USE_APPLICATION_COMMANDS:
            return False
        needed = command.get("default_member_permissions")
        granted = int(in_guild(guild, user.id))
        return needed is None or granted & int(needed) == int(needed) != 0 or guild.owner_id == user.id

    def _of_command(self, command: Json, data: Json, resolved: Json) -> Json:
        if resolved:
            data["resolved"] = resolved
        if "guild_id" in command:
            data["guild_id"] = command["guild_id"]
        return data

    def _must_see(self, user: User, message: Message) -> None:
        if message.is_deleted or (message.is_ephemeral and message.seen_by != user.id):
            raise NotShown(f"{user.name} does not see the message")
        if not self.world.sees(self.world.channels[message.channel_id], user):
            raise NotShown(f"{user.name} does not see the channel")

    def _begin(
        self, kind: Asking, user: User, channel: Channel, data: Json, *, source: Message | None = None
    ) -> Interaction:
        world = self.world
        guild = world.guild_of(channel)
        payload: Json = {
            "application_id": world.app_id,
            "type": int(kind),
            "version": 1,
            "data": data,
            "channel_id": channel.id,
            "channel": of_partial_channel(world, channel, user),
            "locale": "en-US",
            "app_permissions": str(int(world.permissions(channel, world.bot))),
            "entitlements": [],
            "entitlement_sku_ids": [],
            "attachment_size_limit": guild.upload_bytes if guild else 10 * 1024 * 1024,
            "context": _BOT_DM_CONTEXT if channel.kind is Kind.DM else _GUILD_CONTEXT,
            "authorizing_integration_owners": {"0": guild.id if guild else "0"},
        }
        if guild is None:
            payload["user"] = of_user(user)
        else:
            granted = str(int(world.permissions(channel, user)))
            payload["member"] = of_member(guild.members[user.id]) | {"permissions": granted}
            payload |= {"guild_id": guild.id, "guild_locale": "en-US"}
            payload["guild"] = {"id": guild.id, "locale": "en-US", "features": []}
        if source is not None:
            payload["message"] = of_message(world, source)
        begun = self.interactions.begin(world.next_id(), kind, user, channel, payload)
        begun.source = source
        world.announce("INTERACTION_CREATE", payload, guild=guild)
        return begun

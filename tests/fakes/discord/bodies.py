"""What a message may hold: lengths, numbers, and what Components V2 forbids."""

from collections.abc import Sequence

from tests.fakes.discord.components import check_components, empty_message
from tests.fakes.discord.limits import (
    CONTENT_CHARACTERS,
    EMBED_CHARACTERS,
    EMBEDS,
    FILES,
    NONCE_CHARACTERS,
)
from tests.fakes.discord.model import Attachment, Flags, Json, invalid, walk
from tests.fakes.discord.world import World

_LEGACY = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"


def check_body(body: Json, flags: Flags, attachments: Sequence[Attachment]) -> None:
    """Return if a message may look like this.

    Raises:
        Refusal: 50035 with the field; 50006 for a message without anything.
    """
    content, embeds, components = body.get("content") or "", body.get("embeds") or [], body.get("components") or []
    if len(content) > CONTENT_CHARACTERS:
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", f"Must be {CONTENT_CHARACTERS} or fewer in length.")
    if len(embeds) > EMBEDS:
        raise invalid("embeds", "BASE_TYPE_BAD_LENGTH", f"Must be {EMBEDS} or fewer in length.")
    if sum(_embed_characters(one) for one in embeds) > EMBED_CHARACTERS:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_CHARACTERS}")
    if len(attachments) > FILES:
        raise invalid("attachments", "BASE_TYPE_BAD_LENGTH", f"Must be {FILES} or fewer in length.")
    if len(str(body.get("nonce") or "")) > NONCE_CHARACTERS:
        raise invalid("nonce", "BASE_TYPE_MAX_LENGTH", f"Must be {NONCE_CHARACTERS} or fewer in length.")
    if flags & Flags.COMPONENTS_V2:
        _check_modern(body, components)
    elif not (str(content).strip() or embeds or attachments or components):
        raise empty_message()
    check_components(components, is_modern=bool(flags & Flags.COMPONENTS_V2))


def _check_modern(body: Json, components: list[Json]) -> None:
    for field in ("content", "embeds", "sticker_ids", "poll"):
        if body.get(field):
            raise invalid(
                field, _LEGACY, f"The '{field}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            )
    if not components:
        raise empty_message()


def stored_components(world: World, components: list[Json], attachments: Sequence[Attachment]) -> list[Json]:
    """Return *components* as Discord keeps them: numbered, with defaults, and files in place of their names."""
    stored = _copied(world, components, attachments)
    taken = {one["id"] for one in walk(stored) if one.get("id")}
    following = 1
    for one in walk(stored):
        if not one.get("id"):
            while following in taken:
                following += 1
            one["id"] = following
            taken.add(following)
    return stored


_DEFAULTS: dict[int, Json] = {
    3: {"min_values": 1, "max_values": 1},
    11: {"description": None, "spoiler": False},
    13: {"name": None, "size": None, "spoiler": False},
    14: {"spacing": 1, "divider": True},
    17: {"accent_color": None, "spoiler": False},
}


def _copied(world: World, components: list[Json], attachments: Sequence[Attachment]) -> list[Json]:
    copies = []
    for one in components:
        given = {key: value for key, value in one.items() if value is not None}
        copy = _DEFAULTS.get(one["type"], {}) | given
        if "components" in copy:
            copy["components"] = _copied(world, copy["components"], attachments)
        if "accessory" in copy:
            copy["accessory"] = _copied(world, [copy["accessory"]], attachments)[0]
        for key in ("file", "media"):
            if key in copy:
                copy[key], found = _media(world, copy[key], attachments)
                if key == "file" and found is not None:
                    copy |= {"name": found.name, "size": found.size}
        if "items" in copy:
            empty: Json = {"description": None, "spoiler": False}
            copy["items"] = [
                empty | item | {"media": _media(world, item["media"], attachments)[0]} for item in copy["items"]
            ]
        copies.append(copy)
    return copies


def _media(world: World, media: Json, attachments: Sequence[Attachment]) -> tuple[Json, Attachment | None]:
    """Return where a file is shown from.

    Raises:
        Refusal: 50035 for a name that none of the message's files has.
    """
    url = str(media["url"])
    if url.startswith("attachment://"):
        name = url.removeprefix("attachment://")
        found = next((one for one in attachments if one.name == name), None)
    else:
        found = next((one for one in attachments if f"/{one.id}/" in url), None)
    if found is None:
        if url.startswith("attachment://"):
            raise invalid("components", "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", f"{url} was not found")
        return {"id": world.next_id(), "url": url, "proxy_url": url}, None
    link = world.link(found)
    more: Json = {"content_type": found.content_type, "attachment_id": found.id, "width": None, "height": None}
    return {"id": found.id, "url": link, "proxy_url": link} | more, found


def _embed_characters(embed: Json) -> int:
    parts = [embed.get("title"), embed.get("description")]
    parts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    parts += [text for field in embed.get("fields") or [] for text in (field["name"], field["value"])]
    return sum(len(part or "") for part in parts)

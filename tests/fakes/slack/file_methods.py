"""files.*: the three steps of an upload, and what is known of a file."""

import mimetypes
import secrets

from tests.fakes.slack.asking import Ask, answers
from tests.fakes.slack.blocks import check_blocks
from tests.fakes.slack.chat_methods import checked_thread, keep
from tests.fakes.slack.model import Channel, File, Grant, Json, Message, Refusal
from tests.fakes.slack.payloads import of_file
from tests.fakes.slack.world import World


@answers("files.getUploadURLExternal")
def get_upload_url(ask: Ask) -> Json:
    """Announce a file and return where its bytes go."""
    world, name, size = ask.world, ask.need("filename"), ask.number("length", 0)
    if size < 1:
        raise Refusal("invalid_arguments")
    file = File(
        id=world.next_id("F"),
        name=name,
        title=name,
        user=ask.grant.user_id,
        team_id=ask.grant.owner,
        size=size,
        created=int(world.now()),
        mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream",
        ticket=secrets.token_urlsafe(16),
        alt_text=ask.text("alt_txt"),
    )
    world.files[file.id] = file
    return {"upload_url": f"{world.base}/upload/v1/{file.ticket}", "file_id": file.id}


@answers("files.completeUploadExternal")
def complete_upload(ask: Ask) -> Json:
    """Finish uploads, and share them in one message. The answer does not say yet where they stand."""
    given = ask.arguments.get("files")
    if not isinstance(given, list) or not given or any(set(one) - {"id", "title", "highlight_type"} for one in given):
        raise Refusal("invalid_arguments")
    files = [_waiting(ask, str(one.get("id", ""))) for one in given]
    places = [one for one in (ask.text("channel_id") or ask.text("channels")).split(",") if one]
    channels = [ask.world.writable_channel(ask.grant, place) for place in places]
    if blocks := ask.arguments.get("blocks"):
        check_blocks(blocks)
    threads = [checked_thread(ask, channel, ask.text("thread_ts")) for channel in channels]
    for file, one in zip(files, given, strict=True):
        file.is_complete = True
        file.title = str(one.get("title") or file.name)
    for channel, thread_ts in zip(channels, threads, strict=True):
        _share(ask, channel, thread_ts, files)
    return {"files": [of_file(ask.world, file) for file in files]}


@answers("files.info")
def info(ask: Ask) -> Json:
    """Return a file and where it was shared."""
    file = ask.world.files.get(ask.need("file"))
    if file is None or not is_visible(ask.world, ask.grant, file):
        raise Refusal("file_not_found")
    if file.is_deleted:
        raise Refusal("file_deleted")
    return {"file": of_file(ask.world, file, is_event=False), "comments": []}


@answers("files.delete")
def delete(ask: Ask) -> Json:
    """Delete one of the app's own files; its messages go without it."""
    file = ask.world.files.get(ask.need("file"))
    if file is None or not is_visible(ask.world, ask.grant, file):
        raise Refusal("file_not_found")
    if file.user != ask.grant.user_id:
        raise Refusal("cant_delete_file")
    file.is_deleted = True
    for message in ask.world.messages:
        if file.id in message.files:
            message.files.remove(file.id)
    return {}


def is_visible(world: World, grant: Grant, file: File) -> bool:
    """Return whether a token may know of a file: its own, given in a form, or shared where its bot is."""
    if not file.is_complete:
        return False
    if grant.user_id in {file.user, file.given_to}:
        return True
    return any(grant.user_id in world.channels[channel].members for channel, _ in file.shares)


def _waiting(ask: Ask, file_id: str) -> File:
    file = ask.world.files.get(file_id)
    if file is None or file.user != ask.grant.user_id or file.is_complete or file.content is None:
        raise Refusal("file_not_found")
    return file


def _share(ask: Ask, channel: Channel, thread_ts: str, files: list[File]) -> None:
    message = Message(
        ts=ask.world.next_ts(),
        channel=channel.id,
        user=ask.grant.user_id,
        team_id=ask.grant.team_id or channel.team_id,
        text=ask.text("initial_comment"),
        blocks=ask.arguments.get("blocks") or [],
        thread_ts=thread_ts,
        files=[file.id for file in files],
        by=ask.grant.app_id,
        bot_id=ask.grant.bot_id,
    )
    for file in files:
        file.shares.append((channel.id, message.ts))
    keep(ask, channel, message)

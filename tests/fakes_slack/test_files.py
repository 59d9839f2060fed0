"""The local Slack's laws of files."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Grant
from tests.fakes.slack.wire import LOGIN_PAGE
from tests.fakes_slack.refusals import refused

pytestmark = pytest.mark.loopback

CONTENT = bytes(range(256)) * 300


async def _download(session: aiohttp.ClientSession, url: str, token: str) -> tuple[str, bytes]:
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(url, headers=headers, allow_redirects=False) as response:
        return f"{response.status} {response.content_type}", await response.read()


async def test_a_file_goes_through_three_steps_and_comes_back_byte_for_byte(
    slack: LocalSlack, client: AsyncWebClient, grant: Grant, session: aiohttp.ClientSession
) -> None:
    """files_upload_v2 shares one message with the file, and the bearer gets the same bytes again."""
    thread = (await client.chat_postMessage(channel=slack.general.id, text="thread"))["ts"]
    answer = await client.files_upload_v2(
        channel=slack.general.id, thread_ts=thread, filename="a.docx", content=CONTENT, title="A"
    )
    file = slack.files(slack.general)[0]
    assert (file.id, file.title, file.content) == (answer["file"]["id"], "A", CONTENT)
    assert [one.files for one in slack.messages(slack.general, thread)] == [[], [file.id]]
    _, content = await _download(session, answer["file"]["url_private_download"], grant.token)
    assert content == CONTENT


async def test_where_a_file_was_shared_is_told_by_info_alone(slack: LocalSlack, client: AsyncWebClient) -> None:
    """The answer to an upload does not say in which message the file stands; files.info does."""
    answer = await client.files_upload_v2(channel=slack.general.id, filename="a.txt", content=b"x")
    assert "shares" not in answer["file"]
    info = await client.files_info(file=answer["file"]["id"])
    assert info["file"]["shares"]["public"][slack.general.id][0]["ts"] == slack.messages(slack.general)[0].ts


async def test_without_the_right_bearer_there_is_a_login_page(
    slack: LocalSlack, client: AsyncWebClient, grant: Grant, session: aiohttp.ClientSession
) -> None:
    """A wrong token, another workspace's and one without the scope get HTML with 200."""
    url = (await client.files_upload_v2(channel=slack.general.id, filename="a.txt", content=CONTENT))["file"][
        "url_private_download"
    ]
    other = slack.world.install(slack.south)
    for token in ("xoxb-wrong", other.token, slack.world.install(slack.north, scopes={"chat:write"}).token):
        kind, content = await _download(session, url, token)
        assert (kind, content.decode()) == ("200 text/html", LOGIN_PAGE)


async def test_a_pdf_has_to_be_downloaded_by_its_download_address(
    slack: LocalSlack, client: AsyncWebClient, grant: Grant, session: aiohttp.ClientSession
) -> None:
    """``url_private`` of a PDF leads elsewhere, ``url_private_download`` gives the bytes."""
    file = (await client.files_upload_v2(channel=slack.general.id, filename="a.pdf", content=CONTENT))["file"]
    assert (await _download(session, file["url_private"], grant.token))[0].startswith("302")
    assert await _download(session, file["url_private_download"], grant.token) == ("200 application/pdf", CONTENT)


async def test_an_upload_is_completed_once_and_only_with_its_bytes(slack: LocalSlack, client: AsyncWebClient) -> None:
    """What was announced and never sent, or is already complete, cannot be completed."""
    announced = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    complete: dict[str, Any] = {"files": [{"id": announced["file_id"]}], "channel_id": slack.general.id}
    assert await refused(client.files_completeUploadExternal(**complete)) == "file_not_found"
    async with aiohttp.ClientSession() as session, session.post(announced["upload_url"], data=b"four") as response:
        assert response.status == 400
    async with aiohttp.ClientSession() as session, session.post(announced["upload_url"], data=b"abc") as response:
        assert await response.text() == "OK - 3"
    await client.files_completeUploadExternal(**complete)
    assert await refused(client.files_completeUploadExternal(**complete)) == "file_not_found"
    assert len(slack.messages(slack.general)) == 1


async def test_a_download_may_end_in_the_middle(
    slack: LocalSlack, client: AsyncWebClient, grant: Grant, session: aiohttp.ClientSession
) -> None:
    """A truncated download is an error of the connection, never a short file."""
    file = (await client.files_upload_v2(channel=slack.general.id, filename="a.txt", content=CONTENT))["file"]
    slack.faults.add(Trouble.TRUNCATED, "file.download")
    with pytest.raises(aiohttp.ClientError):
        await _download(session, file["url_private_download"], grant.token)
    assert (await _download(session, file["url_private_download"], grant.token))[1] == CONTENT

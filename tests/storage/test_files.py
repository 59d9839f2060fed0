import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from storage.files.objects import FilesUnavailable, ObjectFileStore, file_store

BUCKET = "room"


class S3Server:
    """As much of S3 as a file store needs."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.signed: set[str] = set()
        self.failures = 0
        app = web.Application(client_max_size=10**8)
        app.router.add_route("*", f"/{BUCKET}", self._handle)
        app.router.add_route("*", f"/{BUCKET}/{{key:.*}}", self._handle)
        self.server = TestServer(app, host="127.0.0.1")

    async def _handle(self, request: web.Request) -> web.Response:
        self.signed.add(request.headers.get("Authorization", "")[:16])
        if self.failures:
            self.failures -= 1
            return web.Response(status=503)
        key = request.match_info.get("key", "")
        if request.method == "PUT":
            self.objects[key] = await request.read()
            return web.Response(headers={"ETag": '"1"'})
        if request.method == "POST" and "delete" in request.query:
            names = re.findall(r"<Key>(.*?)</Key>", await request.text())
            for name in names:
                self.objects.pop(name, None)
            deleted = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in names)
            return web.Response(text=f"<DeleteResult>{deleted}</DeleteResult>", content_type="application/xml")
        if key not in self.objects:
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        headers = {"ETag": '"1"', "Last-Modified": "Wed, 04 Mar 2026 05:06:07 GMT"}
        return web.Response(body=self.objects[key], headers=headers)


@pytest.fixture
async def s3(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[S3Server]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    server = S3Server()
    await server.server.start_server()
    yield server
    await server.server.close()


def bucket(s3: S3Server, prefix: str = "files") -> ObjectFileStore:
    endpoint = f"http://127.0.0.1:{s3.server.port}"
    return file_store(f"s3://{BUCKET}/{prefix}?region=auto&endpoint={endpoint}")


@pytest.fixture(params=["folder", "memory", pytest.param("bucket", marks=pytest.mark.loopback)])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectFileStore:
    match request.param:
        case "folder":
            return file_store((tmp_path / "ä folder").as_uri())
        case "memory":
            return file_store("memory://")
        case _:
            return bucket(request.getfixturevalue("s3"))


class TestEveryStore:
    @pytest.mark.parametrize("data", [b"", b"x", os.urandom(3_000_000)], ids=["empty", "byte", "3 MB"])
    async def test_bytes_come_back(self, files: ObjectFileStore, data: bytes) -> None:
        """What was put is got, byte for byte."""
        await files.put("s_1/f_1.docx", data)
        assert await files.get("s_1/f_1.docx") == data

    async def test_a_repeat_replaces(self, files: ObjectFileStore) -> None:
        """The second put with one key wins."""
        await files.put("a", b"one")
        await files.put("a", b"two")
        assert await files.get("a") == b"two"

    async def test_what_is_not_there_is_a_key_error(self, files: ObjectFileStore) -> None:
        """Getting what was never put, or was deleted, is a KeyError; deleting it is harmless."""
        await files.put("a", b"one")
        await files.delete("a")
        await files.delete("a")
        with pytest.raises(KeyError):
            await files.get("a")

    @pytest.mark.parametrize(
        "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", ".a", "a b", "ä", "a\0", "a\n", "x" * 513, "a#1"]
    )
    async def test_a_key_is_a_plain_path(self, files: ObjectFileStore, key: str) -> None:
        """No key leaves its folder, hides, or means two things."""
        with pytest.raises(ValueError, match="is no key"):
            await files.put(key, b"")
        with pytest.raises(ValueError, match="is no key"):
            await files.get(key)
        with pytest.raises(ValueError, match="is no key"):
            await files.delete(key)


async def test_a_folder_holds_the_files_and_nothing_else(tmp_path: Path) -> None:
    """Files lie under their keys, nothing half-written remains, and an empty folder goes with its last file."""
    files = file_store((tmp_path / "files").as_uri())
    await files.put("s_1/a.md", b"one")
    await files.put("s_1/a.md", b"two")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.md"]
    await files.delete("s_1/a.md")
    assert list((tmp_path / "files").iterdir()) == []


async def test_a_relative_folder_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``file://./files`` is a folder beside the program."""
    monkeypatch.chdir(tmp_path)
    await file_store("file://./files").put("a", b"one")
    assert (tmp_path / "files" / "a").read_bytes() == b"one"


async def test_a_folder_that_refuses_is_unavailable(tmp_path: Path) -> None:
    """A fault of the disk is a TransientError, with its cause."""
    files = file_store(tmp_path.as_uri())
    (tmp_path / "a").mkdir()
    with pytest.raises(FilesUnavailable) as caught:
        await files.put("a", b"")
    assert caught.value.__cause__ is not None


@pytest.mark.loopback
class TestBucket:
    async def test_keys_lie_under_the_prefix(self, s3: S3Server) -> None:
        """The bucket's prefix is part of the path, requests are signed, and what fails for a moment is tried again."""
        s3.failures = 1
        await bucket(s3, "room/files").put("s_1/a.md", b"one")
        assert s3.objects == {"room/files/s_1/a.md": b"one"}
        assert s3.signed == {"AWS4-HMAC-SHA256"}

    async def test_a_bucket_that_is_not_there_is_unavailable(self, s3: S3Server) -> None:
        """What a bucket answers besides bytes is an error of the store, not a missing file."""
        s3.failures = 1_000
        with pytest.raises(FilesUnavailable):
            await bucket(s3).get("a")


@pytest.mark.parametrize("url", ["/var/files", "ftp://h/x", "s3://", "s3://b/p?secret=1"])
def test_other_urls_are_refused(url: str) -> None:
    """A URL that is not understood is refused when it is read, not when a file is needed."""
    with pytest.raises(ValueError, match=r"file|s3"):
        file_store(url)

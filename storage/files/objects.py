"""A file store on obstore: one code path for a local folder, S3 and everything that speaks S3 (R2, MinIO)."""

import asyncio
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store

from core.errors import TransientError

if TYPE_CHECKING:
    from obstore.store import S3Config

_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*")
_KEY_LENGTH = 512  # S3 allows 1,024 bytes, the prefix included
_TIMEOUT = timedelta(seconds=60)
_CONNECT_TIMEOUT = timedelta(seconds=5)
_RETRIES = 4
_AT_ONCE = 6
_RETRY_FOR = timedelta(seconds=60)


class FilesUnavailable(TransientError):
    """The file store cannot be reached or refuses to work right now."""


class ObjectFileStore:
    """See `core.sessions.ports.FileStore`.

    A write is atomic: a reader sees the old bytes, the new ones, or none. In a folder it has also reached the disk
    when `put` returns, so that no row of the database outlives the bytes it names.

    Args:
        store: Where the objects are.
        folder: The folder behind *store*, None where there is none.
    """

    def __init__(self, store: ObjectStore, *, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        # The library gives every call that waits for a disk a thread of its own, which it keeps for a while.
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def put(self, key: str, data: bytes) -> None:
        _check(key)
        try:
            async with self._gate:
                await obstore.put_async(self._store, key, data)
                if self._folder is not None:
                    await asyncio.to_thread(_flush, self._folder / key)
        except (BaseError, OSError) as error:
            raise FilesUnavailable(f"{key} could not be stored") from error

    async def get(self, key: str) -> bytes:
        _check(key)
        try:
            async with self._gate:
                found = await obstore.get_async(self._store, key)
                return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            raise KeyError(key) from error
        except (BaseError, OSError) as error:
            raise FilesUnavailable(f"{key} could not be read") from error

    async def delete(self, key: str) -> None:
        _check(key)
        try:
            async with self._gate:
                await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise FilesUnavailable(f"{key} could not be deleted") from error


def file_store(url: str) -> ObjectFileStore:
    """Return the file store at *url*.

    Args:
        url: ``file:///var/lib/atelier/files`` (made if missing), ``memory://``, or
            ``s3://bucket/prefix?region=eu-central-1&endpoint=https://...``. Credentials, and whatever the URL leaves
            out, come from the usual ``AWS_...`` variables, which the library reads itself.

    Raises:
        ValueError: If *url* is none of these.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "file":
            folder = Path(unquote(parts.netloc + parts.path)).resolve()
            return ObjectFileStore(LocalStore(folder, mkdir=True, automatic_cleanup=True), folder=folder)
        case "memory":
            return ObjectFileStore(MemoryStore())
        case "s3":
            return ObjectFileStore(_bucket(parts.netloc, parts.path.strip("/"), parse_qs(parts.query)))
        case scheme:
            raise ValueError(f"files cannot be kept at {scheme or 'a URL without a scheme'}: use file:// or s3://")


def _bucket(name: str, prefix: str, options: dict[str, list[str]]) -> S3Store:
    unknown = options.keys() - {"region", "endpoint"}
    if unknown or not name:
        raise ValueError(f"s3:// takes a bucket, region and endpoint, not {', '.join(sorted(unknown)) or 'nothing'}")
    settings: S3Config = {}
    if "region" in options:
        settings["region"] = options["region"][-1]
    if "endpoint" in options:
        settings["endpoint"] = options["endpoint"][-1]
    return S3Store(
        name,
        prefix=prefix or None,
        config=settings,
        client_options={
            "timeout": _TIMEOUT,
            "connect_timeout": _CONNECT_TIMEOUT,
            "allow_http": settings.get("endpoint", "").startswith("http://"),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_FOR},
    )


def _check(key: str) -> None:
    if len(key) > _KEY_LENGTH or _KEY.fullmatch(key) is None:
        raise ValueError(f"{key!r} is no key of a file: letters, digits, . _ - and single slashes")


def _flush(path: Path) -> None:
    """Force a file, and its name in its folder, to the disk."""
    for target in (path, path.parent):
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

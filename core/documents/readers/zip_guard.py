"""Zip files opened with suspicion: what could be a bomb or a trick is refused before anything is unpacked."""

import io
import zipfile
import zlib
from typing import Final

from core.documents.errors import UnreadableFile
from core.documents.readers.limits import Limits

_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MEGABYTE: Final = 1024 * 1024


class Zip:
    """The entries of a zip file; sizes were checked, contents are unpacked when asked for."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Open *data*.

        Raises:
            UnreadableFile: ``file_corrupt`` if it is no sound zip, ``file_encrypted`` if an entry needs a password,
                ``file_hostile`` if it names paths outside of itself, claims more entries or bytes than *limits* allow, or
                packs them suspiciously tightly.
        """
        self._limits = limits
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError, NotImplementedError) as error:
            raise UnreadableFile("file_corrupt", "Its container cannot be opened.") from error
        entries = [entry for entry in self._archive.infolist() if not entry.is_dir()]
        if len(entries) > limits.zip_entries:
            raise _hostile(f"it has {len(entries):,} parts; the limit is {limits.zip_entries:,}")
        for entry in entries:
            self._check(entry)
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > limits.zip_unpacked_bytes:
            limit = limits.zip_unpacked_bytes // _MEGABYTE
            raise _hostile(f"it unpacks to {unpacked // _MEGABYTE:,} MB; the limit is {limit:,} MB")
        if sum(entry.compress_size for entry in entries) > len(data):
            raise _hostile("its parts overlap")
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) < len(entries):
            raise UnreadableFile("file_corrupt", "It has two parts of the same name.")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files in it, in the order of its directory."""
        return tuple(self._entries)

    def read(self, name: str) -> bytes:
        """Return the content of entry *name*, counting while it is unpacked.

        Raises:
            KeyError: If there is no such entry.
            UnreadableFile: ``file_corrupt`` if it cannot be unpacked or is not as long as it says.
        """
        entry = self._entries[name]
        try:
            with self._archive.open(entry) as stream:
                content = stream.read(entry.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError) as error:
            raise UnreadableFile("file_corrupt", f"Its part {name} cannot be unpacked.") from error
        if len(content) != entry.file_size:
            raise UnreadableFile("file_corrupt", f"Its part {name} is not as long as it says.")
        return content

    def size(self, name: str) -> int:
        """Return the unpacked size of entry *name* in bytes."""
        return self._entries[name].file_size

    def _check(self, entry: zipfile.ZipInfo) -> None:
        limits = self._limits
        if ".." in entry.filename.replace("\\", "/").split("/") or entry.filename.startswith(("/", "\\")):
            raise _hostile("one of its parts has a name that points outside of it")
        if entry.flag_bits & _ENCRYPTED:
            raise UnreadableFile("file_encrypted", "Its container asks for a password before it opens.")
        if entry.compress_type not in _METHODS:
            raise UnreadableFile("file_corrupt", "It is packed in a way that Word does not use.")
        packed_tightly = entry.file_size > limits.zip_ratio * max(entry.compress_size, 1)
        if packed_tightly and entry.file_size > limits.zip_ratio_floor_bytes:
            raise _hostile(f"a part of it is packed more than {limits.zip_ratio} to 1")


def _hostile(fact: str) -> UnreadableFile:
    return UnreadableFile("file_hostile", f"The file looks like an attack and was not opened: {fact}.")

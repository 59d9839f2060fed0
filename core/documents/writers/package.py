"""Zip packages: parts changed, all others byte for byte as they were."""

import io
import zipfile
from collections.abc import Mapping
from typing import Final

_FIXED_DATE: Final = (1980, 1, 1, 0, 0, 0)


def read_part(data: bytes, name: str) -> bytes | None:
    """Return one part of the package *data*, None if it has none of that name."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return package.read(name) if name in package.namelist() else None


def part_names(data: bytes) -> frozenset[str]:
    """Return the names of all parts of the package *data*."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return frozenset(package.namelist())


def with_parts(data: bytes, parts: Mapping[str, bytes]) -> bytes:
    """Return the package *data* with *parts* in place of those of the same name; new ones come last.

    Order, dates and contents of all other parts stay as they are.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(_copied(info), parts.get(info.filename, source.read(info)))
        present = set(source.namelist())
        for name, content in parts.items():
            if name not in present:
                target.writestr(_fresh(name), content)
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the parts of the package *data* by name, in their order."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {info.filename: package.read(info) for info in package.infolist()}


def pack(parts: Mapping[str, bytes]) -> bytes:
    """Return *parts* as a package, with one date on every part, so that equal contents are equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            target.writestr(_fresh(name), content)
    return buffer.getvalue()


def _copied(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    copy = zipfile.ZipInfo(info.filename, info.date_time)
    copy.compress_type = info.compress_type if info.compress_type == zipfile.ZIP_STORED else zipfile.ZIP_DEFLATED
    copy.external_attr = info.external_attr
    return copy


def _fresh(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _FIXED_DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info

"""Column types: what the core's values look like in a database, the same on SQLite and on PostgreSQL."""

import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property, lru_cache, partial
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import orjson
import sqlalchemy as sa
from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from core.documents.model import Document

T = TypeVar("T")
_REPLACEMENT = "\ufffd"
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_ENUM_LENGTH = 24  # room for longer members later: a wider column needs no migration
_COMPRESS_FROM_BYTES = 4_096  # below a page there is nothing to gain
_ZLIB_LEVEL = 1  # half the size for a tenth of the time of the default
_CAST_CACHE = 64
_NAIVE = "a naive datetime has no place in the database"
_UTC_LENGTH = len("2026-01-01 00:00:00.000000")


def clean_text(text: str) -> str:
    """Return *text* with NUL and lone surrogates replaced: PostgreSQL stores neither, and models write both."""
    if "\0" in text:
        text = text.replace("\0", _REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass").decode(errors="replace")
    return text


def clean_json(data: Any) -> Any:
    """Return JSON-like *data* with every string cleaned: see `clean_text`."""
    match data:
        case str():
            return clean_text(data)
        case dict():
            return {clean_json(key): clean_json(value) for key, value in data.items()}
        case list() | tuple():
            return [clean_json(item) for item in data]
        case _:
            return data


@runtime_checkable
class Plain(Protocol):
    """A type that `storage.statements` asks for its converters, without SQLAlchemy's frames around them.

    They get no None, which stays what it is.
    """

    def writer(self, dialect: str, /) -> Callable[[Any], Any] | None:
        """Return what makes a value one that the driver of *dialect* takes, None where it takes it as it is."""
        ...

    def reader(self, dialect: str, /) -> Callable[[Any], Any] | None:
        """Return what makes a value of what the driver of *dialect* gives, None where that is the value."""
        ...


class FreeText(TypeDecorator[str]):
    """Text that people or models wrote, of any length; see `clean_text` for what does not survive."""

    impl = sa.Text
    cache_ok = True

    def writer(self, _dialect: str) -> Callable[[str], str]:
        return clean_text

    def reader(self, _dialect: str) -> None:
        return None

    @override
    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else clean_text(value)


def _utc_text(moment: datetime) -> str:
    """Return *moment* as SQLAlchemy writes it for SQLite."""
    if moment.tzinfo is None:
        raise ValueError(_NAIVE)
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:_UTC_LENGTH]


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(_NAIVE)
    return moment.astimezone(UTC)


def _utc_moment(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


class Utc(TypeDecorator[datetime]):
    """A moment; aware on the way in and on the way out, whatever the database keeps."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def writer(self, dialect: str) -> Callable[[datetime], Any]:
        return _utc_text if dialect == "sqlite" else _utc

    def reader(self, dialect: str) -> Callable[[Any], datetime]:
        return _utc_moment if dialect == "sqlite" else _utc

    @override
    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment = _utc(value)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    @override
    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[T], Generic[T]):
    """A value of any type that pydantic knows, as JSON: JSONB on PostgreSQL, text on SQLite.

    The value is turned into text here, once, in Rust; engines are therefore made with a JSON codec that passes text
    through (see `storage.postgres`).

    Args:
        shape: The type, such as ``tuple[str, ...]`` or a dataclass.
        cached: Remember what was read lately, for values that many rows share and nobody can change.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, shape: Any, *, cached: bool = False) -> None:
        super().__init__()
        self.shape = shape
        self.cached = cached

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self.shape)  # built when first needed: it is most of the time that an import would take

    @cached_property
    def _parse(self) -> Callable[[str], T]:
        parse = self._adapter.validator.validate_json  # the adapter's own method adds nothing but a frame
        return lru_cache(_CAST_CACHE)(parse) if self.cached else parse

    @cached_property
    def _dump(self) -> Callable[[T], bytes]:
        dump = self._adapter.serializer.to_json
        # one emoji makes Python keep four bytes for every character of a text, and these texts stay
        return partial(dump, ensure_ascii=True) if self.cached else dump

    def writer(self, _dialect: str) -> Callable[[T], str]:
        return self._text

    def reader(self, _dialect: str) -> Callable[[str], T]:
        return self._parse

    @override
    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSONB(none_as_null=True))
        return dialect.type_descriptor(sa.Text())

    @override
    def process_bind_param(self, value: T | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else self._text(value)

    def _text(self, value: T) -> str:
        try:
            text = self._dump(value).decode()
        except PydanticSerializationError:  # a lone surrogate somewhere inside
            text = orjson.dumps(clean_json(self._adapter.dump_python(value))).decode()
        return _ESCAPED_NUL.sub(r"\1" + _REPLACEMENT, text) if "\\u0000" in text else text

    @override
    def process_result_value(self, value: Any, dialect: sa.Dialect) -> T | None:
        return None if value is None else self._parse(value)

    @override
    def __repr__(self) -> str:
        return f"Json({self.shape!r})"


class DocumentBlob(TypeDecorator[Document]):
    """A document as JSON bytes, compressed when it is longer than a page (a zlib stream never starts with a brace)."""

    impl = sa.LargeBinary
    cache_ok = True

    def writer(self, _dialect: str) -> Callable[[Document], bytes]:
        return _packed

    def reader(self, _dialect: str) -> Callable[[bytes], Document]:
        return _unpacked

    @override
    def process_bind_param(self, value: Document | None, dialect: sa.Dialect) -> bytes | None:
        return None if value is None else _packed(value)

    @override
    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> Document | None:
        return None if value is None else _unpacked(value)


def _packed(document: Document) -> bytes:
    try:
        data = orjson.dumps(document.to_json())
    except TypeError:  # a lone surrogate somewhere inside
        data = orjson.dumps(clean_json(document.to_json()))
    return zlib.compress(data, _ZLIB_LEVEL) if len(data) >= _COMPRESS_FROM_BYTES else data


def _unpacked(data: bytes) -> Document:
    return Document.from_json(orjson.loads(data if data[:1] == b"{" else zlib.decompress(data)))


def choice(members: type[StrEnum]) -> sa.Enum:
    """Return the type of a column that holds one of *members*, by value, checked by the database."""
    return sa.Enum(
        members,
        name=members.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        length=_ENUM_LENGTH,
        values_callable=lambda kind: [member.value for member in kind],
    )

"""The parts of a Word file, found through its relationships, whatever is missing or broken around them."""

import io
import posixpath
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree
from lxml.etree import _Element

from core.documents.errors import UnreadableFile
from core.documents.readers.limits import Limits
from core.documents.readers.zip_guard import Zip

R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TYPES: Final = "[Content_Types].xml"
_MAIN: Final = re.compile(r"wordprocessingml\.(?:document|template)\.main\+xml$")
_MACRO: Final = re.compile(r"ms-word\.(?:document|template)\.macroEnabled(?:Template)?\.main\+xml$")
_STRICT: Final = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_STRICT_MARK: Final = b"http://purl.oclc.org/ooxml/"
_TRANSITIONAL: Final = "http://schemas.openxmlformats.org/{}/2006/{}"
_RENAMED: Final = {"extendedProperties": "extended-properties", "customProperties": "custom-properties"}
_TEMPLATE: Final = b"wordprocessingml.template.main+xml"
_DOCUMENT: Final = b"wordprocessingml.document.main+xml"


@dataclass(frozen=True, slots=True)
class Relationship:
    """A pointer from one part.

    Attributes:
        kind: Last word of its type: ``hyperlink``, ``header``, ``image``...
        target: Name of a part, or what is outside when *external*.
        external: True if *target* is no part of the file.
    """

    kind: str
    target: str
    external: bool


class Package:
    """A Word file, its Strict form read as Transitional."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Open *data*.

        Raises:
            UnreadableFile: As `Zip`; ``file_unsupported`` if it has macros; ``file_corrupt`` if it has no document.
        """
        self._zip = Zip(data, limits)
        self._limits = limits
        self._names = {name.lower(): name for name in self._zip.names}
        self._relationships: dict[str, Mapping[str, Relationship]] = {}
        self.types = self._content_types()
        self.main = self._main()
        if _MACRO.search(self.types.get(self.main.lower(), "")):
            raise UnreadableFile(
                "file_unsupported", "This is a Word file with macros (.docm), which is not opened: save it as .docx."
            )

    def find(self, name: str) -> str | None:
        """Return the name of the part *name* as the file spells it, or None; Word does not mind capitals."""
        return self._names.get(name.lower())

    def xml(self, name: str) -> _Element:
        """Return the root of part *name*.

        Raises:
            KeyError: If there is no such part.
            UnreadableFile: ``file_corrupt`` if it is no XML, ``file_hostile`` if it declares a document type, which no
                Word file does, or is too large.
        """
        content = self._read_xml(name)
        try:
            root = etree.fromstring(content, _parser())
        except (etree.XMLSyntaxError, ValueError, LookupError) as error:
            raise UnreadableFile("file_corrupt", f"Its part {name} is not valid XML.") from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise UnreadableFile(
                "file_hostile", f"The file looks like an attack and was not opened: {name} declares a document type."
            )
        return root

    def find_xml(self, name: str) -> _Element | None:
        """Return the root of part *name*, or None if it is missing or damaged: for parts one can read without."""
        found = self.find(name)
        if found is None:
            return None
        try:
            return self.xml(found)
        except UnreadableFile as error:
            if error.code == "file_hostile":
                raise
            return None

    def relationships(self, part: str) -> Mapping[str, Relationship]:
        """Return the relationships of *part* by id; none if it has no readable list of them."""
        if part not in self._relationships:
            folder, base = posixpath.split(part)
            root = self.find_xml(posixpath.join(folder, "_rels", f"{base}.rels"))
            self._relationships[part] = {} if root is None else dict(_relationships(root, folder))
        return self._relationships[part]

    def related(self, part: str, kind: str) -> list[str]:
        """Return the parts of *kind* that *part* points to and that exist, in order, each once."""
        found = [
            self.find(relationship.target)
            for relationship in self.relationships(part).values()
            if relationship.kind == kind and not relationship.external
        ]
        return list(dict.fromkeys(name for name in found if name is not None))

    def _read_xml(self, name: str) -> bytes:
        limit = self._limits.zip_xml_bytes
        if self._zip.size(name) > limit:
            raise UnreadableFile(
                "file_hostile",
                f"The file looks like an attack and was not opened: {name} is above {limit // (1024 * 1024)} MB.",
            )
        return _as_transitional(self._zip.read(name))

    def _content_types(self) -> dict[str, str]:
        """Return the content type of each part that has one of its own, by name in small letters."""
        name = self.find(_TYPES)
        if name is None:
            raise UnreadableFile("file_corrupt", "It lacks the list of its parts.")
        return {
            element.get("PartName", "").lstrip("/").lower(): element.get("ContentType", "")
            for element in self.xml(name).iter("{*}Override")
        }

    def _main(self) -> str:
        by_relationship = self.related("", "officeDocument")
        by_type = [self.find(name) for name, kind in self.types.items() if _MAIN.search(kind) or _MACRO.search(kind)]
        for name in (*by_relationship, *by_type, self.find("word/document.xml")):
            if name is not None:
                return name
        raise UnreadableFile("file_corrupt", "It has no document part.")


def normalised(data: bytes) -> bytes:
    """Return *data* as an ordinary Word document: Strict as Transitional, a template as a document.

    `Origin` speaks of the parts of this result. A file that is ordinary already comes back as it is, byte for byte.

    Raises:
        UnreadableFile: As `Zip`.
    """
    archive = Zip(data, Limits())
    contents = {name: archive.read(name) for name in archive.names if name.endswith((".xml", ".rels"))}
    changed = {name: _as_transitional(content) for name, content in contents.items()}
    if _TYPES in changed:
        changed[_TYPES] = changed[_TYPES].replace(_TEMPLATE, _DOCUMENT)
    if changed == contents:
        return data
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if not entry.is_dir():
                target.writestr(entry, changed.get(entry.filename) or archive.read(entry.filename))
    return out.getvalue()


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )


def _as_transitional(content: bytes) -> bytes:
    return _STRICT.sub(_renamed, content) if _STRICT_MARK in content else content


def _renamed(match: re.Match[bytes]) -> bytes:
    area, name = (group.decode("ascii", "replace") for group in match.groups())
    return _TRANSITIONAL.format(area, _RENAMED.get(name, name)).encode()


def _relationships(root: _Element, folder: str) -> list[tuple[str, Relationship]]:
    found: list[tuple[str, Relationship]] = []
    for element in root.iter("{*}Relationship"):
        target = element.get("Target", "")
        external = element.get("TargetMode") == "External"
        if not external:
            target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        kind = element.get("Type", "").rstrip("/").rpartition("/")[2]
        found.append((element.get("Id", ""), Relationship(kind, target, external)))
    return found

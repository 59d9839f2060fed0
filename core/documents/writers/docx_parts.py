"""The parts of an uploaded Word file that are being changed; all others stay byte for byte."""

import posixpath
from typing import Final

from lxml import etree
from lxml.etree import _Element

from core.documents.readers.docx_index import iter_addressable
from core.documents.writers.docx_numbering import abstract_numbering, number_instance
from core.documents.writers.docx_xml import W, local_name
from core.documents.writers.package import part_names, read_part, with_parts

_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_RELATIONS: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_TYPES: Final = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_TYPES_PART: Final = "[Content_Types].xml"
_NUMBERING_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.numbering+xml"
_EMPTY_RELATIONS: Final = f'<Relationships xmlns="{_RELATIONS[1:-1]}"/>'.encode()
_EMPTY_NUMBERING: Final = f'<w:numbering xmlns:w="{W[1:-1]}"/>'.encode()
_STYLE_DEPTH: Final = 12  # Word itself stops at about this many styles based on each other


class DocxParts:
    """Parsed parts of one package, each read when it is first asked for.

    Args:
        data: The file, in the Transitional form that `readers.docx_package.normalised` gives.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._names = part_names(data)
        self._roots: dict[str, _Element] = {}
        self._changed: set[str] = set()
        self._uploaded: dict[str, list[_Element]] = {}
        self._links: dict[tuple[str, str], str] = {}

    def root(self, name: str) -> _Element:
        """Return the root of a part.

        Raises:
            KeyError: If there is no such part.
        """
        if name not in self._roots:
            content = read_part(self._data, name)
            if content is None:
                raise KeyError(name)
            self._roots[name] = _parsed(content)
        return self._roots[name]

    def uploaded(self, name: str) -> list[_Element]:
        """Return the addressable elements of a part as it was uploaded, whatever was changed since."""
        if name not in self._uploaded:
            content = read_part(self._data, name)
            root = _parsed(content) if content is not None else None
            self._uploaded[name] = [] if root is None else [node for _, node in iter_addressable(root)]
        return self._uploaded[name]

    def changed(self, name: str) -> None:
        """Say that the root of a part was changed."""
        self._changed.add(name)

    def result(self) -> bytes:
        """Return the file; the very same bytes if nothing was changed."""
        if not self._changed:
            return self._data
        parts = {
            name: etree.tostring(
                self._roots[name].getroottree(), xml_declaration=True, encoding="UTF-8", standalone=True
            )
            for name in self._changed
        }
        return with_parts(self._data, parts)

    def link(self, part: str, target: str) -> str:
        """Return the id of the relationship by which *part* points at *target* outside, made if there is none."""
        if (part, target) not in self._links:
            self._links[part, target] = self._relate(part, "hyperlink", target, external=True)
        return self._links[part, target]

    def style_id(self, kind: str, *names: str) -> str:
        """Return the id of the first style of *names* (in small letters) that the file defines; empty if none."""
        for name in names:
            for style in self._styles():
                label = style.find(f"{W}name")
                spelled = label.get(f"{W}val", "").lower() if label is not None else ""
                if style.get(f"{W}type") == kind and name in (spelled, style.get(f"{W}styleId", "").lower()):
                    return style.get(f"{W}styleId", "")
        return ""

    def own_style(self, definition: str) -> str:
        """Return the id of the style that *definition* (a ``w:style``) describes, added if the file lacks it."""
        style = etree.fromstring(definition)
        kind, name = style.get(f"{W}type", ""), _value(style, "name").lower()
        known = self.style_id(kind, name)
        part = self._target("styles")
        if known or part not in self._names:
            return known
        bases = [one for one in self._styles() if one.get(f"{W}type") == kind and one.get(f"{W}default") == "1"]
        label = style.find(f"{W}name")
        if bases and label is not None:
            base = etree.Element(f"{W}basedOn")
            base.set(f"{W}val", bases[0].get(f"{W}styleId", ""))
            label.addnext(base)
        self.root(part).append(style)
        self.changed(part)
        return style.get(f"{W}styleId", "")

    def numbering_of_style(self, style_id: str) -> tuple[str, str] | None:
        """Return numId and ilvl that a paragraph style brings with it, None if it brings none."""
        by_id = {style.get(f"{W}styleId"): style for style in self._styles()}
        level = ""
        for _ in range(_STYLE_DEPTH):
            style = by_id.get(style_id)
            if style is None:
                return None
            found = style.find(f"{W}pPr/{W}numPr")
            if found is not None:
                level = level or _value(found, "ilvl")
                if _value(found, "numId"):
                    return _value(found, "numId"), level or "0"
            style_id = _value(style, "basedOn")
        return None

    def number_format(self, num_id: str, level: str) -> str:
        """Return ``bullet``, ``decimal`` and so on for one level of a list; empty if the file does not say."""
        definition = self._abstract(num_id)
        if definition is None:
            return ""
        for one in definition.iterfind(f"{W}lvl"):
            if one.get(f"{W}ilvl") == level:
                return _value(one, "numFmt")
        return ""

    def new_list(self, *, like: str, level: int, start: int | None) -> str:
        """Return the id of a new list that looks like list *like* and counts *level* from *start*."""
        definition = self._abstract(like)
        number = definition.get(f"{W}abstractNumId", "") if definition is not None else ""
        return self._add_list(int(number), level, start) if number else like

    def plain_list(self, *, ordered: bool, level: int, start: int | None) -> str:
        """Return the id of a new list with bullets or numbers of our own look."""
        root = self._numbering()
        taken = [int(one.get(f"{W}abstractNumId", "0")) for one in root.iterfind(f"{W}abstractNum")]
        number = max(taken, default=-1) + 1
        definition = etree.fromstring(abstract_numbering(number, ordered=ordered))
        # The schema: pictures, then definitions, then lists.
        after = [one for one in root if local_name(one) in ("numPicBullet", "abstractNum")]
        root.insert(root.index(after[-1]) + 1 if after else 0, definition)
        return self._add_list(number, level, start)

    def _add_list(self, abstract: int, level: int, start: int | None) -> str:
        root = self._numbering()
        lists = root.findall(f"{W}num")
        number = max((int(one.get(f"{W}numId", "0")) for one in lists), default=0) + 1
        made = etree.fromstring(number_instance(number, abstract, level=level, start=start))
        if lists:
            lists[-1].addnext(made)
        else:
            root.append(made)
        self.changed(self._numbering_part())
        return str(number)

    def _abstract(self, num_id: str) -> _Element | None:
        if self._target("numbering") not in self._names:
            return None
        root = self._numbering()
        for one in root.iterfind(f"{W}num"):
            if one.get(f"{W}numId") == num_id:
                wanted = _value(one, "abstractNumId")
                definitions = root.iterfind(f"{W}abstractNum")
                return next((each for each in definitions if each.get(f"{W}abstractNumId") == wanted), None)
        return None

    def _numbering_part(self) -> str:
        return self._target("numbering") or posixpath.join(posixpath.dirname(self.main), "numbering.xml")

    def _numbering(self) -> _Element:
        name = self._numbering_part()
        if name not in self._names and name not in self._roots:
            self._roots[name] = _parsed(_EMPTY_NUMBERING)
            self._relate(self.main, "numbering", posixpath.basename(name), external=False)
            types = self.root(_TYPES_PART)
            etree.SubElement(types, f"{_TYPES}Override", PartName=f"/{name}", ContentType=_NUMBERING_TYPE)
            self.changed(_TYPES_PART)
        return self.root(name)

    def _styles(self) -> list[_Element]:
        name = self._target("styles")
        return self.root(name).findall(f"{W}style") if name in self._names else []

    @property
    def main(self) -> str:
        """Name of the part that holds the text."""
        for one in self._relations(""):
            if one.get("Type", "").endswith("/officeDocument"):
                return _resolved("", one.get("Target", ""))
        return "word/document.xml"

    def _target(self, kind: str) -> str:
        """Return the part of *kind* that the main part points to, empty if none."""
        folder = posixpath.dirname(self.main)
        for one in self._relations(self.main):
            if one.get("Type", "").endswith(f"/{kind}") and one.get("TargetMode") != "External":
                return _resolved(folder, one.get("Target", ""))
        return ""

    def _relations(self, part: str) -> list[_Element]:
        name = _relations_part(part)
        return list(self.root(name)) if name in self._names or name in self._roots else []

    def _relate(self, part: str, kind: str, target: str, *, external: bool) -> str:
        name = _relations_part(part)
        if name not in self._names and name not in self._roots:
            self._roots[name] = _parsed(_EMPTY_RELATIONS)
        root = self.root(name)
        for one in root:
            same = one.get("Target") == target and one.get("Type", "").endswith(f"/{kind}")
            if same and (one.get("TargetMode") == "External") is external:
                return one.get("Id", "")
        ids = {one.get("Id") for one in root}
        free = next(f"rIdNew{number}" for number in range(len(ids) + 1) if f"rIdNew{number}" not in ids)
        made = etree.SubElement(root, f"{_RELATIONS}Relationship", Id=free, Type=_RELATION + kind, Target=target)
        if external:
            made.set("TargetMode", "External")
        self.changed(name)
        return free


def _value(node: _Element, name: str) -> str:
    found = node.find(W + name)
    return found.get(f"{W}val", "") if found is not None else ""


def _resolved(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")


def _relations_part(part: str) -> str:
    folder, base = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{base}.rels")


def _parsed(content: bytes) -> _Element:
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))

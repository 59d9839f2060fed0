"""The machine-readable mark of files that were written with AI: what wrote them, with which models, how much of them."""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from core.documents.markdown import split_front_matter
from core.documents.model import SourceFormat
from core.documents.readers.text import NEWLINE, decode
from core.documents.writers.package import read_part, unpack, with_parts

# IPTC's vocabulary, which C2PA and the guidance on the EU AI Act (article 50) use.
_SOURCE_TYPES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_WHOLLY_AI: Final = 0.995
_RULES: Final = frozenset({"rehearsal"})  # models that are none: fixed rules, trained on nothing

_NAMES: Final = ("Tool", "Version", "Session", "Models", "AiShare", "DigitalSourceType")
_PREFIX: Final = "Atelier"
_XMP_NAMESPACE: Final = "urn:atelier:mark:1"
_IPTC_NAMESPACE: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_FRONT_MATTER = re.compile(r"^atelier:[ \t]*\n(?P<lines>(?:[ \t]+.*\n?)+)", re.MULTILINE)

_CUSTOM_PART: Final = "docProps/custom.xml"
_CUSTOM_TYPE: Final = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_CUSTOM_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"
_PROPERTIES: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/custom-properties}"
_VARIANT: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes}"
_TYPES: Final = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_RELATIONS: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_NO_PROPERTIES: Final = f'<Properties xmlns="{_PROPERTIES[1:-1]}" xmlns:vt="{_VARIANT[1:-1]}"/>'.encode()
_FORMAT_ID: Final = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"  # ECMA-376 part 1, 22.3: user-defined properties
_FIRST_PROPERTY_ID: Final = 2  # the same: 0 and 1 are reserved


@dataclass(frozen=True, slots=True)
class Mark:
    """What a file says about how it was made.

    Attributes:
        tool: Name of the product.
        version: Its version.
        session_id: The session that wrote the file.
        models: Ids of the models that took part, each once.
        ai_share: Share of the text's words that a model wrote, 0.0 to 1.0.
    """

    tool: str
    version: str
    session_id: str
    models: tuple[str, ...]
    ai_share: float

    @property
    def digital_source_type(self) -> str:
        """IPTC's name for such a work: made by a model as a whole or by a person and a model, or by rules alone."""
        whole = self.ai_share >= _WHOLLY_AI
        if self.models and _RULES.issuperset(self.models):
            return _SOURCE_TYPES + ("algorithmicMedia" if whole else "algorithmicallyEnhanced")
        return _SOURCE_TYPES + ("trainedAlgorithmicMedia" if whole else "compositeWithTrainedAlgorithmicMedia")

    def facts(self) -> dict[str, str]:
        """Return the mark as names and texts, in a fixed order."""
        values = (
            self.tool,
            self.version,
            self.session_id,
            json.dumps(list(self.models)),
            f"{self.ai_share:.3f}",
            self.digital_source_type,
        )
        return dict(zip(_NAMES, values, strict=True))


def mark_docx(data: bytes, mark: Mark) -> bytes:
    """Return the Word file *data* with *mark* among its custom properties; properties of others stay."""
    return with_parts(data, _marked(unpack(data), mark))


def mark_parts(parts: Mapping[str, bytes], mark: Mark) -> dict[str, bytes]:
    """Return the parts of a Word file with *mark*; see `mark_docx`."""
    return {**parts, **_marked(parts, mark)}


def _marked(package: Mapping[str, bytes], mark: Mark) -> dict[str, bytes]:
    """Return the parts that *mark* changes or adds."""
    known = package.get(_CUSTOM_PART)
    root = _parsed(known or _NO_PROPERTIES)
    for old in [one for one in root if (one.get("name") or "").startswith(_PREFIX)]:
        root.remove(old)
    taken = [int(one.get("pid") or 0) for one in root]
    number = max([_FIRST_PROPERTY_ID - 1, *taken]) + 1
    for name, value in mark.facts().items():
        entry = etree.SubElement(root, f"{_PROPERTIES}property", fmtid=_FORMAT_ID, pid=str(number), name=_PREFIX + name)
        etree.SubElement(entry, f"{_VARIANT}lpwstr").text = value
        number += 1
    parts = {_CUSTOM_PART: _serialised(root)}
    if known is None:
        parts |= _announced(package)
    return parts


def pdf_mark(mark: Mark, title: str) -> str:
    """Return *mark* as the XMP packet of a PDF."""
    facts = mark.facts()
    models = "".join(f"<rdf:li>{escape(model)}</rdf:li>" for model in mark.models)
    own = "".join(
        f"<atelier:{name}>{escape(facts[name])}</atelier:{name}>" for name in ("Tool", "Version", "Session", "AiShare")
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="{_IPTC_NAMESPACE}" '
        f'xmlns:atelier="{_XMP_NAMESPACE}">'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>'
        f"<xmp:CreatorTool>{escape(mark.tool)} {escape(mark.version)}</xmp:CreatorTool>"
        f"<Iptc4xmpExt:DigitalSourceType>{facts['DigitalSourceType']}</Iptc4xmpExt:DigitalSourceType>"
        f"{own}<atelier:Models><rdf:Seq>{models}</rdf:Seq></atelier:Models>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def mark_markdown(text: str, mark: Mark) -> str:
    """Return *text* with *mark* under ``atelier:`` in its YAML front matter; keys of others stay."""
    front, body = split_front_matter(text)
    lines = front.split("\n")[1:-1] if front else []
    kept = _FRONT_MATTER.sub("", "".join(f"{line}\n" for line in lines))
    facts = mark.facts()
    own = [
        "atelier:",
        *(f"  {_key(name)}: {json.dumps(facts[name], ensure_ascii=False)}" for name in ("Tool", "Version", "Session")),
        f"  models: {facts['Models']}",
        f"  ai_share: {facts['AiShare']}",
        f"  digital_source_type: {facts['DigitalSourceType']}",
    ]
    blank = "" if body.startswith("\n") else "\n"
    return f"---\n{kept}" + "\n".join(own) + f"\n---\n{blank}{body}"


def read_mark(data: bytes, file_format: SourceFormat) -> Mark | None:
    """Return the mark that a file carries, None if it carries none; plain text never does.

    Raises:
        ValueError: If the mark is there but broken.
    """
    facts: dict[str, str] = {}
    if file_format is SourceFormat.DOCX:
        facts = _facts_of_docx(data)
    elif file_format is SourceFormat.PDF:
        facts = _facts_of_pdf(data)
    elif file_format is SourceFormat.MARKDOWN:
        facts = _facts_of_markdown(NEWLINE.sub("\n", decode(data)[0]))
    if not facts:
        return None
    try:
        models = tuple(json.loads(facts["Models"]))
        return Mark(facts["Tool"], facts["Version"], facts["Session"], models, float(facts["AiShare"]))
    except KeyError as missing:
        raise ValueError(f"the mark lacks {missing}") from missing


def _facts_of_docx(data: bytes) -> dict[str, str]:
    part = read_part(data, _CUSTOM_PART)
    entries = _parsed(part) if part else ()
    return {
        name.removeprefix(_PREFIX): "".join(map(str, entry.itertext()))
        for entry in entries
        if (name := entry.get("name") or "").startswith(_PREFIX)
    }


def _facts_of_pdf(data: bytes) -> dict[str, str]:
    # Reading a mark is rare, writing one is not, and pypdf takes twenty megabytes.
    from pypdf import PdfReader  # noqa: PLC0415
    from pypdf.generic import StreamObject  # noqa: PLC0415

    metadata = PdfReader(io.BytesIO(data)).root_object.get("/Metadata")
    stream = metadata.get_object() if metadata is not None else None
    if not isinstance(stream, StreamObject):
        return {}
    tree = _parsed(stream.get_data())
    facts = {
        etree.QName(one).localname: (one.text or "") for one in tree.iter(f"{{{_XMP_NAMESPACE}}}*") if not len(one)
    }
    sequence = tree.iterfind(f".//{{{_XMP_NAMESPACE}}}Models//{{http://www.w3.org/1999/02/22-rdf-syntax-ns#}}li")
    return facts | {"Models": json.dumps([one.text or "" for one in sequence])} if facts else {}


def _facts_of_markdown(text: str) -> dict[str, str]:
    found = _FRONT_MATTER.search(split_front_matter(text)[0])
    if found is None:
        return {}
    pairs = (line.strip().partition(": ") for line in found["lines"].strip().split("\n"))
    values = {name: value for name, _, value in pairs}
    return {
        name: json.loads(values[_key(name)]) if values[_key(name)].startswith('"') else values[_key(name)]
        for name in _NAMES
        if _key(name) in values
    }


def _key(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _announced(package: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return content types and package relations that know of the custom properties."""
    types = _parsed(package.get("[Content_Types].xml", b""))
    etree.SubElement(types, f"{_TYPES}Override", PartName=f"/{_CUSTOM_PART}", ContentType=_CUSTOM_TYPE)
    relations = _parsed(package.get("_rels/.rels", b""))
    ids = {one.get("Id") for one in relations}
    free = next(f"rIdMark{number}" for number in range(len(ids) + 1) if f"rIdMark{number}" not in ids)
    etree.SubElement(relations, f"{_RELATIONS}Relationship", Id=free, Type=_CUSTOM_RELATION, Target=_CUSTOM_PART)
    return {"[Content_Types].xml": _serialised(types), "_rels/.rels": _serialised(relations)}


def _parsed(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _serialised(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)

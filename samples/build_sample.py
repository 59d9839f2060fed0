"""Builds ``samples/proposal.docx``: an ordinary proposal with ordinary faults, for the demonstration and for tests.

Run it with ``python samples/build_sample.py``; the same script always gives the same bytes.
"""

import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path

import docx
from docx.document import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from docx.text.paragraph import Paragraph

TARGET = Path(__file__).with_name("proposal.docx")
_MOMENT = datetime(2026, 3, 2, 9, 0)  # noqa: DTZ001 - core properties carry no time zone
_ZIP_MOMENT = (2026, 3, 2, 9, 0, 0)
_FOOTNOTES_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

TITLE = "Proposal: one repairs desk for all tenants"

# A paragraph is a list of runs: text, and b, i, a link's address, or "note" for the footnote.
Run = tuple[str, str]


def _text(words: str) -> list[Run]:
    return [(words, "")]


SUMMARY: list[list[Run]] = [
    [
        ("At the present time, tenants of Northgate Homes who need a repair have to choose between ", ""),
        ("six different telephone numbers", "b"),
        (
            (
                ", two e-mail addresses and a web form, and it is very often not clear to them which one of these is "
                "responsible for the estate on which they live. We propose to replace all of these channels by a single "
                "repairs desk, which will be open from 7 a.m. to 9 p.m. on every day of the week."
            ),
            "",
        ),
    ],
    _text(
        "The Board is asked to approve a budget of £404,000 for the first two years. It should be noted that the the "
        "desk is expected to pay for itself in the third year. Fewer visits will be wasted, and we can terminate the "
        "contracts with the four call centers that we use today."
    ),
]

PROBLEM: list[list[Run]] = [
    _text(
        "In the autumn of 2025 we carried out a survey of 1,140 tenants in order to understand how repairs are reported "
        "today. The results were really disappointing. More than 38% of the tenants had called the wrong number at least "
        "once, and a significant number of them gave up before the repair was reported."
    ),
    _text(
        "Due to the fact that each estate keeps its own list of jobs, nobody has an overview of the work that is "
        "outstanding; two contractors were sent to the same address on 212 occasions last year, and each of these "
        "visits was invoiced in full although only one of them was needed. Complaints about repairs have grown by 24% "
        "since 2023. The estate offices do their best, but they are basically left alone with the problem, and the "
        "repairs team utilises a spreadsheet that was built for a much smaller organization."
    ),
    [
        (
            "Research shows that tenants who can reach a person at the first attempt are more satisfied with the repair ",
            "",
        ),
        ("itself", "i"),
        (", whatever its quality. The regulator expects an SLA for urgent repairs", ""),
        ("", "note"),
        (" from every landlord, and at this point in time we do not have one.", ""),
    ],
]

PLAN_INTRO = _text(
    "Prior to the opening of the desk, three things have to be in place. They will be put in place in the following order:"
)
PLAN_STEPS: list[list[Run]] = [
    [("One number. ", "b"), ("All existing numbers are forwarded to the new desk on Monday, 1 September 2026.", "")],
    [
        ("One list. ", "b"),
        (
            (
                "The jobs of all estates are moved to a single system, which makes it possible for the desk to see what has "
                "been promised to a tenant, by whom and for when."
            ),
            "",
        ),
    ],
    [
        ("One promise. ", "b"),
        (
            (
                "Each tenant receives a service level agreement by email that says how soon each kind of repair is done and "
                "what happens if it is not."
            ),
            "",
        ),
    ],
]
PLAN_MORE: list[list[Run]] = [
    _text(
        "Nine people will work at the desk, six of whom already work in the estate offices. They will be trained for a "
        "period of four weeks, and they will have the ability to book a contractor while the tenant is still on the "
        "line; none of the call centres is able to do this today, and it is what in our own past experience matters "
        "most to people who are waiting for a repair at home with small children. The training is organised by the "
        "repairs team in close proximity to the existing offices, so that nobody has to travel. We chose the opening "
        "hours together with the tenants' panel, and it really liked the long evenings. We will also ask the panel "
        "before any of the old numbers is switched off, and we will publish its answers on a monthly basis. Whether or "
        "not the desk should later take calls about rent is a question for next year."
    ),
]

BENEFITS_INTRO = _text("The desk brings tenants and staff:")
BENEFITS: list[list[Run]] = [
    _text("a person who answers at the first call, in the evening and at weekends too"),
    _text("a text message in the event that a visit has to be moved"),
    _text("an end to duplicate visits, which cost us an absolutely unnecessary £61,000 last year"),
    _text("one record of what was promised, for the Board, for the regulator and for the tenant"),
]

COSTS_INTRO = _text(
    "The table shows the costs of the first two years. The figures for staff were confirmed by the Finance team, and those "
    "for software are based on three written offers."
)
COSTS = (
    ("Item", "First year (£)", "Second year (£)"),
    ("Staff", "148,000", "152,000"),
    ("Software and telephony", "46,000", "21,000"),
    ("Training and opening", "28,000", "9,000"),
    ("Total", "222,000", "190,000"),
)
COSTS_MORE: list[list[Run]] = [
    _text(
        "The contracts with the four call centres cost us £118,000 a year and end in December 2026. Together with the "
        "duplicate visits, the savings amount to £179,000 a year, and each and every year after the second therefore "
        "shows a surplus."
    ),
]

RISKS: list[list[Run]] = [
    _text(
        "The main risk is that too many calls arrive in the first weeks. The majority of landlords who opened a desk had "
        "twice as many calls as planned in the first month. We will therefore keep the old call centres on standby until "
        "the end of November, and the board will receive a report on a weekly basis."
    ),
    _text(
        "A further risk is the new system. It has been tested by two other landlords, and it is quite stable, but the data "
        "of the estates have to be cleaned before they can be moved. The supplier guarantees that no record is lost."
    ),
]

NEXT: list[list[Run]] = [
    [
        ("We ask the Board to make a decision at its meeting on ", ""),
        ("Thursday, 16 April 2026", "b"),
        (
            ". If the budget is approved, the desk can open on time. More information about the survey is on the ",
            "",
        ),
        ("tenants' page", "https://northgate-homes.example/tenants/survey"),
        (", and questions are answered by the repairs team as soon as possible.", ""),
    ],
]
FOOTNOTE = "Housing Regulator, Consumer Standards, section 4.2 (January 2026)."


def build() -> bytes:
    """Return the bytes of the sample."""
    document = docx.Document()
    _prepare(document)
    document.add_heading(TITLE, level=0)
    _section(document, "Summary", SUMMARY)
    _section(document, "The problem", PROBLEM)
    document.add_heading("The plan", level=1)
    _fill(document.add_paragraph(), PLAN_INTRO, document)
    for step in PLAN_STEPS:
        _fill(document.add_paragraph(style="List Number"), step, document)
    for paragraph in PLAN_MORE:
        _fill(document.add_paragraph(), paragraph, document)
    document.add_heading("What it brings", level=2)
    _fill(document.add_paragraph(), BENEFITS_INTRO, document)
    for item in BENEFITS:
        _fill(document.add_paragraph(style="List Bullet"), item, document)
    document.add_heading("What it costs", level=1)
    _fill(document.add_paragraph(), COSTS_INTRO, document)
    _table(document)
    for paragraph in COSTS_MORE:
        _fill(document.add_paragraph(), paragraph, document)
    _section(document, "Risks", RISKS)
    _section(document, "Next step", NEXT)
    _add_footnotes(document)
    raw = BytesIO()
    document.save(raw)
    return _with_fixed_times(raw.getvalue())


def _prepare(document: Document) -> None:
    properties = document.core_properties
    properties.title, properties.author, properties.comments = TITLE, "Northgate Homes, repairs team", ""
    properties.created = properties.modified = _MOMENT
    document.styles["Normal"].font.name = "Calibri"
    document.styles["Normal"].font.size = Pt(11)
    section = document.sections[0]
    section.header.paragraphs[0].text = "Northgate Homes · Repairs team · Draft for the Board"
    section.footer.paragraphs[0].text = "Confidential until the meeting"


def _section(document: Document, heading: str, paragraphs: list[list[Run]]) -> None:
    document.add_heading(heading, level=1)
    for paragraph in paragraphs:
        _fill(document.add_paragraph(), paragraph, document)


def _fill(paragraph: Paragraph, runs: list[Run], document: Document) -> None:
    for text, kind in runs:
        if kind == "note":
            _footnote_mark(paragraph)
        elif kind.startswith("http"):
            _link(paragraph, text, kind, document)
        else:
            run = paragraph.add_run(text)
            run.bold = True if kind == "b" else None
            run.italic = True if kind == "i" else None


def _table(document: Document) -> None:
    table = document.add_table(rows=0, cols=len(COSTS[0]), style="Light Grid Accent 1")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    for row in COSTS:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text


def _link(paragraph: Paragraph, text: str, address: str, document: Document) -> None:
    relation = document.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), relation)
    run = paragraph.add_run(text)
    run.font.underline = True
    run.font.color.rgb = RGBColor(0x05, 0x63, 0xC1)
    link.append(run._r)  # noqa: SLF001 - python-docx has no public way to make a link
    paragraph._p.append(link)  # noqa: SLF001


def _footnote_mark(paragraph: Paragraph) -> None:
    run = paragraph.add_run()
    run.font.superscript = True
    mark = OxmlElement("w:footnoteReference")
    mark.set(qn("w:id"), "1")
    run._r.append(mark)  # noqa: SLF001 - python-docx has no footnotes


def _add_footnotes(document: Document) -> None:
    """Add the part that holds the one footnote; Word wants its two separators first."""
    separators = "".join(
        f'<w:footnote w:type="{kind}" w:id="{number}"><w:p><w:r><w:{kind}/></w:r></w:p></w:footnote>'
        for number, kind in ((-1, "separator"), (0, "continuationSeparator"))
    )
    xml = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:footnotes xmlns:w="{_W}">{separators}'
        '<w:footnote w:id="1"><w:p><w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteRef/></w:r>'
        f'<w:r><w:t xml:space="preserve"> {FOOTNOTE}</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    part = Part(PackURI("/word/footnotes.xml"), _FOOTNOTES_TYPE, xml.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)


def _with_fixed_times(data: bytes) -> bytes:
    """Return the same zip with one time for every entry, so that it does not change from build to build."""
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in source.infolist():
            info = zipfile.ZipInfo(entry.filename, _ZIP_MOMENT)
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, source.read(entry.filename))
    return target.getvalue()


if __name__ == "__main__":
    TARGET.write_bytes(build())

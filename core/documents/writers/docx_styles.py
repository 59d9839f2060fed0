"""The look of the Word files that are written here: named styles, so that one change in Word changes them all."""

from typing import Final

from docx.document import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_LINE_SPACING
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import CharacterStyle, ParagraphStyle

CODE_BLOCK: Final = "Source Code"
CODE_TEXT: Final = "Verbatim Char"
LINK: Final = "Hyperlink"
QUOTE: Final = "Quote"
LIST: Final = "List Paragraph"
RULE: Final = "Horizontal Rule"
TABLE: Final = "Document Table"
TABLE_TEXT: Final = "Table Text"
NOTE_TEXT: Final = "footnote text"
NOTE_MARK: Final = "footnote reference"

_FONT: Final = "Calibri"
_MONO: Final = "Consolas"
_INK: Final = RGBColor(0x1F, 0x23, 0x28)
_QUIET: Final = RGBColor(0x5F, 0x66, 0x70)
_BLUE: Final = RGBColor(0x18, 0x54, 0xA6)
_HEADING_SIZES: Final = {1: 20, 2: 15, 3: 12.5, 4: 11.5, 5: 11, 6: 11}
_HEADING_SPACE: Final = {1: (24, 8), 2: (18, 6), 3: (14, 4), 4: (12, 3), 5: (10, 2), 6: (10, 2)}

TABLE_STYLE: Final = f"""
<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="DocumentTable">
  <w:name w:val="{TABLE}"/><w:uiPriority w:val="59"/><w:qFormat/>
  <w:tblPr>
    <w:tblBorders>
      <w:top w:val="single" w:sz="6" w:space="0" w:color="CDD2D9"/>
      <w:bottom w:val="single" w:sz="6" w:space="0" w:color="CDD2D9"/>
      <w:insideH w:val="single" w:sz="4" w:space="0" w:color="CDD2D9"/>
    </w:tblBorders>
    <w:tblCellMar>
      <w:top w:w="60" w:type="dxa"/><w:left w:w="110" w:type="dxa"/>
      <w:bottom w:w="60" w:type="dxa"/><w:right w:w="110" w:type="dxa"/>
    </w:tblCellMar>
  </w:tblPr>
  <w:tblStylePr w:type="firstRow">
    <w:rPr><w:b/></w:rPr>
    <w:tcPr><w:shd w:val="clear" w:color="auto" w:fill="EAEDF1"/></w:tcPr>
  </w:tblStylePr>
</w:style>"""

QUOTE_STYLE: Final = f"""
<w:style {nsdecls("w")} w:type="paragraph" w:styleId="Quote">
  <w:name w:val="Quote"/><w:uiPriority w:val="29"/><w:qFormat/>
  <w:pPr>
    <w:pBdr><w:left w:val="single" w:sz="18" w:space="8" w:color="CDD2D9"/></w:pBdr>
    <w:ind w:left="425"/>
  </w:pPr>
</w:style>"""

CODE_STYLE: Final = f"""
<w:style {nsdecls("w")} w:type="paragraph" w:customStyle="1" w:styleId="SourceCode">
  <w:name w:val="{CODE_BLOCK}"/><w:qFormat/>
  <w:pPr><w:shd w:val="clear" w:color="auto" w:fill="F4F5F7"/></w:pPr>
  <w:rPr><w:rFonts w:ascii="Consolas" w:hAnsi="Consolas" w:cs="Consolas"/><w:sz w:val="18"/></w:rPr>
</w:style>"""


def prepare(word: WordDocument) -> None:
    """Give the page and the styles of *word* their look."""
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    section.top_margin, section.bottom_margin = Cm(2.5), Cm(2.3)
    _prepare_text(word)
    _prepare_headings(word)
    _prepare_code(word)
    _prepare_extras(word)
    word.styles.element.append(parse_xml(TABLE_STYLE))


def _prepare_text(word: WordDocument) -> None:
    normal = _paragraph_style(word, "Normal")
    _set_font(normal, _FONT)
    normal.font.size = Pt(11)
    normal.font.color.rgb = _INK
    normal.paragraph_format.space_after = Pt(8)
    normal.paragraph_format.line_spacing_rule = WD_LINE_SPACING.MULTIPLE
    normal.paragraph_format.line_spacing = 1.15
    normal.paragraph_format.widow_control = True
    listing = _paragraph_style(word, LIST)
    listing.paragraph_format.space_after = Pt(3)
    contextual = listing.element.get_or_add_pPr().find(qn("w:contextualSpacing"))
    if contextual is not None:
        contextual.getparent().remove(contextual)
    quote = _paragraph_style(word, QUOTE)
    quote.font.italic = False
    quote.font.color.rgb = _QUIET
    quote.paragraph_format.left_indent = Cm(0.75)
    _border(quote, "left", 18, "CDD2D9", space=8)


def _prepare_headings(word: WordDocument) -> None:
    for level, size in _HEADING_SIZES.items():
        style = _paragraph_style(word, f"Heading {level}")
        _set_font(style, _FONT)
        style.font.size = Pt(size)
        style.font.bold = True
        style.font.italic = level == max(_HEADING_SIZES)
        style.font.color.rgb = _INK
        before, after = _HEADING_SPACE[level]
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)
        style.paragraph_format.keep_with_next = True
        style.paragraph_format.line_spacing = 1.05


def _prepare_code(word: WordDocument) -> None:
    block = _paragraph_style(word, CODE_BLOCK)
    _set_font(block, _MONO)
    block.font.size = Pt(9)
    block.paragraph_format.line_spacing = 1.1
    block.paragraph_format.space_before, block.paragraph_format.space_after = Pt(6), Pt(10)
    for side in ("top", "left", "bottom", "right"):
        _border(block, side, 4, "F4F5F7", space=4)
    shade = parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="F4F5F7"/>')
    properties = block.element.get_or_add_pPr()
    properties.find(qn("w:pBdr")).addnext(shade)
    code = _character_style(word, CODE_TEXT)
    _set_font(code, _MONO)
    code.font.size = Pt(10)


def _prepare_extras(word: WordDocument) -> None:
    link = _character_style(word, LINK)
    link.font.color.rgb = _BLUE
    link.font.underline = True
    rule = _paragraph_style(word, RULE)
    rule.paragraph_format.space_before, rule.paragraph_format.space_after = Pt(4), Pt(12)
    _border(rule, "bottom", 6, "CDD2D9")
    cell = _paragraph_style(word, TABLE_TEXT)
    cell.font.size = Pt(10)
    cell.paragraph_format.space_after = Pt(0)
    cell.paragraph_format.line_spacing = 1.05
    note = _paragraph_style(word, NOTE_TEXT)
    note.font.size = Pt(9)
    note.paragraph_format.space_after = Pt(2)
    _character_style(word, NOTE_MARK).font.superscript = True


def _paragraph_style(word: WordDocument, name: str) -> ParagraphStyle:
    known = name in [style.name for style in word.styles]
    style = word.styles[name] if known else word.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    if not isinstance(style, ParagraphStyle):
        raise TypeError(name)
    if not known:
        style.base_style = word.styles["Normal"]
    return style


def _character_style(word: WordDocument, name: str) -> CharacterStyle:
    known = name in [style.name for style in word.styles]
    style = word.styles[name] if known else word.styles.add_style(name, WD_STYLE_TYPE.CHARACTER)
    if not isinstance(style, CharacterStyle):
        raise TypeError(name)
    return style


def _set_font(style: CharacterStyle, name: str) -> None:
    """Set the font for every script; the template's theme fonts would win otherwise."""
    style.font.name = name
    fonts = style.element.rPr.rFonts
    for attribute in list(fonts.attrib):
        if attribute.endswith("Theme"):
            del fonts.attrib[attribute]
    for script in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(script), name)


def _border(style: ParagraphStyle, side: str, eighths: int, colour: str, *, space: int = 1) -> None:
    properties = style.element.get_or_add_pPr()
    borders = properties.find(qn("w:pBdr"))
    if borders is None:
        borders = parse_xml(f"<w:pBdr {nsdecls('w')}/>")
        properties.insert_element_before(
            borders, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:contextualSpacing", "w:jc"
        )
    borders.append(
        parse_xml(f'<w:{side} {nsdecls("w")} w:val="single" w:sz="{eighths}" w:space="{space}" w:color="{colour}"/>')
    )

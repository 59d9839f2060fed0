from lxml import etree

from core.documents.readers.docx_index import iter_addressable

_XML = """
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"
            xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">
  <w:body>
    <w:p id="a"/>
    <w:tbl id="b"><w:tr><w:tc><w:p id="c"/><w:tbl id="inner"><w:tr><w:tc><w:p id="d"/></w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>
    <w:sdt><w:sdtContent><w:p id="e"><w:r><mc:AlternateContent>
      <mc:Choice><w:p id="f"/></mc:Choice><mc:Fallback><w:p id="g"/></mc:Fallback>
    </mc:AlternateContent></w:r></w:p></w:sdtContent></w:sdt>
    <w:tbl id="h"/>
  </w:body>
</w:document>
"""


def test_every_paragraph_and_outermost_table_counts() -> None:
    """Indices run from 0 in document order over all `w:p` and those `w:tbl` that stand in no other."""
    assert [(index, element.get("id")) for index, element in iter_addressable(etree.fromstring(_XML))] == list(
        enumerate("abcdefgh")
    )

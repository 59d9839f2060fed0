import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.documents.errors import UnreadableFile
from core.documents.markdown import inline_text
from core.documents.model import BlockKind, Origin, SourceFormat
from core.documents.readers.limits import Limits
from core.documents.readers.text import decode, read


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "héllo wörld"),
        ("utf-8-sig", "héllo"),
        ("utf-16", "héllo"),
        ("utf-16-le", "hello without a mark"),
        ("utf-16-be", "hello without a mark"),
        ("utf-32", "héllo"),
        ("cp1252", "Le café était fermé; «déjà» vu à l\u2019été. Ça va, garçon ? Naïve façade, cœur brisé."),
        ("cp1252", "El niño comió piñas; ¿cuánto costó? Añadió después más azúcar."),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy. Zażółć gęślą jaźń."),
        ("iso8859_2", "Příliš žluťoučký kůň úpěl ďábelské ódy."),
        ("cp1254", "Türkçe bir belge: ığüşöç İstanbul bugün çok güzel"),
        ("cp1251", "Это русский документ. Нам нужно проверить определение кодировки."),
        ("cp1253", "Αυτό είναι ένα ελληνικό έγγραφο για δοκιμή."),  # noqa: RUF001 - Greek
        ("shift_jis", "これは日本語の文章です。漢字とひらがなとカタカナが混ざっています。"),
        ("euc_jp", "これは日本語の文章です。漢字とひらがなとカタカナが混ざっています。"),
        ("gb18030", "这是一个中文文档。我们需要测试编码检测是否正确。"),
        ("big5", "這是一個中文文件。我們需要測試編碼檢測是否正確。"),
        ("euc_kr", "이것은 한국어 문서입니다. 인코딩 감지가 올바른지 테스트해야 합니다."),
    ],
)
def test_common_encodings_are_told_apart(encoding: str, text: str) -> None:
    """Marks of byte order decide, then UTF-8, then the letters."""
    assert decode(text.encode(encoding))[0] == text


def test_a_guessed_encoding_is_said() -> None:
    """Who sees wrong letters learns why."""
    assert "cp1252" in read("Le café était déjà fermé, garçon.".encode("cp1252"), name="x").warnings[0]
    assert read("Le café".encode(), name="x").warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "Sehr geehrte Damen und Herren, hiermit kündige ich den Vertrag. Bitte bestätigen Sie mir den Eingang „schriftlich“.",
        "It was decided that the café opens on Mondays, as Zoë said in her letter to the people of the town.",
    ],
    ids=["German", "English"],
)
def test_the_usual_encoding_is_named_where_several_read_the_same(text: str) -> None:
    """Letters that Western and Central European encodings share are said to be Western, which most files are."""
    assert decode(text.encode("cp1252")) == (text, "cp1252")


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    """No other error comes out."""
    try:
        document = read(data, name="x")
    except UnreadableFile as refusal:
        assert refusal.code in ("file_empty", "file_unsupported")  # noqa: PT017 - either outcome is right
    else:
        assert document.blocks


def test_markdown_is_cut_into_blocks_that_know_their_lines() -> None:
    """Ids count from 1; front matter is a locked block of its own."""
    document = read(b"---\ntitle: x\n---\n\n# Head\r\n\r\n- a\r\n- b\r\n", name="notes.md")
    assert document.source_format is SourceFormat.MARKDOWN
    assert document.title == "Head"
    assert [(block.id, block.kind, block.markdown, block.locked, block.origin) for block in document.blocks] == [
        ("p1", BlockKind.CODE, "---\ntitle: x\n---", True, Origin("text", 0, 3)),
        ("p2", BlockKind.HEADING, "# Head", False, Origin("text", 4)),
        ("p3", BlockKind.LIST_ITEM, "- a", False, Origin("text", 6)),
        ("p4", BlockKind.LIST_ITEM, "- b", False, Origin("text", 7)),
    ]
    assert document.next_number == 5


def test_plain_text_becomes_paragraphs_and_items() -> None:
    """Broken lines flow, short ones stay, markers are escaped, a form feed parts pages."""
    text = (
        "This line was broken by a program that fits text to a width\nand goes on here.\n\n"
        "Roses are red\nViolets are *blue*\n\n• one\n2) two\n   more\n\x0c#no heading"
    )
    document = read(text.encode(), name="poem.txt")
    assert document.title == "poem"
    assert document.source_format is SourceFormat.TEXT
    assert [(block.kind.value, block.markdown) for block in document.blocks] == [
        ("paragraph", "This line was broken by a program that fits text to a width and goes on here."),
        ("paragraph", "Roses are red\\\nViolets are \\*blue\\*"),
        ("list_item", "- one"),
        ("list_item", "2) two\\\n   more"),
        ("paragraph", "#no heading"),
    ]


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"]), max_size=60))
def test_plain_text_reads_back_as_it_was(line: str) -> None:
    """Whatever its characters, the words of a line survive."""
    document = read(f"Start\n\nx{line}".encode(), name="x")
    if document.source_format is SourceFormat.TEXT:
        seen = " ".join(inline_text(document.blocks[-1].markdown).split())
        assert seen == " ".join(f"x{line}".split())


@pytest.mark.parametrize(
    ("data", "limits", "code"),
    [
        (b"long text", Limits(characters=4), "file_too_large"),
        (b"\xef\xbb\xbf \n", Limits(), "file_empty"),
        (b"\x01\x02\x03\x04 text", Limits(), "file_unsupported"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, limits: Limits, code: str) -> None:
    """Too long, empty and binary are different things."""
    with pytest.raises(UnreadableFile) as refusal:
        read(data, name="x", limits=limits)
    assert refusal.value.code == code


@pytest.mark.parametrize("text", ["# Head\n\nSome words.\n\n", "Some words.\n\n"])
def test_a_text_that_is_too_long_is_refused_before_a_block_is_built(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused costs no more than its decoding: building the blocks takes seconds of processor time."""
    built: list[str] = []
    for name in ("_markdown_pieces", "_text_pieces"):
        monkeypatch.setattr(f"core.documents.readers.text.{name}", built.append)
    with pytest.raises(UnreadableFile, match="more than 100 characters") as refusal:
        read((text * 100).encode(), name="x", limits=Limits(characters=100))
    assert refusal.value.code == "file_too_large"
    assert built == []


def test_line_ends_of_windows_and_bytes_of_letters_do_not_count_twice() -> None:
    """The limit is one of characters."""
    assert read("äöü\r\n\r\n".encode(), name="x", limits=Limits(characters=5)).markdown.strip() == "äöü"


def test_a_text_that_only_its_escapes_make_too_long_is_refused() -> None:
    """The limit holds for the Markdown too, which is longer than the text it stands for."""
    with pytest.raises(UnreadableFile) as refusal:
        read(b"****", name="x", limits=Limits(characters=4))
    assert refusal.value.code == "file_too_large"

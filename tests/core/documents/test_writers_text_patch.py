"""A text file that was edited is the file that came in, but for what was edited."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.align import document_from_markdown
from core.documents.edits import Edit, EditOp, apply_edits
from core.documents.errors import UnreadableFile
from core.documents.model import Document, SourceFormat
from core.documents.readers.text import decode, read
from core.documents.writers.text_patch import manner_of, patched_text

_MINUTES = """MINUTES

Present:   Anna, Bert
           Carl (late)

It was decided in order to save money that the hall is to be let to
the choir on Mondays, and that the price will be will be fixed by the
treasurer before the next meeting takes place in the spring of 2027.


  * Keys: with Anna, who has them in order to open the door for the people
    of the choir on Mondays and on Tuesdays
  * Alarm: ask Bert
1) Open

\tTabbed\tcolumns\there
--
Anna  <anna@example.org>


"""
_POST = """---
title: x
---
Title
=====

Wrapped *text* of
two lines.


* one
* two
    * nested

1. Run it:

   ```sh
   make  it
   ```
+ plus

| a|b |
|--|:--:|
| 1 | 2 |

  ```
  boxed = 1
  ```
Last line"""


def _edited(data: bytes, changes: dict[str, str], name: str = "x") -> bytes:
    """Return the file *data* after words in it were replaced, block by block."""
    base = read(data, name=name)
    edits = []
    for block in base.blocks:
        text = block.markdown
        for old, new in changes.items():
            text = text.replace(old, new)
        if text != block.markdown:
            edits.append(Edit(EditOp.REPLACE, block.ref, text))
    return manner_of(data).encode(patched_text(data, base, apply_edits(base, edits)))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
    ],
    ids=["plain", "marked", "big", "little"],
)
@pytest.mark.parametrize("text", [_MINUTES, _POST], ids=["text", "markdown"])
def test_what_was_not_edited_stays_letter_by_letter(text: str, mark: bytes, encoding: str, line_end: str) -> None:
    """Encoding, mark of byte order, line ends, blank lines, bullets, widths: an edit of one word changes that word."""
    data = mark + text.replace("\n", line_end).encode(encoding)

    assert _edited(data, {"Alarm": "Lock", "two": "2"}) == mark + text.replace("Alarm", "Lock").replace(
        "two", "2"
    ).replace("\n", line_end).encode(encoding)


def test_a_letter_that_the_encoding_lacks_makes_it_utf_8() -> None:
    """A file of Windows stays one as long as it can hold what was written."""
    data = "Der Preis beträgt fünf Euro „netto“ für alle.".encode("cp1252")

    assert _edited(data, {"fünf": "zehn"}) == "Der Preis beträgt zehn Euro „netto“ für alle.".encode("cp1252")
    assert _edited(data, {"fünf": "∞"}) == "Der Preis beträgt ∞ Euro „netto“ für alle.".encode()


def test_a_changed_paragraph_keeps_width_and_indentation() -> None:
    """Text that was broken to a width is broken to it again, below its own bullet; nothing else moves."""
    done = _edited(_MINUTES.encode(), {"in order to": "to", "will be will be": "will be"}).decode()

    assert (
        done.partition("late)\n\n")[2].partition("\n\n\tTabbed")[0]
        == """It was decided to save money that the hall is to be let to the choir
on Mondays, and that the price will be fixed by the treasurer before
the next meeting takes place in the spring of 2027.


  * Keys: with Anna, who has them to open the door for the people of the
    choir on Mondays and on Tuesdays
  * Alarm: ask Bert
1) Open"""
    )
    assert max(len(line) for line in done.split("\n")) <= max(len(line) for line in _MINUTES.split("\n"))


def test_what_is_added_stands_apart_and_what_is_deleted_leaves_no_hole() -> None:
    """New blocks get a blank line around them; the neighbours of a deleted one stay as they were."""
    base = read(_MINUTES.encode(), name="x")
    money = next(block for block in base.blocks if "money" in block.markdown)
    first = base.blocks[0]
    changed = apply_edits(
        base, [Edit(EditOp.DELETE, money.ref), Edit(EditOp.INSERT_AFTER, first.ref, "Of *May*.\n\n- one\n- two")]
    )
    done = patched_text(_MINUTES.encode(), base, changed)

    assert done.startswith(
        "MINUTES\n\nOf May.\n\n• one\n• two\n\nPresent:   Anna, Bert\n           Carl (late)\n\n  * Keys"
    )
    assert done.endswith("--\nAnna  <anna@example.org>\n\n\n")


def test_code_in_a_list_keeps_its_margin() -> None:
    """A block that is read without its indentation gets it back when it is edited."""
    assert _edited(_POST.encode(), {"boxed": "x", "make  it": "make all"}).decode() == _POST.replace(
        "make  it", "make all"
    ).replace("boxed", "x")


def test_blocks_in_another_order_keep_their_lines() -> None:
    """Where the order changed, the space of the original has no place any more, and its lines have."""
    data = b"One\n===\n\n\nTwo\n"
    base = read(data, name="x")
    turned = Document(base.blocks[::-1], base.next_number, SourceFormat.MARKDOWN)

    assert patched_text(data, base, turned) == "Two\n\nOne\n===\n"


def test_a_document_of_another_file_is_written_anew() -> None:
    """Where blocks do not know their lines, nothing of the original is mixed into them."""
    base = read(b"# One\n\nTwo\n", name="x")

    assert patched_text(b"# Else", base, base) == "# One\n\nTwo\n"
    assert (
        patched_text(b"One\nTwo\n\nThree", document_from_markdown("One\n\n- Two", title=""), base) == "# One\n\nTwo\n"
    )


@given(text=st.text(st.sampled_from("ab- #*1.\n\t`|_>\r\x0c=") | st.characters(max_codepoint=0x2FF), max_size=80))
def test_a_file_without_edits_is_itself(text: str) -> None:
    """Whatever the text, laying nothing on it gives its letters back."""
    data = text.encode()
    try:
        base = read(data, name="x")
    except UnreadableFile:
        return
    kept = decode(data)[0]

    assert patched_text(data, base, base) == kept.replace("\r\n", "\n").replace("\r", "\n")

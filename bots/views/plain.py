"""Any view as plain text: for logs, search, screen readers and terminals without control codes."""

from bots.views.elements import (
    Buttons,
    Divider,
    Element,
    Fields,
    Files,
    Heading,
    Link,
    ProgressLine,
    Quote,
    Small,
    Table,
    Text,
    View,
)


def plain_text(view: View) -> str:
    """Return every word of *view*, one element a paragraph; buttons are left out, since nothing can be pressed here."""
    pieces = [_plain(element) for element in view.elements]
    return "\n".join(piece for piece in pieces if piece)


def _plain(element: Element) -> str:  # noqa: PLR0911 - one return a case
    match element:
        case Heading(text):
            return text
        case Text(markdown) | Small(markdown):
            return markdown
        case Quote(text):
            return "\n".join(f"  > {line}" for line in text.splitlines() or [""])
        case Fields(pairs):
            return "\n".join(f"{name}: {value}" for name, value in pairs)
        case Table():
            return table_text(element)
        case ProgressLine(label, done, total):
            return f"{label}: {done} of {total}" if total else label
        case Divider():
            return "---"
        case Link(label, url):
            return f"{label}: {url}"
        case Buttons() | Files():
            return ""


def table_text(table: Table) -> str:
    """Return *table* with its columns aligned by spaces."""
    lines = [table.headers, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.headers))]

    def draw(line: tuple[str, ...]) -> str:
        cells = [
            cell.rjust(widths[column]) if column in table.right else cell.ljust(widths[column])
            for column, cell in enumerate(line)
        ]
        return "  ".join(cells).rstrip()

    return "\n".join(draw(line) for line in lines)

"""`atelier extract`: what Atelier reads in a file, by the very path that uploads take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from admin_cli.output import fail, say

if TYPE_CHECKING:
    from pathlib import Path


def extract(
    file: Annotated[str, typer.Argument(help="A DOCX, PDF, TXT or MD file.")],
    marked: Annotated[
        bool, typer.Option("--marked", help="With the addresses of paragraphs, as models see it.")
    ] = False,
    text: Annotated[
        bool, typer.Option("--text", help="The words alone, without Markdown, as a reader sees them.")
    ] = False,
) -> None:
    """Print a file as Markdown.

    If it cannot be read: one line that says why, exit 2.
    """
    import asyncio
    from pathlib import Path

    from core.documents.markdown import inline_text
    from core.documents.sandbox import Sandbox

    path = Path(file)
    data = read_input(path)
    document = asyncio.run(Sandbox().read(data, name=path.name))
    for warning in document.warnings:
        say(f"note: {warning}")
    if text:
        typer.echo("\n\n".join(inline_text(block.markdown) for block in document.blocks))
    else:
        typer.echo(document.marked if marked else document.markdown, nl=False)


def read_input(path: Path) -> bytes:
    """Return the bytes of a file that somebody named, or end with one line that says why not."""
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"{path}: {error.strerror or 'cannot be read'}.")

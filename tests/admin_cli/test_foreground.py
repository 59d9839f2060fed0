"""What is said to somebody who watches a session here."""

from admin_cli.foreground import resume_hint
from admin_cli.output import DEFAULT_OUT


def test_the_hint_keeps_the_folder() -> None:
    """What people are told to type goes on with the folder that they gave, as a shell reads it."""
    assert resume_hint("s_x", DEFAULT_OUT) == "atelier sessions resume s_x"
    assert resume_hint("s_x", "made") == "atelier sessions resume s_x --out made"
    assert resume_hint("s_x", "my files") == "atelier sessions resume s_x --out 'my files'"

import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.workspaces.errors import SecretUnreadable
from storage.secrets import SecretBox, generate_key

OLD, NEW = generate_key(), generate_key()


@given(st.text())
def test_what_goes_in_comes_out(text: str) -> None:
    """Any text survives, never stands in what is stored, and is stored differently each time."""
    box = SecretBox([NEW])
    token = box.encrypt(text)
    assert box.decrypt(token) == text
    assert token.isascii()
    assert token != box.encrypt(text)


def test_keys_change_without_a_gap() -> None:
    """Old secrets stay readable while the old key is there; rotated ones need only the new one."""
    token = SecretBox([OLD]).encrypt("xoxb-1")
    both = SecretBox([NEW, OLD])
    assert both.decrypt(token) == "xoxb-1"
    rotated = both.rotate(token)
    assert SecretBox([NEW]).decrypt(rotated) == "xoxb-1"
    with pytest.raises(SecretUnreadable):
        SecretBox([OLD]).decrypt(rotated)


@pytest.mark.parametrize("change", [lambda t: t[:-2], lambda t: "A" + t[1:], lambda _: "", lambda _: "ä"])
def test_what_was_changed_is_refused(change) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """A token that lost or changed a character is not decrypted and not rotated."""
    box = SecretBox([NEW])
    token = change(box.encrypt("secret"))
    with pytest.raises(SecretUnreadable):
        box.decrypt(token)
    with pytest.raises(SecretUnreadable):
        box.rotate(token)


@pytest.mark.parametrize(
    "key", ["", "short", "ä" * 44, NEW[:-4], "!" * 44], ids=["empty", "short", "letters", "cut", "signs"]
)
def test_a_bad_key_is_refused_without_being_told(key: str) -> None:
    """The error says which key is bad, never what it is."""
    with pytest.raises(ValueError, match="secret key 2 ") as caught:
        SecretBox([NEW, key])
    assert not key or key not in str(caught.value)


def test_no_key_is_no_box() -> None:
    """Without a key nothing can be encrypted."""
    with pytest.raises(ValueError, match="at least one"):
        SecretBox([])


def test_a_key_of_the_manual_is_a_key() -> None:
    """What the standard library makes of 32 random bytes is a key, with its padding or without."""
    key = secrets.token_urlsafe(32)
    padded = base64.urlsafe_b64encode(base64.urlsafe_b64decode(f"{key}=")).decode()
    assert SecretBox([padded]).decrypt(SecretBox([key]).encrypt("text")) == "text"

"""Encryption at rest: tokens of other services are stored so that a copy of the database alone is worth nothing."""

import base64
import binascii
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core.workspaces.errors import SecretUnreadable

_KEY_BYTES = 32


class SecretBox:
    """Encrypts with the first key, decrypts with every key.

    Changing keys without a gap: put the new key in front, `rotate` what is stored, then drop the old one.

    Args:
        keys: 32 bytes each in URL-safe base64, as `generate_key` and `secrets.token_urlsafe` make them; the first is
            current.

    Raises:
        ValueError: If there is no key, or one is not a key. The message never contains it.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one secret key is needed")
        self._box = MultiFernet([_fernet(number, key) for number, key in enumerate(keys, start=1)])

    def encrypt(self, text: str) -> str:
        """Return *text* encrypted and authenticated, as ASCII; never the same twice."""
        return self._box.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Return the text that `encrypt` was given.

        Raises:
            SecretUnreadable: If no key fits or the token was changed.
        """
        try:
            return self._box.decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise SecretUnreadable("no key fits") from error

    def rotate(self, token: str) -> str:
        """Return *token* encrypted with the current key, its age kept.

        Raises:
            SecretUnreadable: As `decrypt`.
        """
        try:
            return self._box.rotate(token.encode()).decode()
        except InvalidToken as error:
            raise SecretUnreadable("no key fits") from error


def generate_key() -> str:
    """Return a new key for the settings."""
    return Fernet.generate_key().decode()


def _fernet(number: int, key: str) -> Fernet:
    key += "=" * (-len(key) % 4)  # `secrets.token_urlsafe(32)` leaves out what fills up the last four
    try:
        is_key = len(base64.urlsafe_b64decode(key.encode())) == _KEY_BYTES
    except (binascii.Error, UnicodeEncodeError):
        is_key = False
    if not is_key:
        raise ValueError(f"secret key {number} is not {_KEY_BYTES} bytes in URL-safe base64")
    return Fernet(key)

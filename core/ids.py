"""Identifiers: random ones for new things, derived ones for things that must exist once."""

import base64
import hashlib
import secrets

_RANDOM_BYTES = 10  # 80 bits in 16 characters: readable aloud, no collision within one installation
_KEY_LENGTH = 24  # Discord: a nonce holds 25 characters; 24 of base32 are 120 bits


def new_id(prefix: str) -> str:
    """Return a random identifier such as ``s_4k2v...`` (prefix, underscore, 16 characters of lower-case base32)."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()}"


def derived_key(*parts: object) -> str:
    """Return the 24 characters that name *parts*: equal parts, equal key, in every process.

    Used where an effect must happen once: posts (Slack metadata, Discord nonce) and jobs.
    """
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_KEY_LENGTH]


def turn_id(session_id: str, round_number: int, role_key: str) -> str:
    """Return the id of the one turn that *role_key* has in a round; it is also the key of its charge."""
    return f"{session_id}/r{round_number}/{role_key}"

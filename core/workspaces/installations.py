"""Installations of the app: who installed it where, and the tokens that came of it.

A token is in the clear only inside `Secret`, and in the database only inside `Installation.sealed`. The database never
sees a key, so a copy of it alone is worth nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hmac import compare_digest
from typing import NoReturn, Protocol

from typing_extensions import override

from core.workspaces.errors import SecretUnreadable


class Secret:
    """A text that shows in no log, message or traceback; `reveal` gives it to whoever sends it where it belongs."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._text.encode(), other._text.encode())

    @override
    def __hash__(self) -> int:
        return hash(self._text)

    @override
    def __repr__(self) -> str:
        return "Secret(***)"

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere but sealed")


class Cipher(Protocol):
    """Encrypts with the current key and decrypts with every key that is configured."""

    def encrypt(self, text: str) -> str:
        """Return *text* encrypted and authenticated, as ASCII."""
        ...

    def decrypt(self, token: str) -> str:
        """Return what was encrypted; `SecretUnreadable` if no key fits."""
        ...

    def rotate(self, token: str) -> str:
        """Return *token* encrypted with the current key; `SecretUnreadable` if no key fits."""
        ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a platform let us have.

    Attributes:
        access: Sent with every call.
        refresh: Good for one renewal, None where tokens do not expire.
    """

    access: Secret
    refresh: Secret | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """One grant of tokens: to the app's own user in a workspace, or by one person for themselves.

    Attributes:
        platform: ``slack``.
        tenant: The platform's id of who installed: a team, or an organisation for all of its teams.
        person: The platform's id of the person whose token it is, empty for the app's own.
        workspace_id: Who pays for what is done with it.
        name: What people call the tenant.
        installed_by: The platform's id of the person who installed.
        installed_at: When, by our clock; a renewal does not change it.
        scopes: What the tokens may do.
        facts: What the platform's adapter needs besides; nothing secret.
        sealed: The tokens: see `seal`.
        expires_at: When the access token ends, None for never.
        claim: Who is renewing the tokens, empty for nobody.
        claimed_until: When that claim ends by itself.
    """

    platform: str
    tenant: str
    person: str
    workspace_id: str
    name: str
    installed_by: str
    installed_at: datetime
    scopes: tuple[str, ...]
    facts: dict[str, str]
    sealed: str = field(repr=False)
    expires_at: datetime | None = None
    claim: str = ""
    claimed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PendingState:
    """An installation that somebody began: the state that must come back, once and in time.

    Attributes:
        key: A digest of the state; the state itself is in nobody's database.
    """

    key: str
    platform: str
    expires_at: datetime


class InstallationRepository(Protocol):
    """Installations and what belongs to them."""

    def find(self, platform: str, tenant: str, person: str = "") -> Installation | None: ...
    def list_people(self, platform: str, tenant: str) -> Sequence[Installation]:
        """Return the installations of single persons, not the app's own."""
        ...

    def list_all(self, *, after: tuple[str, str, str] = ("", "", ""), limit: int = 100) -> Sequence[Installation]:
        """Return installations by platform, tenant and person, from behind *after*."""
        ...

    def save(self, installation: Installation) -> None:
        """Insert or replace; a renewal that is under way will not be stored any more."""
        ...

    def claim(self, installation: Installation, *, by: str, now: datetime, until: datetime) -> bool:
        """Let *by* alone renew the tokens.

        Returns:
            False if they are not those of *installation* any more, or if a claim is open at *now*.
        """
        ...

    def postpone(self, installation: Installation, *, by: str, until: datetime) -> bool:
        """Let nobody renew the tokens until then; False if *by* has no claim any more."""
        ...

    def renew(self, installation: Installation, *, by: str) -> bool:
        """Store tokens and expiry and end the claim; False, and nothing stored, if *by* has none any more."""
        ...

    def reseal(self, installation: Installation, sealed: str) -> bool:
        """Store the same tokens sealed anew; False if they are not those of *installation* any more."""
        ...

    def delete(self, platform: str, tenant: str, person: str = "") -> int:
        """Delete one installation and return how many were there: 0 or 1."""
        ...

    def delete_all(self, platform: str, tenant: str) -> int:
        """Delete everything of a tenant, what was learned of its teams included; return how many installations."""
        ...

    def find_owner(self, platform: str, team: str) -> str | None:
        """Return the organisation whose installation answers for a team, None while nobody has learned of one."""
        ...

    def save_owner(self, platform: str, team: str, tenant: str) -> None:
        """Remember that an organisation's installation answers for a team."""
        ...

    def delete_owner(self, platform: str, team: str) -> None:
        """Forget it."""
        ...

    def add_state(self, state: PendingState) -> None: ...
    def take_state(self, platform: str, key: str, now: datetime) -> bool:
        """Delete a state; True for one caller alone, and only while it lives."""
        ...

    def delete_states_before(self, moment: datetime) -> int:
        """Delete the states that ended before then."""
        ...


def seal(installation: Installation, tokens: Tokens, cipher: Cipher) -> Installation:
    """Return *installation* with *tokens* inside; they can be opened in this place alone, not in another row."""
    inside = {
        "for": _place(installation),
        "access": tokens.access.reveal(),
        "refresh": tokens.refresh.reveal() if tokens.refresh else "",
    }
    return replace(installation, sealed=cipher.encrypt(json.dumps(inside)))


def unseal(installation: Installation, cipher: Cipher) -> Tokens:
    """Return the tokens of *installation*.

    Raises:
        SecretUnreadable: If no key fits, or if they were put there from another row.
    """
    inside = json.loads(cipher.decrypt(installation.sealed))
    if inside["for"] != _place(installation):
        raise SecretUnreadable("sealed for another installation")
    return Tokens(Secret(inside["access"]), Secret(inside["refresh"]) if inside["refresh"] else None)


@dataclass(frozen=True, slots=True)
class Resealed:
    """One step of `reseal_some`.

    Attributes:
        done: Installations that the current key alone can open now.
        unreadable: Those that no key opens; they were left as they are.
        after: Where to go on, None when there are no more.
    """

    done: int
    unreadable: int
    after: tuple[str, str, str] | None


def reseal_some(
    installations: InstallationRepository,
    cipher: Cipher,
    *,
    after: tuple[str, str, str] = ("", "", ""),
    limit: int = 100,
) -> Resealed:
    """Seal the tokens of some installations with the current key, for an operator who is about to drop an old one."""
    found = installations.list_all(after=after, limit=limit)
    done = unreadable = 0
    for one in found:
        try:
            sealed = cipher.rotate(one.sealed)
        except SecretUnreadable:
            unreadable += 1
        else:
            done += installations.reseal(one, sealed)
    last = found[-1] if len(found) == limit else None
    return Resealed(done, unreadable, (last.platform, last.tenant, last.person) if last else None)


def _place(installation: Installation) -> str:
    return f"{installation.platform}/{installation.tenant}/{installation.person}"

"""What the local Stripe is made of: refusals, the account, cards, and the log of calls."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

Json = dict[str, Any]
_Value = TypeVar("_Value")

API_VERSION = "2026-10-28.endive"


@dataclass
class Refusal(Exception):  # it is an exception that is data, and Stripe's word for it is "error"
    """An answer that is an error.

    Attributes:
        status: Of HTTP.
        type: ``invalid_request_error``, ``card_error``, ``idempotency_error``, ``api_error``.
        code: A short name, empty where Stripe gives none.
        param: The parameter that is to blame.
        executed: True when the endpoint had begun to act: such an answer is kept under its idempotency key.
        more: Further fields of the error.
    """

    message: str
    code: str = ""
    param: str = ""
    status: int = 400
    type: str = "invalid_request_error"
    executed: bool = True
    more: Json = field(default_factory=dict)

    def body(self) -> Json:
        """Return the error as Stripe sends it."""
        error: Json = {"message": self.message, "type": self.type}
        if self.code:
            error |= {
                "code": self.code,
                "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}",
            }
        if self.param:
            error["param"] = self.param
        return {"error": error | self.more}


def copied(value: _Value) -> _Value:
    """Return a copy that shares nothing; what is no JSON fails. Much faster than `copy.deepcopy`."""
    made: _Value = json.loads(json.dumps(value))
    return made


def missing(kind: str, given: str, param: str = "id") -> Refusal:
    """Return the refusal of an id that nothing has."""
    return Refusal(f"No such {kind}: '{given}'", "resource_missing", param, status=404 if param == "id" else 400)


def not_simulated(what: str) -> Refusal:
    """Return the refusal of something that Stripe knows and this one does not play."""
    message = f"The local Stripe of the tests does not simulate {what}."
    return Refusal(message, "not_simulated", status=501, type="api_error", executed=False)


class Card(StrEnum):
    """How a customer's means of payment behaves."""

    OK = "ok"
    DECLINED = "card_declined"
    NO_FUNDS = "insufficient_funds"
    EXPIRED = "expired_card"
    NEEDS_3DS = "authentication_required"
    DEBIT = "debit"
    """A bank debit: it succeeds or fails days later, when a test says so."""

    @property
    def declines(self) -> bool:
        """Whether a charge is refused at once."""
        return self not in {Card.OK, Card.DEBIT}


class PageRefusal(Exception):
    """A page of Stripe's that a person meets does not do what they ask; its text says why."""


@dataclass
class ApiCall:
    """One request, and how it ended.

    Attributes:
        parameters: Decoded, not yet checked.
        outcome: ``ok``, ``replayed``, the fault's name, or the error's code or type.
    """

    method: str
    path: str
    parameters: Json
    idempotency_key: str
    api_version: str
    livemode: bool
    request_id: str
    at: datetime
    outcome: str = ""
    status: int = 0

    @property
    def route(self) -> str:
        """Method and path in one: ``POST /v1/customers``."""
        return f"{self.method} {self.path}"

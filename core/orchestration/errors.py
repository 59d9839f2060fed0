"""Why a turn could not be taken; the round decides what follows."""

from core.errors import AtelierError, ConflictError


class CapReached(AtelierError):
    """The session may not spend what the next turn would need."""


class BalanceEmpty(AtelierError):
    """The workspace cannot cover the next turn."""


class TurnSuperseded(ConflictError):
    """The session ended while a turn was being written: its hold was given back, and the turn means nothing any more."""


class EngineOutdated(AtelierError):
    """The durable engine's tables are missing, or older than this version of it needs."""


class TurnFailed(AtelierError):
    """A turn could not be completed now, by any model that may be asked.

    Attributes:
        code: A provider error's code, ``model_refused``, ``reply_truncated`` or ``provider_context_too_long``.
        provider: Who failed, possibly empty.
    """

    def __init__(self, code: str, provider: str = "") -> None:
        super().__init__(f"{provider or 'model'}: {code}")
        self.code = code
        self.provider = provider

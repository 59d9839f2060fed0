"""One error tree for every provider. Adapters map everything their SDK raises to one of these leaves."""

from core.errors import AtelierError, TransientError, UserFacingError
from core.providers.base import Usage


class PartialReply(AtelierError):
    """What had arrived when a call was cancelled.

    Attributes:
        text: Visible text so far.
        usage: Tokens used so far, estimated where the provider reports them only at the end.
        model: Who was answering (a fallback may have been); empty where nobody said.
    """

    def __init__(self, text: str, usage: Usage, *, model: str = "") -> None:
        super().__init__("the reply was cut")
        self.text = text
        self.usage = usage
        self.model = model


class ProviderError(TransientError, UserFacingError):
    """A call to a provider failed; never raised itself.

    Attributes:
        provider: Who failed.
        model: Which model was asked.
        retryable: Whether the same request may succeed later.
        falls_back: Whether another provider may be asked instead, before any text was shown.
        status: HTTP status, None where there was none.
        partial_text: Visible text that had arrived.
        usage: Tokens that the provider will bill for the broken calls, as far as known.
        attempts: Calls that were made in vain.
    """

    code = "provider_failed"
    retryable = False
    falls_back = False

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        model: str,
        status: int | None = None,
        retry_after_seconds: float | None = None,
        partial_text: str = "",
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.provider = provider
        self.model = model
        self.status = status
        self.partial_text = partial_text
        self.usage = usage or Usage()
        self.attempts = 1


class RateLimited(ProviderError):
    """Too many requests; wait or fall back."""

    code = "provider_rate_limited"
    retryable = True
    falls_back = True


class Overloaded(ProviderError):
    """The provider has no capacity or failed inside (5xx, 529, also inside a stream)."""

    code = "provider_overloaded"
    retryable = True
    falls_back = True


class CircuitOpen(Overloaded):
    """The provider failed so often that it is left alone for a while; no call was made."""


class Unreachable(ProviderError):
    """The connection failed, broke off or stalled, or what arrived was not the provider's protocol."""

    code = "provider_unreachable"
    retryable = True
    falls_back = True


class IncompleteReply(ProviderError):
    """The stream ended without its terminal marker."""

    code = "provider_incomplete"
    retryable = True
    falls_back = True


class AccountRefused(ProviderError):
    """The key is wrong or the account cannot pay: the operator must act."""

    code = "provider_account"
    falls_back = True


class ModelGone(ProviderError):
    """The provider does not know this model any more."""

    code = "provider_model_gone"
    falls_back = True


class ContextTooLong(ProviderError):
    """The request does not fit the window: condense it, never send it again as it is."""

    code = "provider_context_too_long"


class RequestRefused(ProviderError):
    """The provider rejects the request itself (400): a fault of ours, or its policy."""

    code = "provider_request_refused"


class UnknownModel(UserFacingError):
    """No model of the catalogue has this id or alias.

    Attributes:
        model: What was asked for.
        known: The ids that could be meant, nearest first.
    """

    code = "model_unknown"

    def __init__(self, model: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(f"unknown model {model!r}")
        self.model = model
        self.known = known


class ProviderNotConfigured(UserFacingError):
    """The installation has no key for this provider, or none at all.

    Attributes:
        provider: Who is missing; empty for any.
    """

    code = "provider_not_configured"

    def __init__(self, provider: str = "") -> None:
        super().__init__(f"no credentials for {provider or 'any provider'}")
        self.provider = provider


class ModelNotAllowed(UserFacingError):
    """The workspace or its tier does not allow this model or its provider.

    Attributes:
        model: What was asked for.
        provider: Whose it is.
    """

    code = "model_not_allowed"

    def __init__(self, model: str, provider: str) -> None:
        super().__init__(f"{model} of {provider} is not allowed here")
        self.model = model
        self.provider = provider

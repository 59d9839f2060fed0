"""What a provider's error means: one table for three vendors and the servers that imitate them.

Status and code decide. Text is looked at for one thing only, the full window, because no vendor has a code for it that
all of its imitators send.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from core.clock import Clock
from core.providers.errors import (
    AccountRefused,
    ContextTooLong,
    ModelGone,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestRefused,
)

_CODES: Mapping[str, type[ProviderError]] = {
    # Anthropic, by type
    "rate_limit_error": RateLimited,
    "overloaded_error": Overloaded,
    "api_error": Overloaded,
    "timeout_error": Overloaded,
    "gateway_timeout_error": Overloaded,
    "authentication_error": AccountRefused,
    "permission_error": AccountRefused,
    "billing_error": AccountRefused,
    "not_found_error": ModelGone,
    "request_too_large": ContextTooLong,
    # OpenAI, by code and then type
    "insufficient_quota": AccountRefused,
    "billing_hard_limit_reached": AccountRefused,
    "billing_not_active": AccountRefused,
    "invalid_api_key": AccountRefused,
    "rate_limit_exceeded": RateLimited,
    "server_error": Overloaded,
    "service_unavailable": Overloaded,
    "model_not_found": ModelGone,
    "context_length_exceeded": ContextTooLong,
    "string_above_max_length": ContextTooLong,
    "exceed_context_size_error": ContextTooLong,  # llama.cpp
    "content_policy_violation": RequestRefused,
    # Google, by reason of the details and then status
    "API_KEY_INVALID": AccountRefused,
    "UNAUTHENTICATED": AccountRefused,
    "PERMISSION_DENIED": AccountRefused,
    "RESOURCE_EXHAUSTED": RateLimited,
    "UNAVAILABLE": Overloaded,
    "INTERNAL": Overloaded,
    "DEADLINE_EXCEEDED": Overloaded,
    "NOT_FOUND": ModelGone,
}
_STATUSES: Mapping[int, type[ProviderError]] = {
    401: AccountRefused,
    402: AccountRefused,
    403: AccountRefused,
    404: ModelGone,
    408: Overloaded,
    409: Overloaded,
    413: ContextTooLong,
    429: RateLimited,
}
_SERVER_FAULT = 500
_CLIENT_FAULT = 400
_WINDOW = re.compile(
    r"prompt is too long|context (length|window|size)|maximum (context|number of tokens)|exceeds the (max|context)"
    r"|input token count",
    re.IGNORECASE,
)
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)s$")


def kind_of(status: int | None, codes: tuple[str | None, ...], message: str) -> type[ProviderError]:
    """Return which error a provider's answer means.

    Args:
        status: HTTP status; None or 200 for an error inside a stream.
        codes: The machine-readable names that came with it, the most telling first.
        message: Its text; only asked whether the window is full.
    """
    by_code = next((_CODES[code] for code in codes if code is not None and code in _CODES), None)
    is_request = status in {_CLIENT_FAULT, 413, 422} or (status in {None, 200} and by_code is None)
    if is_request and by_code is None and _WINDOW.search(message):
        return ContextTooLong
    if by_code is not None:
        return by_code
    if status is None or status < _CLIENT_FAULT or status >= _SERVER_FAULT:
        return Overloaded
    return _STATUSES.get(status, RequestRefused)


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Return the seconds that ``Retry-After`` (seconds or a date) or ``Retry-After-Ms`` asks for; None without one."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1_000)
        value = headers.get("retry-after")
        return None if value is None else max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(headers.get("retry-after", "")) - clock.now()).total_seconds())
    except (TypeError, ValueError):
        return None


def duration_seconds(text: object) -> float | None:
    """Return the seconds of a protobuf duration such as ``12.5s`` (Google: ``RetryInfo.retryDelay``)."""
    match = _DURATION.match(text) if isinstance(text, str) else None
    return float(match[1]) if match else None

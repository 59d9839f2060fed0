"""How long an adapter waits for a provider."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an adapter waits.

    Attributes:
        first_token_seconds: From sending to the first token of text or visible reasoning.
        thinking_seconds: The same for a model that may think silently before.
        idle_seconds: Between two tokens; what only keeps the connection alive does not count.
        whole_reply_seconds: For a reply that is not streamed.
        pace_seconds: How long text gathers before it is decoded and shown.
    """

    first_token_seconds: float = 120.0
    thinking_seconds: float = 300.0
    idle_seconds: float = 60.0
    whole_reply_seconds: float = 600.0
    pace_seconds: float = 0.1

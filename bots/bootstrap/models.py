"""The models: the table that ships, the operator's own, and the providers that the settings configure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.clock import Clock, SystemClock

if TYPE_CHECKING:
    from bots.settings import Settings
    from core.providers.base import Model
    from core.providers.catalogue import Catalogue
    from core.providers.registry import ModelRegistry

_FIRST_TOKEN_SECONDS = 0.3


def load_catalogue(settings: Settings, custom_models: tuple[str, ...] = (), *, clock: Clock | None = None) -> Catalogue:
    """Return the models that ship with Atelier and those of the operator's own server.

    Args:
        settings: Name models that are the operator's own, whatever else is called so.
        custom_models: Names that somebody typed: the operator's own only where the catalogue knows none of that name,
            for else a known model would lose its price and its limits.
        clock: Time for the ends of models.
    """
    from core.providers.catalogue import Catalogue
    from core.providers.errors import UnknownModel

    catalogue = Catalogue.load()
    for name in dict.fromkeys(settings.custom_models):
        catalogue = catalogue.with_custom(name)
    today = (clock or SystemClock()).now().date()
    for name in custom_models:
        try:
            catalogue.resolve(name, today=today)
        except UnknownModel:
            catalogue = catalogue.with_custom(name)
    return catalogue


def make_registry(
    settings: Settings, catalogue: Catalogue, *, clock: Clock, pace: float | None = None, attempts: int | None = None
) -> ModelRegistry:
    """Return the providers that the settings configure, and the rehearsal model.

    Args:
        settings: Hold the keys and addresses.
        catalogue: The models.
        clock: Time for waits and breakers.
        pace: Tokens a second of the rehearsal model; None for at once.
        attempts: Tries a call; None for as many as sessions need.
    """
    from core.providers.registry import Credentials, ModelRegistry
    from core.providers.resilience import RetryPolicy

    def secret(name: str) -> str:
        value = getattr(settings, name)
        return value.get_secret_value() if value is not None else ""

    credentials = Credentials(
        anthropic_key=secret("anthropic_api_key"),
        google_key=secret("google_api_key"),
        openai_key=secret("openai_api_key"),
        anthropic_base_url=settings.anthropic_base_url,
        google_base_url=settings.google_gemini_base_url,
        openai_base_url=settings.openai_base_url,
    )
    return ModelRegistry(
        catalogue,
        credentials,
        clock=clock,
        rehearsal_factory=lambda: _rehearsal(clock, pace),
        policy=RetryPolicy() if attempts is None else RetryPolicy(attempts=attempts),
        preferred_model=settings.default_model,
    )


def _rehearsal(clock: Clock, pace: float | None) -> Model:
    from core.providers.rehearsal_model import RehearsalModel

    return RehearsalModel(
        clock=clock, pace_tokens_per_second=pace, first_token_seconds=0.0 if pace is None else _FIRST_TOKEN_SECONDS
    )

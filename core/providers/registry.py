"""From a model's id to something that answers: adapters, retry, breaker and fallback, put together once a process."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from core.clock import Clock
from core.providers.base import Listener, Model, Reply, Request
from core.providers.catalogue import Catalogue, ModelSpec
from core.providers.errors import ModelNotAllowed, ProviderNotConfigured
from core.providers.limits import Limits
from core.providers.resilience import BreakingModel, CircuitBreaker, FallbackModel, Link, RetryingModel, RetryPolicy

if TYPE_CHECKING:
    from core.providers.adapter import Adapter

REHEARSAL = "rehearsal"
_PREFERENCE = ("anthropic", "google", "openai")
_NO_KEY = "unused"  # a server of one's own asks for none, but the SDK insists on a word


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the operator gave us; an empty string is "not given".

    Attributes:
        anthropic_key: API key.
        google_key: API key.
        openai_key: API key; may be empty where *openai_base_url* points to a server that needs none.
        anthropic_base_url: Another address, such as a gateway, without ``/v1``.
        google_base_url: The same; may end with the API version (``/v1beta``) for gateways that know one only.
        openai_base_url: The same, with ``/v1``.
    """

    anthropic_key: str = field(default="", repr=False)
    google_key: str = field(default="", repr=False)
    openai_key: str = field(default="", repr=False)
    anthropic_base_url: str = ""
    google_base_url: str = ""
    openai_base_url: str = ""

    def key(self, provider: str) -> str:
        """Return the key for *provider*; "" if it cannot be used."""
        keys = {"anthropic": self.anthropic_key, "google": self.google_key, "openai": self.openai_key}
        if provider == "openai" and self.openai_base_url:
            return self.openai_key or _NO_KEY
        return keys.get(provider, "")

    def base_url(self, provider: str) -> str:
        """Return the address to use instead of the provider's own; "" for none."""
        urls = {"anthropic": self.anthropic_base_url, "google": self.google_base_url, "openai": self.openai_base_url}
        return urls.get(provider, "")


class ClosableModel(Model, Protocol):
    """A Model that holds connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


class PaidCallForbidden(RuntimeError):
    """A test or a benchmark was about to reach a provider that costs money."""


class ModelRegistry:
    """Builds models; each provider's adapter and breaker exist once.

    Args:
        catalogue: The models.
        credentials: Keys and addresses.
        clock: Time for waits, breakers and dates.
        rehearsal_factory: Makes the rehearsal model; None for an installation without.
        policy: When to try again.
        paid_calls: False makes every address that is not this machine an error.
        limits: How long adapters wait.
        preferred_model: Id of the model to use unless somebody chooses; "" for the first configured provider's.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        credentials: Credentials,
        *,
        clock: Clock,
        rehearsal_factory: Callable[[], Model] | None = None,
        policy: RetryPolicy | None = None,
        paid_calls: bool = True,
        limits: Limits | None = None,
        preferred_model: str = "",
    ) -> None:
        self.catalogue = catalogue
        self._credentials = credentials
        self._clock = clock
        self._rehearsal_factory = rehearsal_factory
        self._policy = policy or RetryPolicy()
        self._paid_calls = paid_calls
        self._limits = limits
        self._preferred_model = preferred_model
        self._adapters: dict[str, ClosableModel] = {}
        self._rehearsal: Model | None = None
        self._breakers: dict[str, CircuitBreaker] = {}

    def configured_providers(self) -> tuple[str, ...]:
        """Return the providers that can be asked, in order of preference; the rehearsal is none of them."""
        return tuple(provider for provider in _PREFERENCE if self._credentials.key(provider))

    def default_model(self) -> str:
        """Return the id of the model that is used unless somebody chooses.

        Raises:
            ProviderNotConfigured: If there is neither a key nor a rehearsal.
        """
        if self._preferred_model:
            return self._preferred_model
        for provider in self.configured_providers():
            spec = self._default_of(provider)
            if spec is not None:
                return spec.id
        if self._rehearsal_factory is not None:
            return REHEARSAL
        raise ProviderNotConfigured

    def model_for(
        self, spec: ModelSpec, *, allowed_providers: Collection[str] = (), allowed_models: Collection[str] = ()
    ) -> tuple[Model, tuple[ModelSpec, ...]]:
        """Return what answers for *spec*, and every model that may answer in its place, itself first.

        Args:
            spec: The model that was chosen.
            allowed_providers: Who may see the text, in order of preference; empty for all that are configured.
            allowed_models: Ids that may be used; empty for all.

        Raises:
            ModelNotAllowed: If *spec* itself is not among the allowed.
            ProviderNotConfigured: If its provider has no key.
        """
        if spec.provider == REHEARSAL:
            return self._rehearsal_model(), (spec,)
        if allowed_providers and spec.provider not in allowed_providers:
            raise ModelNotAllowed(spec.id, spec.provider)
        if allowed_models and spec.id not in allowed_models:
            raise ModelNotAllowed(spec.id, spec.provider)
        if not self._credentials.key(spec.provider):
            raise ProviderNotConfigured(spec.provider)
        chain = (spec, *self._stand_ins(spec, allowed_providers, allowed_models))
        # Whoever is the last of the chain to answer for its provider's outage waits for it to pass.
        others = [{later.provider for later in chain[place:]} - {link.provider} for place, link in enumerate(chain)]
        links = [self._link(link, waits_for_circuit=not rest) for link, rest in zip(chain, others, strict=True)]
        return FallbackModel(links), chain

    async def warm(self) -> None:
        """Import the SDKs of the configured providers off the loop: 0.5 to 1 s of CPU each, paid before the first turn."""
        for provider in self.configured_providers():
            await _prepare(provider)

    async def aclose(self) -> None:
        """Close every connection."""
        adapters = list(self._adapters.values())
        self._adapters.clear()
        for adapter in adapters:
            await adapter.aclose()

    def _default_of(self, provider: str) -> ModelSpec | None:
        # Behind an address of one's own, only the models that the operator named are known to exist.
        if self._credentials.base_url(provider):
            custom = next((spec for spec in self.catalogue.list(provider) if spec.custom), None)
            if custom is not None:
                return custom
        return self.catalogue.default(provider)

    def _stand_ins(
        self, spec: ModelSpec, allowed_providers: Collection[str], allowed_models: Collection[str]
    ) -> list[ModelSpec]:
        """Return the replacement of *spec* (used when it is gone) and one model of each other provider."""
        found: list[ModelSpec] = []
        if spec.replacement:
            found.append(self.catalogue.get(spec.replacement))
        for provider in allowed_providers or self.configured_providers():
            peer = self._peer(spec, provider) if provider != spec.provider else None
            if peer is not None and self._credentials.key(provider):
                found.append(peer)
        return [peer for peer in found if not allowed_models or peer.id in allowed_models]

    def _peer(self, spec: ModelSpec, provider: str) -> ModelSpec | None:
        if self._credentials.base_url(provider):
            default = self._default_of(provider)
            if default is not None and default.custom:
                return default
        return self.catalogue.peer(spec, provider)

    def _link(self, spec: ModelSpec, *, waits_for_circuit: bool) -> Link:
        breaking = BreakingModel(self._adapter(spec.provider), self._breaker(spec.provider))
        policy = replace(self._policy, waits_for_circuit=waits_for_circuit)
        model = RetryingModel(breaking, clock=self._clock, policy=policy)
        return Link(model, spec.id, spec.provider, spec.max_output_tokens)

    def _breaker(self, provider: str) -> CircuitBreaker:
        if provider not in self._breakers:
            self._breakers[provider] = CircuitBreaker(provider, clock=self._clock)
        return self._breakers[provider]

    def _rehearsal_model(self) -> Model:
        if self._rehearsal_factory is None:
            raise ProviderNotConfigured(REHEARSAL)
        if self._rehearsal is None:
            self._rehearsal = self._rehearsal_factory()
        return self._rehearsal

    def _adapter(self, provider: str) -> Model:
        if provider not in self._adapters:
            self._adapters[provider] = _LazyAdapter(lambda: self._make(provider), lambda: _prepare(provider))
        return self._adapters[provider]

    def _make(self, provider: str) -> ClosableModel:
        """Make the adapter of *provider*, when the first call is made."""
        credentials = self._credentials
        key, url = credentials.key(provider), credentials.base_url(provider)
        if not self._paid_calls and not _is_loopback(url):
            raise PaidCallForbidden(f"{provider} is not on this machine")
        return _load(provider)(
            self.catalogue, api_key=key, base_url=url or None, clock=self._clock, limits=self._limits
        )


def _load(provider: str) -> "type[Adapter]":
    """Import the adapter of *provider* with its SDK: 0.5 to 1 s of CPU, so only what is used is imported, and here only."""
    match provider:
        case "anthropic":
            from core.providers.anthropic_model import AnthropicModel  # noqa: PLC0415 - see above

            return AnthropicModel
        case "google":
            from core.providers.google_model import GoogleModel  # noqa: PLC0415 - see above

            return GoogleModel
        case "openai":
            from core.providers.openai_model import OpenAIModel  # noqa: PLC0415 - see above

            return OpenAIModel
        case _:
            raise ProviderNotConfigured(provider)


async def _prepare(provider: str) -> None:
    """Import the SDK of *provider* in a thread.

    On a busy machine that takes so long that a worker whose loop stood still meanwhile would count as dead.
    """
    await asyncio.to_thread(lambda: _load(provider).prepare())


class _LazyAdapter:
    """Makes the adapter at the first call, once *prepare* has done what takes long."""

    def __init__(self, make: Callable[[], ClosableModel], prepare: Callable[[], Awaitable[None]]) -> None:
        self._make = make
        self._prepare = prepare
        self._adapter: ClosableModel | None = None

    async def complete(self, request: Request, listener: Listener | None = None) -> Reply:
        if self._adapter is None:
            await self._prepare()
        if self._adapter is None:  # others may have waited for the same
            self._adapter = self._make()
        return await self._adapter.complete(request, listener)

    async def aclose(self) -> None:
        if self._adapter is not None:
            await self._adapter.aclose()


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

"""What answers for a model: configured, allowed, stacked, and never a paid call by accident."""

import subprocess
import sys
import threading
from collections.abc import AsyncIterator

import pytest

from core.providers import registry as registry_module
from core.providers.base import Reply, StopReason
from core.providers.catalogue import Catalogue
from core.providers.errors import ModelNotAllowed, ProviderNotConfigured
from core.providers.limits import Limits
from core.providers.registry import Credentials, ModelRegistry, PaidCallForbidden
from core.providers.resilience import RetryPolicy
from tests.core.providers.conftest import Ear, ask
from tests.core.providers.test_resilience import Scripted
from tests.fakes.clock import FakeClock
from tests.fakes.model_peer import ModelPeer, Script

ALL = Credentials(anthropic_key="a", google_key="g", openai_key="o")


@pytest.fixture
async def registry(peer: ModelPeer, catalogue: Catalogue, fast_clock: FakeClock) -> AsyncIterator[ModelRegistry]:
    """All three providers, imitated by the peer."""
    credentials = Credentials(
        anthropic_key="a",
        google_key="g",
        openai_key="o",
        anthropic_base_url=peer.base_url("anthropic"),
        google_base_url=peer.base_url("google"),
        openai_base_url=peer.base_url("openai"),
    )
    built = ModelRegistry(catalogue, credentials, clock=fast_clock, paid_calls=False, limits=Limits(pace_seconds=0.01))
    yield built
    await built.aclose()


def chain_of(registry: ModelRegistry, model: str, **allowed: tuple[str, ...]) -> list[str]:
    spec = registry.catalogue.get(model)
    return [
        link.id
        for link in registry.model_for(
            spec,
            allowed_providers=allowed.get("providers", ()),
            allowed_models=allowed.get("models", ()),
        )[1]
    ]


def test_who_is_configured(catalogue: Catalogue, clock: FakeClock) -> None:
    """A provider is configured by its key; OpenAI also by an address, where servers of one's own need no key."""
    for credentials, providers, default in [
        (ALL, ("anthropic", "google", "openai"), "claude-sonnet-5-5"),
        (Credentials(google_key="g"), ("google",), "gemini-3.8-flash"),
        (Credentials(openai_base_url="http://localhost:11434/v1"), ("openai",), "gpt-6.1-sol"),
        (Credentials(), (), "rehearsal"),
    ]:
        registry = ModelRegistry(catalogue, credentials, clock=clock, rehearsal_factory=Scripted)
        assert (registry.configured_providers(), registry.default_model()) == (providers, default)


def test_nothing_at_all(catalogue: Catalogue, clock: FakeClock) -> None:
    """Without a key and without a rehearsal there is no default, and that is said."""
    with pytest.raises(ProviderNotConfigured):
        ModelRegistry(catalogue, Credentials(), clock=clock).default_model()


def test_a_server_of_ones_own_offers_its_own_model(catalogue: Catalogue, clock: FakeClock) -> None:
    """Behind an address of one's own the named model is the default and the only one to fall back to."""
    credentials = Credentials(anthropic_key="a", openai_base_url="http://localhost:1/v1")
    registry = ModelRegistry(catalogue.with_custom("qwen3:14b"), credentials, clock=clock)
    assert chain_of(registry, "claude-sonnet-5-5") == ["claude-sonnet-5-5", "qwen3:14b"]
    only = ModelRegistry(registry.catalogue, Credentials(openai_base_url="http://localhost:1/v1"), clock=clock)
    assert only.default_model() == "qwen3:14b"


def test_the_chain_stays_within_what_is_allowed(catalogue: Catalogue, clock: FakeClock) -> None:
    """Only allowed providers and models may answer, in the workspace's order; the chain names them all for the hold."""
    registry = ModelRegistry(catalogue, ALL, clock=clock)
    assert chain_of(registry, "claude-sonnet-5-5") == ["claude-sonnet-5-5", "gemini-3.8-flash", "gpt-6.1-sol"]
    assert chain_of(registry, "claude-sonnet-5-5", providers=("openai", "anthropic")) == [
        "claude-sonnet-5-5",
        "gpt-6.1-sol",
    ]
    assert chain_of(registry, "claude-sonnet-5-5", providers=("anthropic",)) == ["claude-sonnet-5-5"]
    allowed = ("claude-sonnet-5-5", "gemini-3.8-flash")
    assert chain_of(registry, "claude-sonnet-5-5", models=allowed) == list(allowed)
    assert chain_of(registry, "gpt-4o", providers=("openai",)) == ["gpt-4o", "gpt-6.1-sol"]


def test_a_model_that_is_not_allowed(catalogue: Catalogue, clock: FakeClock) -> None:
    """The chosen model itself must be allowed and its provider configured."""
    registry = ModelRegistry(catalogue, Credentials(anthropic_key="a"), clock=clock)
    with pytest.raises(ModelNotAllowed):
        chain_of(registry, "claude-sonnet-5-5", providers=("google",))
    with pytest.raises(ModelNotAllowed):
        chain_of(registry, "claude-sonnet-5-5", models=("claude-haiku-5-5",))
    with pytest.raises(ProviderNotConfigured):
        chain_of(registry, "gpt-6.1-sol")


async def test_the_rehearsal_is_made_once_and_falls_back_to_nobody(catalogue: Catalogue, clock: FakeClock) -> None:
    """The rehearsal is nobody's stand-in and has none: it never passes for a model."""
    registry = ModelRegistry(catalogue, ALL, clock=clock, rehearsal_factory=Scripted)
    spec = catalogue.get("rehearsal")
    model, chain = registry.model_for(spec, allowed_providers=("anthropic",))
    assert chain == (spec,)
    assert registry.model_for(spec)[0] is model
    for other in catalogue.list():
        if other.provider != "rehearsal":
            assert spec not in registry.model_for(other)[1]


@pytest.mark.parametrize("provider", ["anthropic", "google", "openai"])
async def test_no_paid_call_by_accident(catalogue: Catalogue, clock: FakeClock, provider: str) -> None:
    """With paid calls switched off, an address that is not this machine is an error, not a bill."""
    registry = ModelRegistry(catalogue, ALL, clock=clock, paid_calls=False)
    spec = catalogue.default(provider)
    assert spec is not None
    model, _ = registry.model_for(spec)
    with pytest.raises(PaidCallForbidden):
        await model.complete(ask(spec.id))


@pytest.mark.loopback
async def test_the_whole_stack(registry: ModelRegistry, peer: ModelPeer, ear: Ear) -> None:
    """Through the real SDKs: an overloaded provider is tried again, then another answers, and it is said who."""
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": ""}}
    peer.script(Script(status=529, error=overloaded, times=3))
    spec = registry.catalogue.get("claude-sonnet-5-5")
    reply = await registry.model_for(spec)[0].complete(ask(spec.id), ear)
    assert (reply.provider, reply.stop, reply.attempts) == ("google", StopReason.COMPLETE, 4)
    assert ear.events == [("fell_back", "claude-sonnet-5-5", "gemini-3.8-flash", "provider_overloaded")]
    # The circuit is open now: Anthropic is not asked again, and nobody waits for it.
    seen = len(peer.requests)
    again: Reply = await registry.model_for(spec)[0].complete(ask(spec.id), ear)
    assert (again.provider, again.attempts, len(peer.requests)) == ("google", 1, seen + 1)
    assert peer.problems == []


@pytest.mark.loopback
async def test_after_visible_text_the_same_model(registry: ModelRegistry, peer: ModelPeer, ear: Ear) -> None:
    """A stream that broke off in view of people is begun again by the same model, its waste kept apart."""
    peer.script(Script(words=("Half ",), ends=False), Script(words=("Whole.",)))
    spec = registry.catalogue.get("gpt-6.1-sol")
    reply = await registry.model_for(spec)[0].complete(ask(spec.id), ear)
    assert (reply.text, reply.provider, reply.attempts) == ("Whole.", "openai", 2)
    assert ear.events == [("restarted", "provider_incomplete")]
    assert reply.wasted.output_tokens > 0


def test_keys_do_not_show() -> None:
    """Credentials can be printed: no key shows."""
    assert "sk-secret" not in repr(
        Credentials(anthropic_key="sk-secret", google_key="sk-secret", openai_key="sk-secret")
    )


def test_sdks_are_imported_when_they_are_used() -> None:
    """Building a registry for all providers imports none of their SDKs, nor aiohttp and httpx2."""
    code = (
        "import sys\n"
        "from core.clock import SystemClock\n"
        "from core.providers.catalogue import Catalogue\n"
        "from core.providers.registry import Credentials, ModelRegistry\n"
        "registry = ModelRegistry(Catalogue.load(), Credentials('a', 'g', 'o'), clock=SystemClock())\n"
        "registry.model_for(registry.catalogue.get(registry.default_model()))\n"
        "print([name for name in ('anthropic', 'openai', 'google.genai', 'httpx2', 'aiohttp') if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.loopback
async def test_warming_imports_them_before(registry: ModelRegistry) -> None:
    """A role that starts may pay for the SDKs before its first turn."""
    await registry.warm()
    assert {"anthropic", "openai", "google.genai"} <= set(sys.modules)


async def test_the_loop_goes_on_while_an_sdk_is_imported(
    registry: ModelRegistry, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first call too: a worker whose loop stands still counts as dead."""
    threads: list[threading.Thread] = []

    def load(_provider: str) -> None:
        threads.append(threading.current_thread())
        raise ImportError

    monkeypatch.setattr(registry_module, "_load", load)
    model, _ = registry.model_for(catalogue.get("claude-sonnet-5-5"))
    with pytest.raises(ImportError):
        await model.complete(ask("claude-sonnet-5-5"))
    assert threads
    assert threading.main_thread() not in threads


def test_policy_is_one_for_all(catalogue: Catalogue, clock: FakeClock) -> None:
    """A policy given to the registry reaches the chain; who has nobody behind him waits for his circuit."""
    registry = ModelRegistry(catalogue, ALL, clock=clock, policy=RetryPolicy(attempts=7))
    model, _ = registry.model_for(catalogue.get("claude-sonnet-5-5"))
    links = model._chain  # type: ignore[attr-defined]
    assert [link.model._policy.attempts for link in links] == [7, 7, 7]
    assert [link.model._policy.waits_for_circuit for link in links] == [False, False, True]

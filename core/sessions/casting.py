"""Who may answer for a role: the model that was chosen and those that may stand in for it, within tier and workspace."""

from collections.abc import Mapping, Sequence
from datetime import date

from core.casts.model import Cast, Role
from core.credits.entitlements import allows_model, get_tier
from core.credits.tiers import PriceList
from core.providers.base import Model
from core.providers.catalogue import ModelSpec, Resolution
from core.providers.registry import ModelRegistry


class Casting:
    """Finds models for roles."""

    def __init__(self, *, registry: ModelRegistry, prices: PriceList) -> None:
        self._registry = registry
        self._prices = prices

    def resolve(self, name: str, *, today: date) -> Resolution:
        """Return what a model's name means today; the installation's default for an empty one.

        Raises:
            UnknownModel: If nothing is called so.
            ProviderNotConfigured: If there is no default, because there is neither a key nor a rehearsal.
        """
        return self._registry.catalogue.resolve(name or self._registry.default_model(), today=today)

    def find(
        self, role: Role, *, model: str, providers: Sequence[str], tier: str
    ) -> tuple[Model, tuple[ModelSpec, ...]]:
        """Return what answers for *role* and every model that may, the preferred one first.

        Args:
            role: Its own model goes before the session's.
            model: The session's model id.
            providers: Who may see the text; empty for all that are configured.
            tier: The workspace's tier, which limits stand-ins too.

        Raises:
            UnknownModel, ModelNotAllowed, ProviderNotConfigured: If it cannot be asked.
        """
        spec = self._registry.catalogue.get(role.model or model)
        return self._registry.model_for(spec, allowed_providers=providers, allowed_models=self._allowed(tier, spec))

    def chains(
        self, cast: Cast, *, model: str, providers: Sequence[str], tier: str
    ) -> Mapping[str, tuple[ModelSpec, ...]]:
        """Return the models that may answer for each role of *cast*; raises as `find`."""
        return {role.key: self.find(role, model=model, providers=providers, tier=tier)[1] for role in cast.roles}

    def _allowed(self, tier: str, chosen: ModelSpec) -> frozenset[str]:
        """Return the ids that a tier may use, empty for all; the chosen one was checked at admission."""
        if get_tier(self._prices, tier).grades is None:
            return frozenset()
        specs = self._registry.catalogue.list()
        return frozenset({chosen.id, *(spec.id for spec in specs if allows_model(self._prices, tier, spec))})

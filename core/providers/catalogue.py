"""The models that exist: limits, prices, cache rules, capabilities and end of life, read from `models.toml`.

Nothing here is code about one model: which parameters a model takes, what it costs and what replaces it are columns.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files
from typing import Any

from core.providers.base import Effort
from core.providers.errors import UnknownModel

_NEAREST = 3
_LIKENESS = 0.5


class CacheMode(StrEnum):
    """How a provider caches prefixes."""

    EXPLICIT = "explicit"
    AUTOMATIC = "automatic"
    NONE = "none"


class Thinking(StrEnum):
    """Whether a model thinks before it answers."""

    NONE = "none"
    ADAPTIVE = "adaptive"
    ALWAYS = "always"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars a million tokens.

    Attributes:
        input: Input at the full price.
        output: Output, reasoning included.
        cache_read: Input read from a cache.
        cache_write_5m: Input written to a cache that lives minutes; the input price where writing is free.
        cache_write_1h: Input written to a cache that lives an hour.
        since: First day (UTC) of this price; None for the first one.
        over_input_tokens: Holds for requests with more input tokens than this (all of their tokens).
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    since: date | None = None
    over_input_tokens: int = 0


@dataclass(frozen=True, slots=True)
class CacheRules:
    """What caching a prefix needs and costs.

    Attributes:
        mode: Who places the end of a cached prefix.
        min_tokens: A shorter prefix is silently not cached.
        write_factor: Price of writing, as a multiple of the input price; 1 where writing costs nothing extra.
        read_factor: Price of reading, as a multiple of the input price.
    """

    mode: CacheMode = CacheMode.NONE
    min_tokens: int = 0
    write_factor: Decimal = Decimal(1)
    read_factor: Decimal = Decimal(1)

    @property
    def writes_cost_extra(self) -> bool:
        """True where one editor should lead, so that the others read what it wrote."""
        return self.write_factor > 1


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model.

    Attributes:
        id: What the provider calls it.
        provider: ``anthropic``, ``google``, ``openai`` or ``rehearsal``.
        name: What people call it.
        context_tokens: Most input tokens.
        max_output_tokens: Most output tokens, reasoning included.
        prices: The price list, by date and size of the request.
        grade: ``premium``, ``standard`` or ``light``: what a fallback must match.
        cache: Cache rules.
        thinking: Whether and how it thinks.
        efforts: What each effort is called there: a word, a budget in tokens, or "" for nothing to send.
        sampling: Whether it takes temperature and the like.
        prefill: Whether it continues a begun answer.
        json_schema: Whether it takes a JSON schema for its reply.
        edit_ops: Whether its revisions by block can be relied upon; otherwise it rewrites the whole.
        aliases: Other names of the very same model.
        eol: First day without it; None where none is announced.
        replacement: Model that answers from then on; empty for none.
        replacement_effort: Thinking setting that goes with the replacement; None to keep the asked one.
        custom: True for a model that an operator named: nothing is claimed about it that he did not say.
    """

    id: str
    provider: str
    name: str
    context_tokens: int
    max_output_tokens: int
    prices: tuple[Price, ...]
    grade: str = "standard"
    cache: CacheRules = field(default_factory=CacheRules)
    thinking: Thinking = Thinking.NONE
    efforts: Mapping[Effort, str | int] = field(default_factory=dict)
    sampling: bool = False
    prefill: bool = False
    json_schema: bool = False
    edit_ops: bool = False
    aliases: tuple[str, ...] = ()
    eol: date | None = None
    replacement: str = ""
    replacement_effort: Effort | None = None
    custom: bool = False

    def price(self, on: date, input_tokens: int) -> Price:
        """Return the price of a request of *input_tokens* (cached or not) on the day *on*, UTC."""
        rows = [row for row in self.prices if row.over_input_tokens == 0 or input_tokens > row.over_input_tokens]
        return max(
            (row for row in rows if row.since is None or row.since <= on),
            key=lambda row: (row.since or date.min, row.over_input_tokens),
        )

    def is_over(self, today: date) -> bool:
        """Return whether the provider has switched it off by *today*."""
        return self.eol is not None and self.eol <= today


@dataclass(frozen=True, slots=True)
class Retired:
    """A name that people still use for a model that is gone, and the thinking setting that the name carries."""

    name: str
    names: tuple[str, ...]
    eol: date
    model: str
    effort: Effort | None


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name means today.

    Attributes:
        spec: The model that will answer.
        effort: The thinking setting that the name carries; None to leave it to the caller.
        notice: One sentence for people when another model than the named one answers; None otherwise.
    """

    spec: ModelSpec
    effort: Effort | None = None
    notice: str | None = None


class Catalogue:
    """Every model that can be asked for, by id and by the names that people use."""

    def __init__(
        self,
        specs: Iterable[ModelSpec],
        *,
        retired: Iterable[Retired] = (),
        grades: Mapping[str, Mapping[str, str]] | None = None,
        version: str = "",
    ) -> None:
        self._specs = {spec.id: spec for spec in specs}
        self._retired = tuple(retired)
        self._grades = {grade: dict(row) for grade, row in (grades or {}).items()}
        self.version = version
        self._names: dict[str, ModelSpec | Retired] = {}
        for gone in self._retired:
            for name in (gone.name, *gone.names):
                self._names[_normal(name)] = gone
        for spec in self._specs.values():
            for name in (spec.name, spec.id, *spec.aliases, *_short(spec.name)):
                self._names[_normal(name)] = spec

    @classmethod
    def load(cls) -> "Catalogue":
        """Return the catalogue that ships with Atelier.

        Raises:
            ValueError: If `models.toml` contradicts itself.
        """
        text = files("core.providers").joinpath("models.toml").read_text(encoding="utf-8")
        data = tomllib.loads(text, parse_float=Decimal)
        catalogue = cls(
            (_spec(row) for row in data["model"]),
            retired=(_retired(row) for row in data["retired"]),
            grades=data["grades"],
            version=data["version"],
        )
        catalogue._check()
        return catalogue

    def with_custom(
        self,
        model_id: str,
        *,
        provider: str = "openai",
        context_tokens: int = 32_000,
        max_output_tokens: int = 8_000,
        input_dollars: Decimal = Decimal(0),
        output_dollars: Decimal = Decimal(0),
        json_schema: bool = True,
        edit_ops: bool = True,
    ) -> "Catalogue":
        """Return a catalogue that also has *model_id*, a model behind an OpenAI-compatible address.

        No cache is claimed for it, and no thinking: only the plainest parameters are sent.

        Args:
            model_id: What the server calls it; replaces an entry of the same id.
            provider: Whose adapter speaks to it.
            context_tokens: Its window.
            max_output_tokens: Most output.
            input_dollars: Ceiling of its price a million input tokens; 0 for a server of one's own.
            output_dollars: The same for output.
            json_schema: Whether it takes a JSON schema.
            edit_ops: Whether it revises by block.
        """
        price = Price(input_dollars, output_dollars, input_dollars, input_dollars, input_dollars)
        spec = ModelSpec(
            id=model_id,
            provider=provider,
            name=model_id,
            context_tokens=context_tokens,
            max_output_tokens=max_output_tokens,
            prices=(price,),
            json_schema=json_schema,
            edit_ops=edit_ops,
            custom=True,
        )
        specs = [known for known in self._specs.values() if known.id != model_id]
        return Catalogue([*specs, spec], retired=self._retired, grades=self._grades, version=self.version)

    def get(self, model_id: str) -> ModelSpec:
        """Return the model with the id *model_id*; UnknownModel, naming the nearest, if there is none."""
        spec = self._specs.get(model_id)
        if spec is None:
            raise UnknownModel(model_id, self._nearest(model_id))
        return spec

    def list(self, provider: str | None = None) -> tuple[ModelSpec, ...]:
        """Return every model, or those of *provider*, in the order of the table."""
        return tuple(spec for spec in self._specs.values() if provider is None or spec.provider == provider)

    def names(self) -> tuple[str, ...]:
        """Return what people may type: the name of every model and of every retired one."""
        return (*(spec.name for spec in self._specs.values()), *(gone.name for gone in self._retired))

    def resolve(self, name: str, *, today: date) -> Resolution:
        """Return what *name* (an id or a name, case, spaces and punctuation ignored) means on *today*.

        A model past its end of life resolves to its replacement, with the thinking setting that the old name stood for
        and a notice that says so.

        Raises:
            UnknownModel: If nothing is called so.
        """
        found = self._specs.get(name) or self._names.get(_normal(name))
        if found is None and "/" in name:
            found = self._names.get(_normal(name.rpartition("/")[2]))
        if found is None:
            raise UnknownModel(name, self._nearest(name))
        if isinstance(found, Retired):
            spec = self._current(found.model, today)
            return Resolution(spec, found.effort, _notice(found.name, found.eol, spec))
        if found.is_over(today) and found.eol is not None and found.replacement:
            spec = self._current(found.replacement, today)
            return Resolution(spec, found.replacement_effort, _notice(found.name, found.eol, spec))
        return Resolution(found)

    def peer(self, spec: ModelSpec, provider: str) -> ModelSpec | None:
        """Return the model of *provider* that may stand in for *spec*; None if there is none."""
        peer_id = self._grades.get(spec.grade, {}).get(provider)
        return self._specs.get(peer_id) if peer_id else None

    def default(self, provider: str) -> ModelSpec | None:
        """Return the model of *provider* that is used unless somebody chooses; None for an unknown provider."""
        model_id = self._grades.get("standard", {}).get(provider)
        if model_id:
            return self._specs.get(model_id)
        return next(iter(self.list(provider)), None)

    def _current(self, model_id: str, today: date) -> ModelSpec:
        spec = self.get(model_id)
        seen = {spec.id}
        while spec.is_over(today) and spec.replacement and spec.replacement not in seen:
            spec = self.get(spec.replacement)
            seen.add(spec.id)
        return spec

    def _nearest(self, name: str) -> tuple[str, ...]:
        close = difflib.get_close_matches(_normal(name), self._names, n=2 * _NEAREST, cutoff=_LIKENESS)
        ids: dict[str, None] = {}
        for key in close:
            found = self._names[key]
            ids[found.model if isinstance(found, Retired) else found.id] = None
        return tuple(ids)[:_NEAREST]

    def _check(self) -> None:
        for spec in self._specs.values():
            if not any(row.since is None and row.over_input_tokens == 0 for row in spec.prices):
                raise ValueError(f"{spec.id}: no price for the first token")
            if spec.replacement and spec.replacement not in self._specs:
                raise ValueError(f"{spec.id}: unknown replacement {spec.replacement}")
            if spec.thinking is not Thinking.NONE and set(spec.efforts) != set(Effort):
                raise ValueError(f"{spec.id}: every effort needs a value")
        wanted = [gone.model for gone in self._retired] + [
            model for row in self._grades.values() for model in row.values()
        ]
        for model_id in wanted:
            if model_id not in self._specs:
                raise ValueError(f"unknown model {model_id}")


def _normal(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _short(name: str) -> list[str]:
    """Return the name without its first word, "Opus 5.5" for "Claude Opus 5.5", where a number keeps it distinct."""
    rest = name.partition(" ")[2]
    return [rest] if any(character.isdigit() for character in rest) else []


def _notice(name: str, eol: date, spec: ModelSpec) -> str:
    return f"{name} was switched off by its provider on {eol.isoformat()}; {spec.name} answers instead."


def _price(row: Mapping[str, Any]) -> Price:
    price = Decimal(row["input"])
    short = Decimal(row.get("cache_write_5m", price))
    return Price(
        input=price,
        output=Decimal(row["output"]),
        cache_read=Decimal(row.get("cache_read", price)),
        cache_write_5m=short,
        cache_write_1h=Decimal(row.get("cache_write_1h", short)),
        since=row.get("from"),
        over_input_tokens=row.get("over", 0),
    )


def _spec(row: Mapping[str, Any]) -> ModelSpec:
    prices = tuple(_price(price) for price in row["price"])
    first = prices[0]
    cache = CacheRules(CacheMode(row["cache"]), row.get("min_cache", 0))
    if first.input and cache.mode is not CacheMode.NONE:
        cache = replace(
            cache, write_factor=first.cache_write_5m / first.input, read_factor=first.cache_read / first.input
        )
    effort = row.get("replacement_effort")
    return ModelSpec(
        id=row["id"],
        provider=row["provider"],
        name=row["name"],
        context_tokens=row["context"],
        max_output_tokens=row["output"],
        prices=prices,
        grade=row["grade"],
        cache=cache,
        thinking=Thinking(row["thinking"]),
        efforts={Effort(key): value for key, value in row.get("efforts", {}).items()},
        sampling=row.get("sampling", False),
        prefill=row.get("prefill", False),
        json_schema=row.get("json_schema", False),
        edit_ops=row.get("edit_ops", False),
        aliases=tuple(row.get("aliases", ())),
        eol=row.get("eol"),
        replacement=row.get("replacement", ""),
        replacement_effort=Effort(effort) if effort else None,
    )


def _retired(row: Mapping[str, Any]) -> Retired:
    return Retired(row["name"], tuple(row["names"]), row["eol"], row["model"], Effort(row["effort"]))

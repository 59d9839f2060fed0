"""The outside form of a cast: what may stand in a TOML file or in stored JSON, and what it must satisfy."""

import re
from collections import Counter
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.casts.errors import CastInvalid
from core.casts.model import Cast, Criterion, Phase, Role, StopRule

MAX_EDITORS = 40  # beyond that neither a thread nor a wallet follows
_ROUND_ORDER = {Phase.WRITER: 0, Phase.EDITOR: 1, Phase.SYNTHESIZER: 2}
_ASCII_ONLY = re.compile(r"[\x00-\x7f]")

_Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
_Prose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8_000)]
_Weight = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
_Score = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]


class _Strict(BaseModel):
    """Says no to a misspelt key, so that a typing error is not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CriterionForm(_Strict):
    """See `core.casts.model.Criterion`."""

    key: _Key
    asks: _Prose
    weight: _Weight = 1.0


class RoleForm(_Strict):
    """See `core.casts.model.Role`."""

    key: _Key
    name: _Words
    phase: Phase
    emoji: Annotated[str, StringConstraints(min_length=1, max_length=8)]
    colour: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$", to_lower=True)]
    instructions: _Prose
    model: Annotated[str, StringConstraints(max_length=100)] = ""
    weight: _Weight = 1.0
    criteria: tuple[CriterionForm, ...] = ()
    max_output_tokens: Annotated[int, Field(ge=256, le=128_000)] = 4_000

    @model_validator(mode="after")
    def _check(self) -> Self:
        if _ASCII_ONLY.search(self.emoji):
            raise ValueError(f"{self.emoji!r} is not an emoji")
        repeated = _repeated(criterion.key for criterion in self.criteria)
        if repeated:
            raise ValueError(f"the criterion {repeated!r} stands twice")
        if self.phase is not Phase.WRITER and not self.criteria:
            raise ValueError("an editor and a Synthesizer need at least one criterion to score")
        return self

    def to_role(self) -> Role:
        """Return the plain value."""
        return Role(
            key=self.key,
            name=self.name,
            phase=self.phase,
            emoji=self.emoji,
            colour=self.colour,
            instructions=self.instructions,
            model=self.model,
            weight=self.weight,
            criteria=tuple(Criterion(item.key, item.asks, item.weight) for item in self.criteria),
            max_output_tokens=self.max_output_tokens,
        )


class StopForm(_Strict):
    """See `core.casts.model.StopRule`."""

    threshold: _Score = 8.0
    max_rounds: Annotated[int, Field(ge=0, le=50)] = 3
    plateau_rounds: Annotated[int, Field(ge=1, le=50)] = 2
    gain: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)] = 0.1
    max_seconds: Annotated[int, Field(ge=1)] | None = None


class CastForm(_Strict):
    """See `core.casts.model.Cast`."""

    key: _Key
    name: _Words
    stop: StopForm = StopForm()
    roles: tuple[RoleForm, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        phases = Counter(role.phase for role in self.roles)
        if phases[Phase.WRITER] != 1 or phases[Phase.SYNTHESIZER] != 1:
            raise ValueError("a cast has exactly one Writer and one Synthesizer")
        if not 1 <= phases[Phase.EDITOR] <= MAX_EDITORS:
            raise ValueError(f"a cast has 1 to {MAX_EDITORS} editors")
        order = [_ROUND_ORDER[role.phase] for role in self.roles]
        if order != sorted(order):
            raise ValueError("roles stand in the order of a round: Writer, editors, Synthesizer")
        for field in ("key", "name", "emoji", "colour"):
            repeated = _repeated(getattr(role, field) for role in self.roles)
            if repeated:
                raise ValueError(f"two roles share the {field} {repeated!r}")
        return self

    def to_cast(self) -> Cast:
        """Return the plain value."""
        return Cast(
            key=self.key,
            name=self.name,
            roles=tuple(role.to_role() for role in self.roles),
            stop=StopRule(**self.stop.model_dump()),
        )


def validate_cast(data: dict[str, Any]) -> Cast:
    """Return the cast that *data* describes.

    Raises:
        CastInvalid: With one sentence for each thing that is wrong.
    """
    try:
        return CastForm.model_validate(data).to_cast()
    except ValidationError as error:
        raise CastInvalid(_problems(error)) from error


def validate_role(data: dict[str, Any]) -> Role:
    """Return the role that *data* describes.

    Raises:
        CastInvalid: With one sentence for each thing that is wrong.
    """
    try:
        return RoleForm.model_validate(data).to_role()
    except ValidationError as error:
        raise CastInvalid(_problems(error)) from error


def _repeated(values: Any) -> str | None:
    return next((value for value, times in Counter(values).items() if times > 1), None)


def _problems(error: ValidationError) -> tuple[str, ...]:
    return tuple(
        f"{'.'.join(str(part) for part in item['loc']) or 'cast'}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_url=False)
    )

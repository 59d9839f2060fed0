"""Discord's own description of its API, where this machine has it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SPEC = Path(__file__).parents[4] / "shared" / "oracles" / "discord-openapi.json"
HAS_SPEC = SPEC.exists()


def problems(schema: str, body: object) -> list[str]:
    """Return what *body* does that *schema* does not allow; nothing where the description is missing."""
    if not HAS_SPEC:
        return []
    return [_deepest(error) for error in _validator(schema).iter_errors(body)]


@cache
def _validator(schema: str) -> Draft202012Validator:
    components = json.loads(SPEC.read_text())["components"]
    return Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": components})


def _deepest(error: Any) -> str:
    while error.context:
        error = max(error.context, key=lambda one: len(one.absolute_path))
    return f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"

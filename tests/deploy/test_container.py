"""The container files say what they should; `make image-commands` runs what they say."""

import json
import re
import shlex
import zipfile
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bots.settings import Settings
from deploy.image_commands import build_wheel, commands, missing_from

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "atelier:local"}


def vendored_schema(name: str) -> dict[str, Any]:
    """Return a schema that check-jsonschema carries."""
    text = resources.files("check_jsonschema").joinpath("builtin_schemas", "vendor", f"{name}.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, continued lines joined."""
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


@pytest.mark.parametrize(
    ("file", "schema"),
    [("docker-compose.yml", "compose-spec"), (".github/workflows/ci.yml", "github-workflows")],
)
def test_files_follow_their_schema(file: str, schema: str) -> None:
    """Compose file and workflow are valid by the published schemas."""
    content = yaml.load((ROOT / file).read_text(), Loader=_Yaml12)  # noqa: S506 - a SafeLoader, see below
    jsonschema.validate(content, vendored_schema(schema))


class _Yaml12(yaml.SafeLoader):
    """Reads ``on`` as a word, as YAML 1.2 and those who read these files do."""


_Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if first not in "oO" or "bool" not in tag]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def test_services_wait_for_what_they_need() -> None:
    """Nothing starts before the database is healthy, and nothing serves before it is migrated."""
    assert set(OURS) == {"migrate", "http", "worker"}
    for service in OURS.values():
        assert service["depends_on"]["postgres"] == {"condition": "service_healthy"}
    for name in ("http", "worker"):
        assert OURS[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert COMPOSE["services"]["postgres"]["healthcheck"]["test"]


def test_volumes_are_declared() -> None:
    """Data outlives containers: every mount is a named volume."""
    mounted = {mount.partition(":")[0] for service in COMPOSE["services"].values() for mount in service["volumes"]}
    assert mounted == set(COMPOSE["volumes"])


def test_the_address_is_published_on_this_machine_only() -> None:
    """Whoever wants it public puts a proxy in front of it."""
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_stands_in_the_files() -> None:
    """Passwords and keys come from .env, and the example has none."""
    assert ":?" in COMPOSE["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    values = [line.partition("=")[2] for line in (ROOT / "deploy/env.example").read_text().splitlines() if "=" in line]
    assert set(values) == {""}


def test_variables_are_known_to_the_settings() -> None:
    """What image, compose file and example set is read by somebody."""
    known = {name.upper() for name in Settings.model_fields} | {"POSTGRES_PASSWORD", "PATH", "PYTHONUNBUFFERED"}
    example = re.findall(r"^([A-Z_]+)=", (ROOT / "deploy/env.example").read_text(), re.MULTILINE)
    image = [
        pair.partition("=")[0]
        for word, rest in instructions()[_final_stage() :]
        if word == "ENV"
        for pair in shlex.split(rest)
    ]
    compose = [name for service in OURS.values() for name in service["environment"]]
    assert {*example, *image, *compose} <= known


def _final_stage() -> int:
    return max(number for number, (word, _) in enumerate(instructions()) if word == "FROM")


def test_the_image_runs_as_nobody_and_knows_its_health() -> None:
    """The last stage has a numeric user that is not root, a health check on /healthz, and our entry point."""
    final = dict(instructions()[_final_stage() :])
    assert int(final["USER"]) > 0
    assert "/healthz" in final["HEALTHCHECK"]
    assert json.loads(final["ENTRYPOINT"]) == ["atelier"]
    assert all(service["read_only"] for service in OURS.values())


def test_the_image_is_built_from_locks() -> None:
    """Everything that is downloaded has a hash; the rest is our own wheel."""
    installs = [
        part for word, rest in instructions() if word == "RUN" for part in rest.split("&&") if "install" in part
    ]
    assert installs
    assert all("--require-hashes" in part or "--no-deps /dist/" in part for part in installs)


def test_what_is_copied_is_there_and_let_through() -> None:
    """Every source of a COPY exists and .dockerignore lets it pass."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert sources == allowed
    assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.slow
def test_the_wheel_has_everything(tmp_path: Path) -> None:
    """Prompts, casts, price tables and fonts go with the code, and tests do not."""
    wheel = build_wheel(tmp_path)
    assert missing_from(wheel) == set()
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" not in name}
    assert tops == {"core", "storage", "bots", "admin_cli"}


def test_commands_are_the_images_entry_point_and_the_services_arguments() -> None:
    """What `make image-commands` runs is what compose would run."""
    assert commands() == {
        "migrate": ["atelier", "db", "upgrade"],
        "http": ["atelier", "serve", "--role", "http"],
        "worker": ["atelier", "serve", "--role", "worker"],
    }

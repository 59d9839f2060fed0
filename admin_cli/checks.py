"""The examinations of `atelier doctor`: each looks at one thing and says how it is."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from admin_cli import bootstrap
from admin_cli.findings import Finding, Outcome
from admin_cli.output import BAD_INPUT
from admin_cli.platform_checks import examine_platforms
from bots.bootstrap import load_catalogue, make_registry
from bots.errors import BadSettings, DatabaseUnreachable
from bots.views.errors import words_for
from core.clock import SystemClock
from core.errors import AtelierError, UserFacingError
from core.money import Unit
from core.orchestration.errors import EngineOutdated
from core.providers.base import Effort, Request, Segment
from core.providers.registry import REHEARSAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bots.settings import Settings
    from core.providers.registry import ModelRegistry

_OLDEST_PYTHON = (3, 11)
_SOON = timedelta(days=60)
_CALL_SECONDS = 30.0
_PROBE_KEY = "doctor/probe"


async def examine(*, call_providers: bool, channel: str = "") -> list[Finding]:
    """Return every finding, in the order in which people should mend them.

    Args:
        call_providers: Whether to call anybody.
        channel: See `admin_cli.platform_checks.examine_platforms`.
    """
    findings = [_python()]
    try:
        settings = bootstrap.read_settings()
    except BadSettings as error:
        return [*findings, *(Finding("settings", Outcome.FAILED, problem) for problem in error.problems)]
    findings.append(Finding("settings", Outcome.OK, "every variable can be read"))
    findings.append(await _guarded("database", lambda: _database(settings)))
    findings.append(await _guarded("files", lambda: _files(settings)))
    findings.append(await _guarded("engine", lambda: _engine(settings)))
    findings.append(_secrets(settings))
    registry = make_registry(settings, load_catalogue(settings), clock=SystemClock(), attempts=1)
    try:
        findings.extend([finding async for finding in _providers(registry, call=call_providers)])
    finally:
        await registry.aclose()
    findings.append(_models(registry))
    if call_providers:
        findings += await examine_platforms(settings, has_database=_has_database(settings, findings), channel=channel)
    return findings


def _has_database(settings: Settings, findings: list[Finding]) -> bool:
    """Return whether the database may be read: it exists, and is at this version's schema."""
    found = next(finding for finding in findings if finding.name == "database")
    return found.outcome is Outcome.OK and not _is_not_made_yet(settings)


def _python() -> Finding:
    found = sys.version_info[:3]
    outcome = Outcome.OK if found >= _OLDEST_PYTHON else Outcome.FAILED
    return Finding("python", outcome, ".".join(map(str, found)))


async def _guarded(name: str, look: Callable[[], Awaitable[Finding]]) -> Finding:
    """Return what *look* found; whatever it raises is a finding too."""
    try:
        return await look()
    except DatabaseUnreachable as error:
        # as every other command ends where DATABASE_URL leads nowhere
        return Finding(name, Outcome.FAILED, words_for(error, Unit.DOLLARS).sentence, exit_code=BAD_INPUT)
    except Exception as error:  # noqa: BLE001 - the edge: a doctor reports whatever hurts
        return Finding(name, Outcome.FAILED, _reason(error))


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


async def _database(settings: Settings) -> Finding:
    kind = "SQLite" if settings.is_sqlite else "PostgreSQL"
    if _is_not_made_yet(settings):
        return Finding("database", Outcome.OK, f"{kind}, made when something runs first")
    current, head = await asyncio.to_thread(bootstrap.schema_of, settings)
    if current == head:
        return Finding("database", Outcome.OK, f"{kind}, schema {current}")
    # SQLite is brought up to date by whatever opens it next; a server's schema is the operator's to change
    outcome = Outcome.WARNING if settings.is_sqlite else Outcome.FAILED
    return Finding("database", outcome, f"{kind}, schema {current or 'empty'}, needed {head}: run atelier db upgrade")


def _is_not_made_yet(settings: Settings) -> bool:
    path = settings.database_path
    return settings.is_sqlite and (path is None or not path.exists())


async def _files(settings: Settings) -> Finding:
    found = await bootstrap.probe_files(settings, _PROBE_KEY, b"probe")
    where = settings.resolved_files_url
    if found != b"probe":
        return Finding("files", Outcome.FAILED, f"{where} gives other bytes than it took")
    return Finding("files", Outcome.OK, f"{where} takes and gives files")


async def _engine(settings: Settings) -> Finding:
    if _is_not_made_yet(settings):
        return Finding("engine", Outcome.OK, "made when something runs first")
    try:
        await bootstrap.probe_engine(settings)
    except EngineOutdated:
        return Finding("engine", Outcome.FAILED, "its tables are not at this version: run atelier db upgrade")
    return Finding("engine", Outcome.OK, "its database answers")


def _secrets(settings: Settings) -> Finding:
    if settings.secret_keys:
        return Finding("secret keys", Outcome.OK, f"{len(settings.secret_keys)} configured")
    if settings.slack_client_secret is not None:
        return Finding("secret keys", Outcome.FAILED, "SECRET_KEYS is needed to keep the tokens of Slack teams")
    return Finding("secret keys", Outcome.OK, "none, and nothing to encrypt yet")


async def _providers(registry: ModelRegistry, *, call: bool) -> AsyncIterator[Finding]:
    configured = registry.configured_providers()
    if not configured:
        yield Finding("providers", Outcome.WARNING, "no key is set, so sessions are rehearsals")
    for provider in configured:
        name = f"provider {provider}"
        if not call:
            yield Finding(name, Outcome.OK, "configured, not called")
            continue
        yield await _call(registry, provider, name)


async def _call(registry: ModelRegistry, provider: str, name: str) -> Finding:
    """Ask the provider's cheapest model for one word."""
    specs = [spec for spec in registry.catalogue.list(provider) if not spec.is_over(SystemClock().now().date())]
    custom = [spec for spec in specs if spec.custom]
    spec = min(custom or specs, key=lambda item: item.price(SystemClock().now().date(), 0).output)
    request = Request(
        model=spec.id,
        system="Answer with the one word OK.",
        segments=(Segment("OK?"),),
        max_output_tokens=512,
        effort=Effort.NONE,
        stream=False,
    )
    model, _ = registry.model_for(spec, allowed_providers=(provider,), allowed_models=(spec.id,))
    try:
        reply = await asyncio.wait_for(model.complete(request), _CALL_SECONDS)
    except TimeoutError:
        return Finding(name, Outcome.FAILED, f"no answer within {_CALL_SECONDS:.0f} s")
    except AtelierError as error:
        said = words_for(error, Unit.DOLLARS).title if isinstance(error, UserFacingError) else type(error).__name__
        status = getattr(error, "status", None)
        return Finding(name, Outcome.FAILED, f"{said} ({status})" if status else said)
    return Finding(name, Outcome.OK, f"{reply.model} answered")


def _models(registry: ModelRegistry) -> Finding:
    today = SystemClock().now().date()
    default = registry.default_model()
    ending = [
        f"{spec.id} ends on {spec.eol.isoformat()}" + (f", then {spec.replacement}" if spec.replacement else "")
        for spec in registry.catalogue.list()
        if spec.eol is not None and today < spec.eol <= today + _SOON
    ]
    said = "the rehearsal model" if default == REHEARSAL else default
    if ending:
        return Finding("models", Outcome.WARNING, f"default is {said}; {'; '.join(ending)}")
    return Finding("models", Outcome.OK, f"default is {said}; none ends within {_SOON.days} days")

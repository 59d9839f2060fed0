"""The settings: read by everybody, everybody's own limit changed by themselves, the rest by admins."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bots.desk.forms import Form, settings_form
from bots.desk.people import set_preferences, set_settings
from bots.desk.tools import Call, Handlers, Tools
from bots.parsing import Value
from bots.views.elements import View
from bots.views.settings import people_words, settings_view
from core.casts.catalogue import load_cast
from core.ids import derived_key
from core.money import Unit
from core.sessions.ports import AuditEntry, Transaction
from core.workspaces.access import configure_denial, refuse
from core.workspaces.model import Preferences, Verbosity, WorkspaceSettings

MINE = "my-no-ask"
_FLAGS = {"consent": "asks_consent", "guests": "guests_may_start", "outsiders": "outsiders_may_start"}
_LISTS = {"start-roles": "start_roles", "start-channels": "start_channels"}
_FORM, _MINE_GROUP, _SHOWN = "form", "mine", "shown"
_MARK_CHARACTERS = 5


def handlers(tools: Tools) -> Handlers:
    """Return the settings and their forms."""

    async def settings(call: Call) -> None:
        await _settings(tools, call)

    async def form(call: Call) -> Form | None:
        group = call.request.argument
        if not group:
            return None
        if group != _MINE_GROUP:
            refuse(configure_denial(call.member, call.person.standing))
        request_id = call.request.target
        made = settings_form(
            group,
            call.workspace.settings,
            call.member.preferences,
            unit=tools.unit,
            models=tools.models_for(call.workspace),
            kept={_FORM: group, **({"request": request_id} if request_id else {})},
        )
        return replace(made, kept={**made.kept, _SHOWN: "".join(_marks(made, tools.unit).values())})

    return Handlers(commands={"settings": settings}, forms={"settings": form})


def changes_of(values: Mapping[str, Value], unit: Unit) -> dict[str, Any]:
    """Return what options of the command change in the workspace's settings, by the names of its fields.

    Args:
        values: By the option's name.
        unit: In which unit amounts are.

    Raises:
        CastUnknown: If there is no such team.
    """

    def amount(value: Value) -> int:
        return unit.read(str(value))

    def limit(value: Value) -> int | None:
        return amount(value) or None  # 0 stands for none

    readers: dict[str, tuple[str, Callable[[Value], Any]]] = {
        **{option: (name, lambda value: value in {"yes", True}) for option, name in _FLAGS.items()},
        **{option: (name, _list) for option, name in _LISTS.items()},
        "no-ask": ("no_ask_microcredits", amount),
        "allowance": ("member_cap_microcredits", limit),
        "budget": ("monthly_cap_microcredits", limit),
        "team": ("cast", lambda value: load_cast(str(value).strip().lower()).key),
        "rounds": ("rounds", int),
        "good-enough": ("threshold", float),
        "show": ("verbosity", lambda value: Verbosity(str(value))),
        "model": ("model", lambda value: str(value).strip()),
        "language": ("language", lambda value: str(value).strip()),
    }
    return {readers[option][0]: readers[option][1](value) for option, value in values.items() if option in readers}


def _list(value: Value) -> tuple[str, ...]:
    return tuple(piece.strip() for piece in str(value).split(",") if piece.strip())


async def page(tools: Tools, call: Call, *, told: str = "") -> View:
    """Return the settings as they stand now."""

    def read(tx: Transaction) -> tuple[WorkspaceSettings, Preferences]:
        workspace, member = tx.workspaces.find(call.workspace.id), tx.workspaces.find_member(call.member.id)
        return (
            workspace.settings if workspace is not None else WorkspaceSettings(),
            member.preferences if member is not None else Preferences(),
        )

    settings, preferences = await tools.store.read(read)
    return settings_view(
        settings,
        preferences,
        platform=call.door.platform,
        unit=tools.unit,
        model=settings.model,
        is_admin=configure_denial(call.member, call.person.standing) is None,
        people=people_words(settings),
        told=told,
    )


async def save(tools: Tools, call: Call) -> bool:
    """Change what the call's values say; return whether there was anything.

    Raises:
        NotAllowed: If somebody who is no admin changes what holds for everybody.
        UnknownModel, CastUnknown: If a name means nothing.
    """
    values = _complete(tools, call)
    given = changes_of(values, tools.unit)
    changes = _without_shown(tools, call, given)
    if given:
        refuse(configure_denial(call.member, call.person.standing))
        if changes.get("model"):
            tools.registry.catalogue.resolve(changes["model"], today=tools.clock.now().date())
        await set_settings(tools, call.workspace.id, **changes, is_set_up=True)
        await tools.store.write(lambda tx: tx.audit.add(_audit(tools, call, changes)))
    if MINE in values:
        await set_preferences(tools, call.member.id, no_ask_microcredits=tools.unit.read(str(values[MINE])))
    return bool(given) or MINE in values


async def _settings(tools: Tools, call: Call) -> None:
    changed = await save(tools, call)
    request_id = call.text("request")
    if changed and request_id:
        found = await tools.inbox.find_held(request_id)
        if found is not None and found[0].actor.member_id == call.member.id:
            spot = replace(found[0].spot, answer=call.request.spot.answer or found[0].spot.answer)
            await tools.inbox.release(replace(found[0], spot=spot))
    await call.say(await page(tools, call, told="Saved." if changed else ""))


def _complete(tools: Tools, call: Call) -> Mapping[str, Value]:
    """Return the values; lists that a form showed and that came back without an entry were emptied."""
    group = call.text(_FORM)
    if not group:
        return call.values
    form = settings_form(group, call.workspace.settings, unit=tools.unit)
    lists = (field.name for field in form.fields if field.name in _LISTS)
    return {**dict.fromkeys(lists, ""), **call.values}


def _marks(form: Form, unit: Unit) -> dict[str, str]:
    """Return a few characters for what each field of a form shows, by the setting that it fills."""
    shown: dict[str, Any] = {}
    for field in form.fields:
        shown |= changes_of({field.name: field.value}, unit)
    return {name: _mark(value) for name, value in shown.items()}


def _mark(value: Any) -> str:
    meant = sorted(value) if isinstance(value, tuple) else value
    return derived_key("setting", repr(meant))[:_MARK_CHARACTERS]


def _without_shown(tools: Tools, call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Return what somebody changed in a form: not what it showed and they left, which another may have changed since."""
    shown = call.text(_SHOWN)
    if not shown:
        return given
    names = _marks(settings_form(call.text(_FORM), call.workspace.settings, unit=tools.unit), tools.unit)
    marks = (shown[start : start + _MARK_CHARACTERS] for start in range(0, len(shown), _MARK_CHARACTERS))
    before = dict(zip(names, marks, strict=False))
    return {name: value for name, value in given.items() if _mark(value) != before.get(name)}


def _audit(tools: Tools, call: Call, changes: Mapping[str, Any]) -> AuditEntry:
    names = {"fields": sorted(changes)}
    return AuditEntry(
        tools.clock.now(), call.member.id, "settings_changed", call.workspace.id, call.workspace.id, names
    )

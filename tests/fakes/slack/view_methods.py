"""views.*: modals by trigger, home tabs by user."""

import secrets

from tests.fakes.slack import limits
from tests.fakes.slack.asking import Ask, answers
from tests.fakes.slack.blocks import check_view
from tests.fakes.slack.model import Json, Refusal, View
from tests.fakes.slack.payloads import of_view
from tests.fakes.slack.world import World


@answers("views.open")
def open_view(ask: Ask) -> Json:
    """Open a modal for the person whose trigger it is."""
    content = checked(ask, "modal")
    trigger = ask.world.interactions.redeem(ask.need("trigger_id"))
    view = new_view(ask.world, content, trigger.team_id, trigger.person, ask.grant.app_id)
    return {"view": of_view(ask.world, view)}


@answers("views.push")
def push_view(ask: Ask) -> Json:
    """Lay a modal over the one in which the trigger arose; three at most."""
    content = checked(ask, "modal")
    trigger = ask.world.interactions.redeem(ask.need("trigger_id"))
    below = ask.world.views.get(trigger.view_id)
    if below is None:
        raise Refusal("invalid_trigger_id")
    view = pushed(ask.world, content, below)
    return {"view": of_view(ask.world, view)}


@answers("views.update")
def update_view(ask: Ask) -> Json:
    """Change a modal that is open; with a hash only if nobody else did."""
    content = checked(ask, "modal")
    external = ask.text("external_id")
    view = ask.world.views.get(ask.text("view_id")) or next(
        (one for one in ask.world.views.values() if external and one.content.get("external_id") == external), None
    )
    if view is None or not view.is_open or not ask.world.reaches(ask.grant, view.team_id):
        raise Refusal("not_found")
    if ask.text("hash") not in {"", view.hash}:
        raise Refusal("hash_conflict")
    change(ask.world, view, content)
    return {"view": of_view(ask.world, view)}


@answers("views.publish")
def publish_view(ask: Ask) -> Json:
    """Show somebody their home tab."""
    content = checked(ask, "home")
    person = ask.world.person_for(ask.grant, ask.need("user_id"))
    view = ask.world.homes.get((person.team_id, person.id))
    if view is not None and ask.text("hash") not in {"", view.hash}:
        raise Refusal("hash_conflict")
    if view is None:
        view = View(ask.world.next_id("V"), person.team_id, person.id, content, "", ask.grant.app_id)
        ask.world.homes[person.team_id, person.id] = view
    change(ask.world, view, content)
    return {"view": of_view(ask.world, view)}


def checked(ask: Ask, kind: str) -> Json:
    """Return the view that was sent.

    Raises:
        Refusal: ``invalid_arguments`` when Slack would not take it or it is of another kind.
    """
    content = check_view(ask.arguments.get("view"))
    if content["type"] != kind:
        raise Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] not a {kind}"]})
    return content


def new_view(world: World, content: Json, team_id: str, person: str, app_id: str) -> View:
    """Open a modal."""
    external = content.get("external_id")
    if external and any(one.is_open and one.content.get("external_id") == external for one in world.views.values()):
        raise Refusal("duplicate_external_id")
    view = View(world.next_id("V"), team_id, person, content, "", app_id)
    change(world, view, content)
    world.views[view.id] = view
    return view


def pushed(world: World, content: Json, below: View) -> View:
    """Lay a modal over another.

    Raises:
        Refusal: ``push_limit_reached``.
    """
    root = below.root_id or below.id
    stack = [one for one in world.views.values() if one.is_open and root in {one.id, one.root_id}]
    if len(stack) >= limits.MODAL_STACK:
        raise Refusal("push_limit_reached")
    view = new_view(world, content, below.team_id, below.user, below.by)
    view.root_id, view.previous_id = root, below.id
    return view


def change(world: World, view: View, content: Json) -> None:
    """Show other contents in a view."""
    view.content = content
    view.hash = f"{int(world.now())}.{secrets.token_hex(4)}"
    view.errors = {}


def close(world: World, view: View, *, all_of_them: bool = False) -> None:
    """Close a modal, or the whole stack that it belongs to."""
    root = view.root_id or view.id
    for one in world.views.values():
        if one is view or (all_of_them and root in {one.id, one.root_id}):
            one.is_open = False

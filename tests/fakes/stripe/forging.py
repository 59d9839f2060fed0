"""Events that an app should survive: of nobody, of somebody else, of no known kind."""

import copy

from tests.fakes.stripe.model import Json


def without(event: Json, *path: str) -> Json:
    """Return an event without one of its fields, ``without(event, "data", "object", "id")``."""
    found = copy.deepcopy(event)
    place = found
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return found


def of_account(event: Json, account: str = "acct_1SomebodyElse") -> Json:
    """Return an event as a connected account of somebody else would send it."""
    return {**copy.deepcopy(event), "account": account}


def of_mode(event: Json, *, livemode: bool) -> Json:
    """Return an event that says to be of a mode, and so does its object."""
    found = copy.deepcopy(event)
    found["livemode"] = livemode
    if "livemode" in found["data"]["object"]:
        found["data"]["object"]["livemode"] = livemode
    return found


def of_type(event: Json, kind: str) -> Json:
    """Return an event that says to be of another type, known or not."""
    return {**copy.deepcopy(event), "type": kind}


def again_as(event: Json, given: str) -> Json:
    """Return a second event about the same fact, with an id of its own."""
    return {**copy.deepcopy(event), "id": given}


def thin(event: Json) -> Json:
    """Return an event in the form of API v2, which carries no object."""
    about = event["data"]["object"]
    related = {"id": about.get("id"), "type": about["object"], "url": f"/v1/{about['object']}s/{about.get('id')}"}
    return {
        "id": event["id"],
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "livemode": event["livemode"],
        "created": "2026-01-01T00:00:00.000Z",
        "related_object": related,
    }

"""auth.*, users.*, team.*, assistant.*: who is who, and what the app shows of itself."""

from tests.fakes.slack.asking import Ask, answers
from tests.fakes.slack.model import Json, Refusal
from tests.fakes.slack.payloads import of_person


@answers("api.test")
def api_test(ask: Ask) -> Json:
    """Return what was sent."""
    if error := ask.text("error"):
        raise Refusal(error)
    return {"args": ask.arguments}


@answers("auth.test")
def auth_test(ask: Ask) -> Json:
    """Return who the token is; an organisation's one is of no workspace."""
    world, grant = ask.world, ask.grant
    if grant.kind == "app":
        return {"app_name": world.app.name, "app_id": world.app.id}
    team = world.teams.get(grant.team_id)
    enterprise = world.enterprises.get(grant.enterprise_id)
    person = world.people[grant.user_id]
    known: Json = {
        "url": f"https://{team.domain if team else enterprise.name if enterprise else ''}.slack.test/",
        "team": team.name if team else enterprise.name if enterprise else "",
        "user": person.name,
        "team_id": grant.owner,
        "user_id": person.id,
        "is_enterprise_install": not grant.team_id,
    }
    if grant.bot_id:
        known["bot_id"] = grant.bot_id
    if grant.enterprise_id:
        known["enterprise_id"] = grant.enterprise_id
    return known


@answers("users.info")
def users_info(ask: Ask) -> Json:
    """Return somebody."""
    return {"user": of_person(ask.world, ask.world.person_for(ask.grant, ask.need("user")), ask.grant)}


@answers("users.list")
def users_list(ask: Ask) -> Json:
    """Return everybody of a workspace."""
    team_id = ask.grant.team_id or ask.need("team_id")
    everybody = [one for one in ask.world.people.values() if one.team_id == team_id]
    found = [of_person(ask.world, one, ask.grant) for one in everybody]
    return {"members": found, "response_metadata": {"next_cursor": ""}}


@answers("bots.info")
def bots_info(ask: Ask) -> Json:
    """Return a bot."""
    for person in ask.world.people.values():
        if person.bot_id and person.bot_id == ask.text("bot"):
            return {"bot": {"id": person.bot_id, "user_id": person.id, "name": person.name, "app_id": ask.grant.app_id}}
    raise Refusal("bot_not_found")


@answers("team.info")
def team_info(ask: Ask) -> Json:
    """Return the workspace."""
    team = ask.world.teams.get(ask.text("team") or ask.text("team_id") or ask.grant.team_id)
    if team is None or not ask.world.reaches(ask.grant, team.id):
        raise Refusal("team_not_found")
    shown: Json = {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": ""}
    if team.enterprise is not None:
        shown |= {"enterprise_id": team.enterprise.id, "enterprise_name": team.enterprise.name}
    return {"team": shown}


@answers("assistant.threads.setStatus")
def set_status(ask: Ask) -> Json:
    """Show what the app is doing in a thread; an empty status takes it away."""
    channel = ask.world.channel_for(ask.grant, ask.need("channel_id"))
    thread_ts = ask.need("thread_ts")
    if len(ask.arguments.get("loading_messages") or []) > 10:
        raise Refusal("invalid_arguments")
    if ask.world.message_at(channel.id, thread_ts) is None:
        raise Refusal("thread_not_found")
    status = {"status": ask.text("status"), "at": ask.world.now()}
    ask.world.statuses[channel.id, thread_ts] = status
    return {}


@answers("assistant.threads.setTitle")
def set_title(ask: Ask) -> Json:
    """Name a thread."""
    channel = ask.world.channel_for(ask.grant, ask.need("channel_id"))
    ask.world.statuses.setdefault((channel.id, ask.need("thread_ts")), {})["title"] = ask.need("title")
    return {}


@answers("assistant.threads.setSuggestedPrompts")
def set_suggested_prompts(ask: Ask) -> Json:
    """Suggest what to say in a thread."""
    channel = ask.world.channel_for(ask.grant, ask.need("channel_id"))
    prompts = ask.arguments.get("prompts") or []
    if not 1 <= len(prompts) <= 4 or any(set(one) != {"title", "message"} for one in prompts):
        raise Refusal("invalid_arguments")
    ask.world.statuses.setdefault((channel.id, ask.text("thread_ts")), {})["prompts"] = prompts
    return {}


@answers("agents.sessions.setStatus")
def set_session_status(ask: Ask) -> Json:
    """Say what an agent's session in a thread is doing."""
    channel = ask.world.channel_for(ask.grant, ask.need("channel_id"))
    if ask.need("status") not in {"processing", "active", "suspended", "closed"}:
        raise Refusal("invalid_arguments")
    ask.world.statuses.setdefault((channel.id, ask.need("thread_ts")), {})["session"] = ask.text("status")
    if "agent_session_stopped" not in ask.world.app.events:
        return {"warning": "missing_agent_session_stopped_event_subscription"}
    return {}


@answers("agents.sessions.rename")
def rename_session(ask: Ask) -> Json:
    """Name an agent's session."""
    channel = ask.world.channel_for(ask.grant, ask.need("channel_id"))
    ask.world.statuses.setdefault((channel.id, ask.need("thread_ts")), {})["title"] = ask.need("title")
    return {}

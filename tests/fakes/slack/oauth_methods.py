"""Installing: the page where people agree, codes, tokens, their renewal and their end."""

import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.fakes.slack import limits
from tests.fakes.slack.asking import Ask, answers
from tests.fakes.slack.model import Code, Enterprise, Grant, Json, Person, Refusal, Team
from tests.fakes.slack.world import World


def agree(world: World, url: str, person: Person, where: Team | Enterprise) -> str:
    """Return where the browser goes when *person* agrees on the page at *url*.

    Raises:
        Refusal: If the page would show an error instead: ``invalid_client_id``, ``invalid_scope``,
            ``bad_redirect_uri``.
    """
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    if asked.get("client_id") != world.app.client_id:
        raise Refusal("invalid_client_id")
    scopes = frozenset(asked.get("scope", "").split(","))
    if not scopes <= limits.ALL_SCOPES:
        raise Refusal("invalid_scope")
    redirect = asked.get("redirect_uri", "") or (world.app.redirect_urls or ("",))[0]
    if not redirect or (world.app.redirect_urls and redirect not in world.app.redirect_urls):
        raise Refusal("bad_redirect_uri")
    code = secrets.token_hex(12)
    world.codes[code] = Code(where, person, scopes, asked.get("redirect_uri", ""), world.now())
    return f"{redirect}?{urlencode({'code': code, 'state': asked.get('state', '')})}"


@answers("oauth.v2.access")
def access(ask: Ask) -> Json:
    """Give a token for a code, or a new token for a refresh token; each of them is good for once."""
    app = ask.world.app
    if ask.text("client_id") != app.client_id:
        raise Refusal("invalid_client_id")
    if ask.text("client_secret") != app.client_secret:
        raise Refusal("bad_client_secret")
    match ask.text("grant_type"):
        case "refresh_token":
            return _described(ask, _renewed(ask))
        case "" | "authorization_code":
            return _described(ask, _exchanged(ask))
        case _:
            raise Refusal("invalid_grant_type")


@answers("auth.revoke")
def revoke(ask: Ask) -> Json:
    """End the token."""
    if not ask.flag("test"):
        ask.grant.is_revoked = True
    return {"revoked": not ask.flag("test")}


@answers("apps.uninstall")
def uninstall(ask: Ask) -> Json:
    """Take the app out of the workspace."""
    if (ask.text("client_id"), ask.text("client_secret")) != (ask.world.app.client_id, ask.world.app.client_secret):
        raise Refusal("bad_client_secret")
    end(ask.world, ask.grant.owner)
    return {}


def end(world: World, owner: str) -> list[Grant]:
    """End every token of a workspace or organisation and return those that lived."""
    ended = [one for one in world.grants.values() if one.owner == owner and not one.is_uninstalled]
    for grant in ended:
        grant.is_uninstalled = grant.is_revoked = True
    return ended


def _exchanged(ask: Ask) -> Grant:
    world = ask.world
    code = world.codes.get(ask.text("code"))
    if code is None:
        raise Refusal("invalid_code")
    if world.now() - code.at > limits.CODE_SECONDS:
        raise Refusal("code_expired")
    if ask.text("redirect_uri") != code.redirect_uri:
        raise Refusal("bad_redirect_uri")
    del world.codes[ask.text("code")]
    living = next((one for one in world.grants.values() if one.owner == code.where.id and not one.is_revoked), None)
    if living is not None and not world.app.rotates_tokens:
        living.scopes |= code.scopes  # scopes only grow, and the token of a second installation is that of the first
        return living
    grant = world.install(code.where, code.person, code.scopes)
    return _with_expiry(world, grant)


def _renewed(ask: Ask) -> Grant:
    world, given = ask.world, ask.text("refresh_token")
    old = world.refresh_tokens.get(given)
    if old is None or given in world.spent_refresh_tokens or old.is_uninstalled:
        raise Refusal("invalid_refresh_token")
    world.spent_refresh_tokens.add(given)
    where = world.teams.get(old.team_id) or world.enterprises[old.enterprise_id]
    return _with_expiry(world, world.install(where, world.people.get(old.installer), old.scopes))


def _with_expiry(world: World, grant: Grant) -> Grant:
    if world.app.rotates_tokens:
        grant.expires_at = world.now() + limits.TOKEN_SECONDS
        world.refresh_tokens[f"xoxe-1-{secrets.token_hex(12)}"] = grant
    return grant


def _described(ask: Ask, grant: Grant) -> Json:
    world = ask.world
    team, enterprise = world.teams.get(grant.team_id), world.enterprises.get(grant.enterprise_id)
    known: Json = {
        "access_token": grant.token,
        "token_type": "bot",
        "scope": ",".join(sorted(grant.scopes)),
        "bot_user_id": grant.user_id,
        "app_id": grant.app_id,
        "team": {"id": team.id, "name": team.name} if team else None,
        "enterprise": {"id": enterprise.id, "name": enterprise.name} if enterprise else None,
        "is_enterprise_install": team is None,
        "authed_user": {"id": grant.installer},
    }
    refresh = next((token for token, one in world.refresh_tokens.items() if one is grant), "")
    return known | ({"refresh_token": refresh, "expires_in": limits.TOKEN_SECONDS} if refresh else {})

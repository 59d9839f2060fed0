"""Who people are, as Slack says, remembered for some minutes."""

from typing import Any

from bots.desk.door import Standing
from bots.desk.requests import Actor
from bots.slack.api import SlackApi
from bots.slack.memory import Recent
from bots.slack.tenants import tenant_of_workspace
from core.clock import Clock
from core.orchestration.ports import PostRefused

_SECONDS = 600.0
_MOST = 5_000
_NOT_OURS = frozenset({"user_not_found", "user_not_visible"})


class Colleagues:
    """Looks people up."""

    def __init__(self, api: SlackApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._known: Recent[str, tuple[float, Standing]] = Recent(_MOST)
        self._names: Recent[str, str] = Recent(_MOST)

    async def standing(self, actor: Actor) -> Standing:
        """See `bots.desk.door.Door.standing`.

        Raises:
            PostRefused, TransientError: As Slack answers.
        """
        known = self._known.get(actor.member_id)
        if known is not None and self._clock.monotonic() < known[0]:
            return known[1]
        standing = await self._look_up(actor)
        self._known.keep(actor.member_id, (self._clock.monotonic() + _SECONDS, standing))
        self._names.keep(actor.external_id, standing.name)
        return standing

    def name(self, external_id: str) -> str:
        """Return somebody's name if it was looked up lately, else empty."""
        return self._names.get(external_id) or ""

    async def _look_up(self, actor: Actor) -> Standing:
        tenant, person = tenant_of_workspace(actor.workspace_id), actor.external_id
        try:
            answer: Any = await self._api.call(
                tenant, "users.info", lambda client: client.users_info(user=person, include_locale=True)
            )
        except PostRefused as error:
            if error.reason not in _NOT_OURS:
                raise
            return Standing(name=actor.name, is_outsider=True)  # whom Slack hides from us is not of this workspace
        return standing_of(answer["user"], tenant)


def standing_of(user: dict[str, Any], tenant: str) -> Standing:
    """Return who *user* is for the workspace or organisation *tenant*.

    What somebody is in a workspace of their own counts for nothing here: the admin of another company is an outsider.
    """
    profile, organisation = user.get("profile") or {}, user.get("enterprise_user") or {}
    homes = {str(user.get("team_id", "")), str(organisation.get("enterprise_id", "")), *organisation.get("teams", ())}
    is_outsider = bool(user.get("is_stranger")) or tenant not in homes
    rules = (user.get("is_admin"), user.get("is_owner"), user.get("is_primary_owner"), organisation.get("is_admin"))
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    return Standing(
        name=str(next((name for name in names if name), "")),
        locale=str(user.get("locale") or ""),
        is_admin=any(rules) and not is_outsider,
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_outsider=is_outsider,
        is_bot=bool(user.get("is_bot") or user.get("is_workflow_bot")),
    )

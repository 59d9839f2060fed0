"""Events: which of them the app gets, and the envelope around them."""

import secrets
from dataclasses import dataclass

from tests.fakes.slack.delivery import Delivering, Delivery
from tests.fakes.slack.limits import EVENT_SCOPES
from tests.fakes.slack.model import Channel, Grant, Json, Team
from tests.fakes.slack.world import World


@dataclass
class Events:
    """Tells the app what it asked for.

    Attributes:
        echoes: False keeps the app's own messages from it; Slack sends them.
    """

    world: World
    delivering: Delivering
    echoes: bool = True

    def announce(self, channel: Channel | None, team: Team, event: Json) -> list[Delivery]:
        """Begin to deliver an event, if the app asked for it, may see it and is there; return the deliveries."""
        grant = self._listener(channel, team)
        if grant is None:
            return []
        if channel is not None and event["type"] == "message":
            event = self._message_event(channel, team, event)
            if not self.echoes and event.get("user") == grant.user_id:
                return []
        key = f"message.{channel.kind}" if channel is not None and event["type"] == "message" else event["type"]
        if not self._wants(grant, key):
            return []
        envelope = self.envelope(channel, team, grant, event)
        return [self.delivering.begin(Delivery("events_api", envelope))]

    def mention(self, channel: Channel, team: Team, message: Json) -> list[Delivery]:
        """Begin to deliver ``app_mention`` for a message that names the bot; in direct messages there is none."""
        grant = self._listener(channel, team)
        if grant is None or channel.kind == "im" or f"<@{grant.user_id}>" not in message.get("text", ""):
            return []
        if not self._wants(grant, "app_mention"):
            return []
        event = {key: value for key, value in message.items() if key not in {"channel_type", "subtype"}}
        event |= {"type": "app_mention", "channel": channel.id, "event_ts": message["ts"]}
        return [self.delivering.begin(Delivery("events_api", self.envelope(channel, team, grant, event)))]

    def tell(self, grant: Grant, team: Team, event: Json) -> list[Delivery]:
        """Begin to deliver an event about a token that may be dead already."""
        if event["type"] not in self.world.app.events:
            return []
        event = {"event_ts": self.world.next_ts(), **event}
        return [self.delivering.begin(Delivery("events_api", self.envelope(None, team, grant, event)))]

    def envelope(self, channel: Channel | None, team: Team, grant: Grant, event: Json) -> Json:
        """Return an event with everything that Slack writes around it."""
        enterprise = team.enterprise.id if team.enterprise else None
        return {
            "token": self.world.app.verification_token,
            "team_id": team.id,
            "enterprise_id": enterprise,
            "context_team_id": team.id,
            "context_enterprise_id": enterprise,
            "api_app_id": self.world.app.id,
            "event": event,
            "type": "event_callback",
            "event_id": self.world.next_id("Ev"),
            "event_time": int(self.world.now()),
            "authorizations": [
                {
                    "enterprise_id": enterprise,
                    "team_id": grant.team_id or None,
                    "user_id": grant.user_id,
                    "is_bot": True,
                    "is_enterprise_install": not grant.team_id,
                }
            ],
            "is_ext_shared_channel": bool(channel and channel.shared_with),
            "event_context": f"4-{secrets.token_hex(16)}",
        }

    def _listener(self, channel: Channel | None, team: Team) -> Grant | None:
        """Return the token through which the app hears of something; in channels its bot must be a member."""
        teams = [team, *(self.world.teams[one] for one in sorted(channel.shared_with))] if channel else [team]
        for one in teams:
            grant = self.world.bot_of(one)
            if grant is not None and (channel is None or grant.user_id in channel.members):
                return grant
        return None

    def _wants(self, grant: Grant, key: str) -> bool:
        scopes = EVENT_SCOPES.get(key, ())
        return key in self.world.app.events and (not scopes or bool(set(scopes) & grant.scopes))

    def _message_event(self, channel: Channel, team: Team, event: Json) -> Json:
        hidden = {"metadata", "reactions", "reply_count", "reply_users", "latest_reply"}
        event = {key: value for key, value in event.items() if key not in hidden}
        event |= {"channel": channel.id, "channel_type": channel.event_type, "event_ts": event["ts"]}
        home = self.world.people[event["user"]].team_id if event.get("user") in self.world.people else team.id
        if home != team.id and home in self.world.teams:
            event |= {"user_team": home, "source_team": home, "team": home}
        return event

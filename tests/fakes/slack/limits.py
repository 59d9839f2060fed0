"""Slack's numbers, each with its source: scopes and tiers of methods, sizes of messages and views."""

from dataclasses import dataclass, field

FALLBACK_TEXT = 40_000
"""Longer text is cut off. docs: chat.postMessage."""
UPDATE_TEXT = 4_000
"""Longer text in chat.update is refused. Reported in issue threads."""
MARKDOWN_TEXT = 12_000
"""Of a `markdown_text`, and of all markdown blocks of a payload in sum. docs: markdown block, chat.startStream."""
ALL_BLOCKS_TEXT = 13_200
"""Of all texts of a message's blocks in sum. Reported: slackapi/bolt-js#2509."""
BLOCKS = {"message": 50, "modal": 100, "home": 100}
"""docs: blocks."""
TABLE_ROWS, TABLE_COLUMNS = 100, 20
"""docs: table block."""
TASK_TEXT = 256
"""Of each text of a task_update or plan_update chunk. Reported by users of the streaming methods."""
STREAM_TEXT = 40_000
"""Of a stream with its tasks' JSON, beyond which stopStream fails. The figure is ours, the failure is reported."""
METADATA_BYTES = 8_192
STREAM_SECONDS = 300.0
"""Absolute life of a stream, appends or not. Reported: slackapi/python-slack-sdk#1859."""
TRIGGER_SECONDS = 3.0
"""docs: handling user interaction."""
RESPONSE_URL_USES, RESPONSE_URL_SECONDS = 5, 1_800.0
"""docs: handling user interaction."""
ACK_SECONDS = 3.0
RETRY_AFTER_SECONDS = (0.0, 60.0, 300.0)
"""docs: Events API, "at once, after a minute, after five"."""
TOKEN_SECONDS = 43_200
"""docs: token rotation."""
CODE_SECONDS = 600.0
"""docs: installing with OAuth."""
HISTORY_LIMITED_OBJECTS, HISTORY_LIMITED_PER_MINUTE = 15, 1
"""For commercially distributed apps outside the Marketplace. docs: rate limits."""
MODAL_STACK = 3
"""docs: modals."""
REPLIES_DEFAULT, HISTORY_DEFAULT, MOST_OBJECTS = 1_000, 100, 999
FILES_PER_INPUT = 10
STATUS_PER_MINUTE, POSTS_PER_TEAM_MINUTE, POSTS_PER_CHANNEL_SECOND = 60, 300, 1

TIERS = {1: 1, 2: 20, 3: 50, 4: 100, 5: 600}
"""Calls a minute. docs: rate limits; the tier of each method: Slack's own SDK."""


@dataclass(frozen=True)
class Rule:
    """What a method asks for and what it is allowed.

    Attributes:
        scopes: Any one of them is enough; empty where none is needed. ``{kind}`` stands for the channel's.
        tier: Its tier, or 0 where *per_minute* says it.
        token: The kinds of token it takes.
        extra: Arguments that slack_sdk's method does not name but Slack takes.
    """

    scopes: tuple[str, ...] = ()
    tier: int = 3
    per_minute: int = 0
    token: frozenset[str] = field(default=frozenset({"bot", "user"}))
    extra: frozenset[str] = field(default=frozenset())

    @property
    def calls_a_minute(self) -> int:
        return self.per_minute or TIERS[self.tier]


_APP = frozenset({"app"})
_NONE = frozenset({"none"})
_ANY = frozenset({"bot", "user", "app"})
_WRITE = ("chat:write",)

RULES: dict[str, Rule] = {
    "api.test": Rule(tier=5, token=_ANY | _NONE, extra=frozenset({"foo"})),
    "auth.test": Rule(tier=5, token=_ANY),
    "auth.revoke": Rule(),
    "apps.connections.open": Rule(("connections:write",), tier=1, token=_APP),
    "apps.uninstall": Rule(tier=1, extra=frozenset({"client_id", "client_secret"})),
    "oauth.v2.access": Rule(tier=4, token=_NONE),
    "chat.postMessage": Rule(_WRITE, per_minute=POSTS_PER_TEAM_MINUTE),
    "chat.update": Rule(_WRITE, tier=3),
    "chat.delete": Rule(_WRITE, tier=3),
    "chat.postEphemeral": Rule(_WRITE, tier=4),
    "chat.startStream": Rule(_WRITE, tier=2),
    "chat.appendStream": Rule(_WRITE, tier=4),
    "chat.stopStream": Rule(_WRITE, tier=2),
    "chat.getPermalink": Rule(tier=5),
    "conversations.info": Rule(("{kind}:read",), tier=3),
    "conversations.open": Rule(("im:write", "mpim:write"), tier=3),
    "conversations.join": Rule(("channels:join",), tier=3),
    "conversations.members": Rule(("{kind}:read",), tier=4),
    "conversations.list": Rule(("channels:read", "groups:read", "im:read", "mpim:read"), tier=2),
    "conversations.history": Rule(("{kind}:history",), tier=3),
    "conversations.replies": Rule(("{kind}:history",), tier=3),
    "reactions.add": Rule(("reactions:write",), tier=3),
    "reactions.remove": Rule(("reactions:write",), tier=2),
    "reactions.get": Rule(("reactions:read",), tier=3),
    "files.getUploadURLExternal": Rule(("files:write",), tier=4),
    "files.completeUploadExternal": Rule(("files:write",), tier=4, extra=frozenset({"blocks"})),
    "files.info": Rule(("files:read",), tier=4),
    "files.delete": Rule(("files:write",), tier=3),
    "views.open": Rule(tier=4),
    "views.push": Rule(tier=4),
    "views.update": Rule(tier=4),
    "views.publish": Rule(tier=4),
    "users.info": Rule(("users:read",), tier=4),
    "users.list": Rule(("users:read",), tier=2),
    "bots.info": Rule(("users:read",), tier=3),
    "team.info": Rule(("team:read",), tier=3),
    "assistant.threads.setStatus": Rule(("chat:write", "assistant:write"), per_minute=STATUS_PER_MINUTE),
    "assistant.threads.setTitle": Rule(("assistant:write",), tier=3),
    "assistant.threads.setSuggestedPrompts": Rule(("assistant:write",), tier=3),
    "agents.sessions.setStatus": Rule(_WRITE, per_minute=STATUS_PER_MINUTE),
    "agents.sessions.rename": Rule(_WRITE, tier=3),
}

EVENT_SCOPES: dict[str, tuple[str, ...]] = {
    "app_mention": ("app_mentions:read",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "file_shared": ("files:read",),
    "reaction_added": ("reactions:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "channel_archive": ("channels:read",),
    "group_archive": ("groups:read",),
    "app_home_opened": (),
    "app_uninstalled": (),
    "tokens_revoked": (),
    "team_access_granted": (),
    "team_access_revoked": (),
    "app_rate_limited": (),
    "agent_session_stopped": (),
    "assistant_thread_started": ("assistant:write",),
}
"""Events that the app may ask for, with the scopes any one of which brings it. docs: events."""

ALL_SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "chat:write",
        "chat:write.customize",
        "chat:write.public",
        "channels:history",
        "channels:join",
        "channels:read",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "mpim:write",
        "reactions:read",
        "reactions:write",
        "team:read",
        "users:read",
        "users:read.email",
    }
)
"""The scopes that this Slack knows; another one ends an installation with ``invalid_scope``."""

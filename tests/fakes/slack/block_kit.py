"""Block Kit in tables: what may stand where and how long it may be. docs: reference/block-kit."""

from tests.fakes.slack.limits import FILES_PER_INPUT, MARKDOWN_TEXT, TABLE_COLUMNS, TABLE_ROWS

_ACTION = ("action_id", "confirm", "focus_on_load", "placeholder")
_OPTIONS = (*_ACTION, "options", "option_groups")
_TYPING = (*_ACTION, "initial_value", "dispatch_action_config")
_LOOKS = ("text", "url", "value", "style", "confirm", "accessibility_label", "action_id")

KEYS: dict[str, tuple[str, ...]] = {
    "section": ("text", "fields", "accessory", "expand"),
    "divider": (),
    "header": ("text",),
    "markdown": ("text",),
    "context": ("elements",),
    "actions": ("elements",),
    "context_actions": ("elements",),
    "image": ("alt_text", "image_url", "slack_file", "title"),
    "input": ("dispatch_action", "element", "hint", "label", "optional"),
    "table": ("rows", "column_settings"),
    "rich_text": ("elements",),
    "task_card": ("task_id", "title", "status", "details", "output", "sources"),
    "plan": ("title", "tasks"),
    "plain_text": ("text", "emoji"),
    "mrkdwn": ("text", "verbatim"),
    "raw_text": ("text",),
    "button": _LOOKS,
    "feedback_buttons": ("action_id", "positive_button", "negative_button"),
    "icon_button": ("action_id", "icon", "text", "value", "confirm", "accessibility_label", "visible_to_user_ids"),
    "overflow": ("action_id", "confirm", "options"),
    "static_select": (*_OPTIONS, "initial_option"),
    "multi_static_select": (*_OPTIONS, "initial_options", "max_selected_items"),
    "users_select": (*_ACTION, "initial_user"),
    "conversations_select": (
        *_ACTION,
        "initial_conversation",
        "default_to_current_conversation",
        "response_url_enabled",
        "filter",
    ),
    "multi_conversations_select": (
        *_ACTION,
        "initial_conversations",
        "default_to_current_conversation",
        "max_selected_items",
        "filter",
    ),
    "channels_select": (*_ACTION, "initial_channel", "response_url_enabled"),
    "checkboxes": (*_ACTION, "options", "initial_options"),
    "radio_buttons": (*_ACTION, "options", "initial_option"),
    "plain_text_input": (*_TYPING, "multiline", "min_length", "max_length"),
    "number_input": (*_TYPING, "is_decimal_allowed", "min_value", "max_value"),
    "file_input": (*_ACTION, "filetypes", "max_files"),
    "rich_text_section": ("elements", "text"),
    "rich_text_preformatted": ("elements", "border"),
    "rich_text_quote": ("elements", "border"),
    "rich_text_list": ("elements", "style", "indent", "offset", "border"),
    "text": ("text", "style"),
    "link": ("url", "text", "style", "unsafe"),
    "emoji": ("name", "unicode", "skin_tone", "style"),
    "user": ("user_id", "style"),
    "url": ("url", "text"),
}
"""What may stand in each kind of block, element and text, beside ``type`` and ``block_id``. docs: Block Kit."""

PLACES = {
    "message": frozenset(
        [
            "section",
            "divider",
            "header",
            "markdown",
            "context",
            "actions",
            "context_actions",
            "image",
            "table",
            "rich_text",
            "task_card",
            "plan",
        ]
    ),
    "modal": frozenset(["section", "divider", "header", "context", "actions", "image", "input", "rich_text"]),
    "home": frozenset(["section", "divider", "header", "context", "actions", "image", "input", "rich_text"]),
}
KINDS = frozenset.union(*PLACES.values())
ELEMENTS = {
    "actions": frozenset(
        [
            "button",
            "static_select",
            "users_select",
            "conversations_select",
            "channels_select",
            "overflow",
            "checkboxes",
            "radio_buttons",
        ]
    ),
    "context": frozenset({"mrkdwn", "plain_text", "image"}),
    "context_actions": frozenset({"feedback_buttons", "icon_button"}),
    "rich_text": frozenset({"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}),
}
MOST_ELEMENTS = {"actions": 25, "context": 10, "context_actions": 5}
PLAIN_ONLY = {
    "header": ("text",),
    "button": ("text",),
    "input": ("label", "hint"),
    "image": ("title",),
    "modal": ("title", "submit", "close"),
}
LENGTHS: dict[tuple[str, str], int] = {
    ("section", "text"): 3000,
    ("header", "text"): 150,
    ("markdown", "text"): MARKDOWN_TEXT,
    ("image", "alt_text"): 2000,
    ("image", "image_url"): 3000,
    ("image", "title"): 2000,
    ("input", "label"): 2000,
    ("input", "hint"): 2000,
    ("button", "text"): 75,
    ("button", "value"): 2000,
    ("button", "url"): 3000,
    ("button", "accessibility_label"): 75,
    ("option", "text"): 75,
    ("option", "value"): 150,
    ("option", "description"): 75,
    ("option_group", "label"): 75,
    ("feedback", "text"): 75,
    ("feedback", "value"): 2000,
    ("confirm", "title"): 100,
    ("confirm", "text"): 300,
    ("confirm", "confirm"): 30,
    ("confirm", "deny"): 30,
    ("modal", "title"): 24,
    ("modal", "submit"): 24,
    ("modal", "close"): 24,
    ("view", "private_metadata"): 3000,
    ("view", "callback_id"): 255,
    ("view", "external_id"): 255,
    ("*", "action_id"): 255,
    ("*", "block_id"): 255,
    ("*", "placeholder"): 150,
}
VIEW_KEYS = frozenset(
    [
        "type",
        "title",
        "submit",
        "close",
        "blocks",
        "private_metadata",
        "callback_id",
        "external_id",
        "clear_on_close",
        "notify_on_close",
        "submit_disabled",
    ]
)


WHAT_HOLDS = {
    "section": "a field must be less than 2001 characters",
    "image": "missing required field: alt_text",
    "table": f"no more than {TABLE_ROWS} rows and {TABLE_COLUMNS} columns",
    "file_input": f"modals only, max_files from 1 to {FILES_PER_INPUT}",
    "task_card": "unknown status",
    "button": "unknown style",
    "checkboxes": "no more than 10 options",
    "radio_buttons": "no more than 10 options",
}
STATES = frozenset({"pending", "in_progress", "complete", "error"})

"""Slack's numbers, each with its source, and the smaller ones that we keep to be safe of them.

Sources: (docs) docs.slack.dev; (sdk) slack_sdk's own models; (reported) seen by others and not in the docs.
"""

TEXT = 4_000
"""Characters of ``text``: keep to 4,000, cut at 40,000 (docs: chat.postMessage); chat.update takes 4,000 (reported)."""
MESSAGE_CHARACTERS = 11_000
"""What we put into one message: its markdown blocks may hold 12,000 together (docs: markdown block), and Slack answers
``msg_blocks_too_long`` from about 13,200 characters of any blocks on (reported: bolt-js#2509)."""
MESSAGE_BLOCKS = 46
"""Blocks that we put into one message of 50 (docs: Block Kit), so that a mention and remarks find room."""
MESSAGES_IN_POST = 3
"""Messages that one post may take; what is longer comes as a file, since nobody reads a wall."""

SECTION_TEXT = 3_000
"""Characters of a section's text and of any text object (docs, sdk)."""
FIELDS_IN_SECTION = 10
"""Fields of a section (docs, sdk)."""
FIELD_TEXT = 2_000
"""Characters of one field (docs)."""
HEADER_TEXT = 150
"""Characters of a header (docs, sdk)."""
ACTIONS = 25
"""Elements of an actions block (docs, sdk)."""
BUTTON_TEXT = 75
"""Characters of a button's label (docs)."""
BUTTON_VALUE = 2_000
"""Characters of a button's value (docs)."""
IDENTIFIER = 255
"""Characters of action_id, block_id and callback_id (docs)."""
TABLE_ROWS = 100
"""Rows of a table, its header among them (docs: table block)."""
TABLE_COLUMNS = 20
"""Columns of a table (docs: table block)."""
TABLES_IN_MESSAGE = 1
"""Tables of a message: more are ``only_one_table_allowed`` (docs: table block)."""
USERNAME = 80
"""Characters of the name under which an agent speaks (reported)."""
ALT_TEXT = 1_000
"""Characters of a picture's alt text (docs: files.getUploadURLExternal)."""

CALLS_A_MINUTE = {
    "chat.postMessage": 200,  # "several hundred per minute" (docs: rate limits); besides one a second and channel
    "chat.update": 50,
    "chat.delete": 50,
    "chat.startStream": 20,
    "chat.stopStream": 20,
    "chat.appendStream": 100,
    "conversations.history": 50,
    "conversations.replies": 50,
    "chat.postEphemeral": 100,
    "conversations.info": 50,
    "conversations.open": 50,
    "files.getUploadURLExternal": 100,
    "files.info": 100,
    "reactions.add": 50,
    "users.info": 100,
    "views.publish": 100,
}
"""Calls a minute, method and team (sdk: its table of tiers). A method that is not named here has `UNKNOWN_METHOD`."""
UNKNOWN_METHOD = 20
POST_INTERVAL_SECONDS = 1.0
"""One post a second and channel (docs: rate limits)."""
POSTS = frozenset({"chat.postMessage", "chat.startStream"})
"""Methods that post into a channel."""

STREAM_SECONDS = 240
"""How long we use a stream: Slack ends each after about 300 s, whatever happens in it (reported: python-slack-sdk#1859)."""
APPEND_SECONDS = 3.0
"""Seconds between two appends to a stream, and at least between two edits of a card that shows progress."""
HISTORY_PAGE = 200
"""Messages that we ask for at once; apps outside the Marketplace get 15 (docs: conversations.replies)."""
HISTORY_PAGES = 20
"""Pages that a look-up reads before it says that it cannot tell."""

MODAL_TITLE = 24
"""Characters of a modal's title, of its submit and its close (docs, sdk)."""
FIELD_LABEL = 2_000
"""Characters of an input's label and of its hint (docs)."""
INPUT_TEXT = 3_000
"""Characters of a text field (docs: plain-text input)."""
OPTIONS = 100
"""Choices of a select (docs, sdk)."""
OPTION_TEXT = 75
"""Characters of a choice (docs)."""
FILES_IN_INPUT = 10
"""Files of a file field, of 10 MB each (docs: file input)."""
METADATA = 3_000
"""Characters of a view's private_metadata (docs, sdk)."""
VIEW_BLOCKS = 100
"""Blocks of a modal or a home tab (docs)."""
RESPONSE_URL_USES = 5
"""Answers that a response_url takes, within half an hour (docs: handling user interaction)."""
THREADS_CAUGHT_UP = 50
"""Threads that are read for what was missed: a minute's worth of conversations.replies where one team has them all."""
PAGES_CAUGHT_UP = 3
"""Pages of each of them."""
SESSIONS_LOOKED_THROUGH = 1_000
"""Live sessions of all platforms among which those threads are looked for, the newest."""
SILENCE_SECONDS = 600.0
"""How long no event may come in until it is looked up what was missed: Slack's last try comes after six minutes (docs)."""

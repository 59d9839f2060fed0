"""Discord's numbers, each with its source, and the smaller ones that we keep to be safe of them.

Sources: (docs) discord.com/developers/docs; (library) discord.py's own source; (folklore) believed and not documented.
"""

MESSAGE_TEXT = 4_000
"""Characters over all text displays of a message with Components V2 (docs); discord.py does not check it."""
MESSAGE_CHARACTERS = 3_900
"""What we put into one message, so that a mention finds room."""
MESSAGE_CHARACTERS_WITH_FILES = 3_400
"""The same where files go with it: each that Discord does not take is told in a line."""
MESSAGE_COMPONENTS = 40
"""Components of a message, nested ones among them (docs)."""
OUR_COMPONENTS = 27
"""Components that we put into one message: a mention, a remark and ten files find room beside them."""
MESSAGES_IN_POST = 3
"""Messages that one post may take; what is longer comes as a file, since nobody reads a wall."""
BUTTONS_IN_ROW = 5
"""Buttons of an action row (docs)."""
BUTTON_LABEL = 80
BUTTON_URL = 512
"""Characters of a button's label (docs)."""
CUSTOM_ID = 100
"""Characters of a custom id (docs)."""
NONCE = 25
"""Characters of a nonce (docs)."""
THREAD_NAME = 100
"""Characters of a thread's name (docs)."""
THREAD_ARCHIVE_MINUTES = 10_080
"""Minutes after which Discord archives a silent thread, of 60, 1440, 4320 and 10080 (docs)."""

FILE_BYTES = 10 * 1024 * 1024
"""Bytes of one file in a server without boosts (docs)."""
REQUEST_BYTES = 24 * 1024 * 1024
"""Bytes of all files of a message: 25 MiB a request (docs), less what goes around them."""
FILES = 10
"""Files of a message (docs)."""
FILE_NAME = 100
"""Characters of a file's name that we send; Discord takes more, and nobody reads them."""

EDIT_SECONDS = 55 * 60
"""How old a message may be to be edited: after an hour Discord throttles edits (docs: code 30046)."""
EDIT_GAP_SECONDS = 2.0
"""Seconds between two edits of one message that only say how far things are."""
CHANNEL_GAP_SECONDS = 1.0
"""The same of one channel: about five messages or edits in five seconds (folklore)."""
SIGNS_A_SECOND = 20
"""Edits a second, of one process, that only say how far things are: a bot has 50 requests (docs)."""

INVALID_REQUESTS = 10_000
"""Answers of 401, 403 and 429 in `INVALID_SECONDS` after which Discord bans an address (docs)."""
INVALID_SECONDS = 600.0
OUR_INVALID_REQUESTS = 1_000
"""How many of them we let happen, of one process: several share the address, and other bots may."""
BAN_SECONDS = 300.0
"""How long nothing is sent after a 429 that is not Discord's own but its gatekeeper's."""
TOKEN_SECONDS = 60.0
"""How long nothing is sent after Discord did not know our token."""

HISTORY_PAGE = 100
"""Messages that are read at once (docs)."""
HISTORY_PAGES = 20
"""Pages that a look-up reads before it says that it cannot tell."""
CALL_SECONDS = 120.0
"""How long a call may take, with the waits and repeats of the library."""
WAIT_SECONDS = 30.0
"""The longest wait for a rate limit within the library; longer ones come to us as an error (library: at least 30)."""

COMMAND_ENTRIES = 25
"""Subcommands and groups of a command, options of a subcommand (docs)."""
COMMAND_CHARACTERS = 8_000
"""Characters of all names, descriptions and values of a command together (docs)."""
DESCRIPTION = 100
"""Characters of the description of a command or of an option (docs)."""
OPTION_TEXT = 6_000
"""Characters of a text that is typed into an option (docs)."""
CHOICES = 25
"""Choices of an option, and proposals while somebody types (docs)."""
CHOICE = 100
"""Characters of a choice, of its name and of its value (docs)."""
MODAL_PARTS = 5
"""Parts of a modal: fields with their labels, and texts (docs)."""
MODAL_TITLE = 45
"""Characters of a modal's title (docs)."""
LABEL = 45
"""Characters of a label (docs)."""
LABEL_HELP = 100
"""Characters of what stands beside a label (docs)."""
INPUT_TEXT = 4_000
"""Characters of a text that is typed into a modal (docs)."""
MODAL_FILES = 10
"""Files of a field of a modal (docs)."""

FIRST_ANSWER_SECONDS = 3.0
"""How long Discord waits for the first answer to an interaction (docs)."""
FORM_SECONDS = 1.8
"""How long we look whether a form is to be opened, so that the first answer still comes in time."""
COMPLETION_SECONDS = 2.0
"""How long we look for proposals while somebody types."""
TOKEN_LIFE_SECONDS = 14 * 60
"""How long the token of an interaction is used: Discord takes it for 15 minutes (docs)."""
IDENTIFIES_A_DAY = 900
"""Sessions that a process begins at the gateway in 24 hours: at 1,000 Discord resets the token (docs)."""
IDENTIFY_SECONDS = 5.0
"""Seconds between two of them (docs)."""
RECENT_MESSAGES = 100
"""Messages of a thread that are read for what was missed, or for files that were given there."""
MESSAGES_LOOKED_UP = 20
"""Messages of a session's place that are asked for one by one after a gap: see `bots.discord.rereading`."""

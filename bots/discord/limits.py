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

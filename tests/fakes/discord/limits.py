"""Numbers of Discord's, each with where it comes from."""

MEBIBYTE = 1024 * 1024

CONTENT_CHARACTERS = 2000  # docs: Create Message
NONCE_CHARACTERS = 25  # docs: Create Message
NONCE_SECONDS = 300.0  # docs: "the past few minutes"
EMBEDS = 10  # docs: Create Message
EMBED_CHARACTERS = 6000  # docs: Embed Limits, over all embeds of a message
FILES = 10  # docs: Create Message
REQUEST_BYTES = 25 * MEBIBYTE  # docs: Uploading Files
LINK_HOURS = 24  # reported: links of attachments live about a day

COMPONENTS = 40  # docs: Components V2, over the whole message
DISPLAY_CHARACTERS = 4000  # docs: Components V2, over all text displays
ROWS = 5  # docs: messages without Components V2
BUTTONS_A_ROW = 5  # docs: Action Row
CUSTOM_ID_CHARACTERS = 100  # docs: Custom ID
LABEL_CHARACTERS = 80  # docs: Button
URL_CHARACTERS = 512  # docs: Button
OPTIONS_OF_A_SELECT = 25  # docs: String Select
OPTION_CHARACTERS = 100  # docs: String Select, label, value and description
PLACEHOLDER_CHARACTERS = 150  # docs: String Select
SECTION_TEXTS = 3  # docs: Section
GALLERY_ITEMS = 10  # docs: Media Gallery

MODAL_TITLE_CHARACTERS = 45  # docs: Modal
MODAL_PARTS = 5  # docs: Modal
INPUT_CHARACTERS = 4000  # docs: Text Input
LABEL_TEXT_CHARACTERS = 45  # docs: Label
LABEL_DESCRIPTION_CHARACTERS = 100  # docs: Label

ACK_SECONDS = 3.0  # docs: Receiving and Responding
TOKEN_SECONDS = 900.0  # docs: Followup Messages
AUTOCOMPLETE_CHOICES = 25  # docs: Autocomplete

COMMANDS_OF_A_KIND = {1: 100, 2: 15, 3: 15}  # docs: Registering a Command; facts say 15 since 2025
COMMAND_CHARACTERS = 8000  # docs: names, descriptions and values of a command, its options and choices together
COMMAND_OPTIONS = 25  # docs: Application Command Structure
COMMAND_NAME = r"^[-_'\w\u0900-\u097f\u0e00-\u0e7f]{1,32}$"  # docs: Application Command Naming
COMMAND_DESCRIPTION_CHARACTERS = 100  # docs: Application Command Structure
CHOICE_CHARACTERS = 100  # docs: Option Choice Structure
CREATES_A_DAY = 200  # docs: Rate Limits of commands, a guild

THREAD_NAME_CHARACTERS = 100  # docs: Start Thread
ARCHIVE_MINUTES = frozenset({60, 1440, 4320, 10080})  # docs: Thread Metadata
ACTIVE_THREADS = 1000  # reported: 160006
OLD_AFTER_SECONDS = 3600.0  # docs: 30046
OLD_EDITS = 3  # nobody says how many edits of old messages pass; strict

IDENTIFIES_A_DAY = 1000  # docs: Session Start Limit
GATEWAY_SENDS = 120  # docs: Gateway Rate Limiting, in 60 s
GATEWAY_SECONDS = 60.0
GLOBAL_A_SECOND = 50  # docs: Rate Limits
INVALID_REQUESTS = 10_000  # docs: in 10 minutes, 401, 403 and 429 other than shared
INVALID_SECONDS = 600.0

"""The terminal keeps the laws of ChatPort and shows a session as people read it."""

import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from bots.terminal.chat import Mode, TerminalChat
from bots.terminal.payload import decode_elements, encode
from bots.views.posts import view_of
from core.casts.model import Phase
from core.clock import SystemClock
from core.ids import derived_key
from core.orchestration.ports import Content, Part, PostKind, Progress
from core.sessions.model import Round, Status, ThreadRef
from tests.bots.views.samples import SESSION, SNAPSHOT, TURNS
from tests.contracts.chat_port import NOON, ChatPortLaws

_THREAD = ThreadRef(platform="terminal", channel="C1", thread=SESSION.id, card="t1")


class Harness:
    def __init__(self, mode: Mode) -> None:
        self.output = io.StringIO()
        self.console = Console(file=self.output, width=120, force_terminal=mode is Mode.LIVE, color_system=None)
        self.chat = TerminalChat(self.console, clock=SystemClock(), mode=mode)

    async def shown(self) -> Sequence[tuple[str, str]]:
        return self.chat.printed


@pytest.fixture(params=list(Mode))
def harness(request: pytest.FixtureRequest) -> Harness:
    return Harness(request.param)


class TestTerminalChat(ChatPortLaws):
    @pytest.fixture
    def harness(self, harness: Harness) -> Harness:
        return harness


def _progress(state: str, role_key: str = "style", **facts: object) -> Progress:
    update = Progress(
        thread=_THREAD, session_id=SESSION.id, round=1, role_key=role_key, phase=Phase.EDITOR, state=state
    )
    return replace(update, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(PostKind))
def test_a_payload_holds_the_whole_view(kind: PostKind) -> None:
    """A post that was stored as JSON is drawn as the view that it was."""
    content = Content(kind=kind, snapshot=SNAPSHOT, round=1, role_key="style", code="parked", file_ids=("f_1",))
    view, payload = encode(content)
    assert view == view_of(content, has_buttons=False)
    assert decode_elements(payload) == view.elements


async def test_a_round_is_printed_when_it_is_complete() -> None:
    """A card that reports progress moves the panels; the finished card is printed once."""
    harness = Harness(Mode.PLAIN)
    working = replace(SNAPSHOT, rounds=(SNAPSHOT.rounds[0], Round(SESSION.id, 1, NOON)), turns=TURNS[:4])
    (begun,) = harness.chat.render(Content(kind=PostKind.ROUND_CARD, snapshot=working, round=1))
    (ended,) = harness.chat.render(Content(kind=PostKind.ROUND_CARD, snapshot=SNAPSHOT, round=1))
    post_id = await harness.chat.send(_THREAD, begun, key=derived_key("round"))
    assert harness.output.getvalue() == ""
    (refined,) = harness.chat.render(
        Content(kind=PostKind.ROUND_CARD, snapshot=replace(SNAPSHOT, notes=SNAPSHOT.notes[:2]), round=1)
    )
    for part in (ended, ended, refined):
        await harness.chat.edit(_THREAD, post_id, part)
    assert harness.output.getvalue().count("Round 1 (rehearsal)") == 1


async def test_the_session_card_is_printed_once() -> None:
    """Later states of the card move the progress line instead of filling the screen."""
    harness = Harness(Mode.PLAIN)
    running, done = (
        harness.chat.render(
            Content(kind=PostKind.SESSION_CARD, snapshot=replace(SNAPSHOT, session=replace(SESSION, status=status)))
        )[0]
        for status in (Status.RUNNING, Status.COMPLETED)
    )
    thread = await harness.chat.open_thread(SESSION, running, key=derived_key("card"))
    await harness.chat.edit(thread, thread.card, done)
    assert harness.output.getvalue().count("Editors:") == 1


async def test_plain_lines_say_who_does_what() -> None:
    """Without a terminal, each change of state is one line, and text is not streamed."""
    harness = Harness(Mode.PLAIN)
    (card,) = harness.chat.render(Content(kind=PostKind.SESSION_CARD, snapshot=SNAPSHOT))
    await harness.chat.open_thread(SESSION, card, key=derived_key("card"))
    harness.output.truncate(0)
    harness.output.seek(0)
    harness.chat.progress(_progress("started"))
    harness.chat.progress(_progress("retrying"))
    harness.chat.progress(_progress("fell_back"))
    harness.chat.progress(_progress("writing", delta="some text"))
    harness.chat.progress(_progress("finished", score=7.7))
    assert harness.output.getvalue().splitlines() == [
        "Round 1, Style editor: thinking",
        "Round 1, Style editor: trying again",
        "Round 1, Style editor: asking another model",
        "Round 1, Style editor: finished: 7.7",
    ]


async def test_live_panels_stand_side_by_side() -> None:
    """Parallel editors each have a panel with name, state and readable text, above round, score and credits."""
    harness = Harness(Mode.LIVE)
    (card,) = harness.chat.render(Content(kind=PostKind.SESSION_CARD, snapshot=SNAPSHOT))
    await harness.chat.open_thread(SESSION, card, key=derived_key("card"))
    for role_key in ("content", "style", "facts"):
        harness.chat.progress(_progress("started", role_key))
    harness.chat.progress(
        _progress("writing", "style", delta='{"notes": [{"comment": "Doubled', done_blocks=1, total_blocks=3)
    )
    board = harness.chat._board.draw(120)
    drawn = Console(file=io.StringIO(), width=120, record=True, color_system=None)
    drawn.print(board)
    text = drawn.export_text()
    top = text.splitlines()[0]
    assert top.index("Content editor") < top.index("Style editor") < top.index("Fact checker")
    assert "Doubled" in text
    assert "writing: 1 of 3 paragraphs" in text
    assert text.splitlines()[-1].strip() == (
        "proposal.docx · Round 1 of up to 1 · score 6.1 > 7.8 · 10 of at most 40 credits ($0.10 of $0.40)"
    )
    harness.chat.close()


async def test_frames_are_coalesced() -> None:
    """However many signs of life come, one frame is pending at most."""
    harness = Harness(Mode.LIVE)
    for _ in range(1000):
        harness.chat.progress(_progress("writing", delta="word "))
    frame = harness.chat._frame
    assert frame is not None
    harness.chat.progress(_progress("writing", delta="word "))
    assert harness.chat._frame is frame
    harness.chat.close()


async def test_silence_is_complete() -> None:
    """With --json nothing of the session is written: standard output belongs to the caller."""
    harness = Harness(Mode.SILENT)
    await harness.chat.send(_THREAD, Part(text="hello"), key="k")
    harness.chat.progress(_progress("started"))
    harness.chat.say("hello")
    harness.chat.close()
    assert harness.output.getvalue() == ""


async def test_plain_lines_have_no_marks_of_emphasis() -> None:
    """Who speaks stands there as a name, not between stars that nothing draws."""
    harness = Harness(Mode.PLAIN)
    (card,) = harness.chat.render(Content(kind=PostKind.ROUND_CARD, snapshot=SNAPSHOT, round=1))
    await harness.chat.send(_THREAD, card, key="k")
    assert "Style editor" in harness.output.getvalue()
    assert "**" not in harness.output.getvalue()
    assert "_declined" not in harness.output.getvalue()


async def test_panels_swallow_nothing() -> None:
    """Tags, entities and pictures are text to be read, and a link shows where it leads."""
    harness = Harness(Mode.LIVE)
    said = "Use <b>, &lt; and ![a](https://a.test), see [here](https://evil.test), in `<code>` too."
    rounds = tuple(replace(one, summary=said) for one in SNAPSHOT.rounds)
    (card,) = harness.chat.render(Content(kind=PostKind.ROUND_CARD, snapshot=replace(SNAPSHOT, rounds=rounds), round=1))
    await harness.chat.send(_THREAD, card, key="k")
    harness.chat.close()
    shown = harness.output.getvalue()
    for piece in ("<b>", "&lt;", "https://a.test", "here (https://evil.test)", "<code>"):
        assert piece in shown
    assert "\x1b]8;" not in shown


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.PLAIN])
async def test_model_text_cannot_move_the_cursor(mode: Mode) -> None:
    """Escape sequences in a comment are printed as harmless text, not obeyed."""
    harness = Harness(mode)
    notes = (replace(SNAPSHOT.notes[0], round=1, comment="\x1b]0;owned\x07\x1b[2Jhello [red]x[/red]"),)
    (card,) = harness.chat.render(Content(kind=PostKind.ROUND_CARD, snapshot=replace(SNAPSHOT, notes=notes), round=1))
    await harness.chat.send(_THREAD, card, key="k")
    harness.chat.close()
    assert "\x1b]0;" not in harness.output.getvalue()
    assert "\x1b[2J" not in harness.output.getvalue()
    assert "[red]x[/red]" in harness.output.getvalue()

"""What people read: every word, a page at a time, in the words of the views."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.commands import BY_NAME, Place
from bots.desk.billing import billing_part
from bots.desk.requests import RequestKind
from bots.desk.tools import Call, Handlers, Tools
from bots.views.ask import said
from bots.views.elements import Button, Buttons, Element, Quote, Small, Text
from bots.views.pager import chunked, cut_text, page_of, turning
from bots.views.pages import PAGE_CHARACTERS
from bots.views.receipt import receipt_post
from core.billing.overview import BillingReader
from storage.database import Database
from tests.bots.desk.room import CHANNEL, OTHER, REPORT, Room
from tests.fakes.chat import Fault

_FORBIDDEN = re.compile(r"\b(turns?|cast|synthesizer|threshold|workspace|holds?|settled?)\b", re.IGNORECASE)


@given(st.lists(st.integers(), max_size=40), st.integers(-3, 20), st.integers(1, 7))
def test_pages_hold_everything_once(items: list[int], page: int, size: int) -> None:
    """All pages together are the list; a page that is not there is the nearest one."""
    _, pages = page_of(items, 0, size)
    assert [item for number in range(pages) for item in page_of(items, number, size)[0]] == items
    assert len(page_of(items, page, size)[0]) <= size
    assert len(turning("x", "", page, pages)) == (2 if pages > 1 else 0)


@given(st.text(alphabet="ab \n", max_size=300), st.integers(1, 40))
def test_a_cut_text_loses_no_word(text: str, most: int) -> None:
    """Only white space goes where it is cut."""
    pieces = cut_text(text, most)
    assert all(len(piece) <= most for piece in pieces)
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)


_ELEMENTS = st.one_of(
    st.text(alphabet="ab ", min_size=1, max_size=200).map(Text),
    st.text(alphabet="cd ", min_size=1, max_size=200).map(Quote),
    st.text(alphabet="ef ", min_size=1, max_size=50).map(Small),
)


@given(st.lists(st.lists(_ELEMENTS, min_size=1, max_size=4), max_size=8), st.integers(20, 200), st.integers(1, 6))
def test_chunks_keep_their_limits_and_every_word(groups: list[list[Element]], characters: int, elements: int) -> None:
    """No page is over its limits, no page but the only one is empty, and the words stay in order."""

    def words(found: list[Element]) -> str:
        pieces = [
            item.text if isinstance(item, Quote) else item.markdown
            for item in found
            if isinstance(item, Text | Small | Quote)
        ]
        return re.sub(r"\s", "", "".join(pieces))

    pages = chunked(groups, characters=characters, elements=elements)
    assert words([item for page in pages for item in page]) == words([item for group in groups for item in group])
    for page in pages:
        assert len(page) <= elements
        assert page or len(pages) == 1
        assert (
            sum(
                len(item.markdown if isinstance(item, Text | Small) else item.text)
                for item in page
                if isinstance(item, Text | Small | Quote)
            )
            <= characters
        )


async def turn_all(room: Room, action: str, argument: str, target: str) -> list[str]:
    """Return the texts of every page, by pressing the button to the next one."""
    texts = []
    await room.press(Button(action, "Press", target, argument))
    while True:
        texts.append(room.last.text)
        following = [button for button in room.last.buttons if button.label == "Show next page"]
        if not following:
            return texts
        await room.press(following[0])


async def test_all_comments_and_the_whole_exchange(room: Room) -> None:
    """Every comment, and every agent's part of every round, the Writer's changes among them."""
    session = await room.ended()
    snapshot = await room.harness.snapshot(session.id)
    comments = "\n".join(await turn_all(room, "comments", "", session.id))
    assert all(note.comment in comments and note.quote in comments for note in snapshot.notes)
    for number in (0, 1):
        pages = await turn_all(room, "exchange", str(number), session.id)
        text = "\n".join(pages)
        assert all(turn.summary in text for turn in snapshot.turns if turn.round == number)
        assert all(len(page) < 2 * PAGE_CHARACTERS for page in pages)
        assert ("Rewritten p" in text and snapshot.versions[1].edits[0].text in text) == (number == 1)


async def test_others_in_the_channel_may_read(room: Room) -> None:
    """Whoever sees the thread; nobody from elsewhere."""
    session = await room.ended()
    await room.press(Button("comments", "Show all comments", session.id), "bob")
    assert "All comments" in room.last.text
    await room.press(Button("comments", "Show all comments", session.id), "bob", channel="c2")
    assert "no such session here" in room.last.text


async def test_files_come_with_the_answer(room: Room) -> None:
    """The result itself, with what else there is."""
    session = await room.ended()
    await room.command("files", values={"session": session.id})
    assert "report (edited).md" in room.last.text
    assert [file.kind for file in room.last.files] == ["result"]


async def test_status_says_where_it_stands(room: Room) -> None:
    """The card for one reader, with what can be read and done."""
    session = await room.ended()
    await room.command("status", thread=session.thread.thread)
    assert "Done" in room.last.text
    assert {"more", "continue", "comments", "exchange", "files"} <= {button.action for button in room.last.buttons}


async def test_lists_are_paged(room: Room) -> None:
    """One's own, or everybody's of this channel, five a page."""
    for _ in range(6):
        await room.mention("tighten this", files=(REPORT,))
    await room.mention("tighten this", "bob", files=(REPORT,))
    texts = await turn_all(room, "sessions", "mine:0", "")
    assert [text.count("report.md") for text in texts] == [5, 1]
    texts = await turn_all(room, "sessions", "all:0", "")
    assert [text.count("report.md") for text in texts] == [5, 2]
    assert "by Bob" in texts[0]
    assert len(await turn_all(room, "help", "0", "")) > 1
    await room.command("models")
    assert "Rehearsal" in room.last.text


async def test_the_state_offers_nothing_twice(room: Room) -> None:
    """While it works and after its end: what the card offers is not offered again below it."""
    await room.mention("tighten this", files=(REPORT,))
    session = await room.only()
    await room.command("status", values={"session": session.id})
    labels = [button.label for button in room.last.buttons]
    assert sorted(labels) == sorted(set(labels))
    assert "Steer session" in labels
    await room.harness.run(session.id)
    await room.command("status", values={"session": session.id})
    labels = [button.label for button in room.last.buttons]
    assert sorted(labels) == sorted(set(labels))
    assert {"Run one more round", "Continue with guidance", "Show all comments"} <= set(labels)


async def test_every_charge_is_a_press_away(room: Room) -> None:
    """The receipt is short; what each editor cost in each round is read privately, by whoever may see the session."""
    session = await room.ended()
    receipt = receipt_post(await room.desk.tools.snapshot(session.id))
    (press,) = [button for row in receipt.elements if isinstance(row, Buttons) for button in row.buttons]
    await room.press(press, "bob")
    assert "Content editor" in room.last.text
    assert "Quoted" in room.last.text
    await room.found(OTHER)
    await room.press(press, workspace_id=OTHER)
    assert "Content editor" not in room.last.text


@pytest.mark.parametrize("words", ["hello", "hey"])
async def test_hello_is_answered_in_a_few_lines(room: Room, words: str) -> None:
    """What to do first, and where more is: nobody who says hello wants a list of all commands."""
    await room.mention(words, place=Place.DIRECT)
    assert len(room.last.text.splitlines()) <= 3
    assert "There is no" not in room.last.text
    assert [button.label for button in room.last.buttons] == ["Run free sample", "Start new session", "Show help"]
    await room.mention("pauze")
    assert room.last.text.startswith("There is no command 'pauze'. Did you mean 'pause'?")
    await room.mention("")
    assert len(room.last.text.splitlines()) <= 3
    await room.press(next(button for button in room.last.buttons if button.action == "help"))
    assert "What you can do here" in room.last.text


async def test_a_private_result_is_shared_once(room: Room) -> None:
    """Pressed twice, in two processes, after a crash: one post in the channel where it was asked for, by its name."""
    room.door.names = {CHANNEL: "#plans"}
    await room.command("new", values={"brief": "Write a note about the sea", "private": True, "rounds": 1})
    session = await room.only()
    await room.press(Button("share", "Share result", session.id), channel="dm-ann")
    assert "not possible now" in room.last.text
    await room.harness.run(session.id)
    await room.command("status", values={"session": session.id}, channel="dm-ann", place=Place.DIRECT)
    share = room.last.button("share")
    assert share.label == "Share to #plans"
    press = await room.press(share, channel="dm-ann")
    await room.press(share, channel="dm-ann")
    await room.make_desk().handle(press)
    posts = [post for post in room.harness.chat.posts if post.thread.channel == CHANNEL]
    assert [(post.part.text, post.thread.thread) for post in posts] == [("result by=Ann shared=yes", "")]
    assert posts[0].part.file_ids
    assert "is shared in #plans" in room.last.text
    await room.press(share, "bob")
    assert len([post for post in room.harness.chat.posts if post.thread.channel == CHANNEL]) == 1


async def test_what_cannot_be_shared_says_why(room: Room) -> None:
    """A channel without the app; a session that was never private."""
    await room.command("new", values={"brief": "Write a note about the sea", "private": True, "rounds": 1})
    session = await room.only()
    await room.harness.run(session.id)
    room.door.closed = {CHANNEL}
    await room.press(Button("share", "Share result", session.id), channel="dm-ann")
    assert "/invite @Atelier" in room.last.text
    again = room.last.button("share")
    room.door.closed = set()
    await room.press(again, channel="dm-ann")
    assert "is shared" in room.last.text
    public = await room.ended()
    await room.press(Button("share", "Share result", public.id))
    assert "not private" in room.last.text


async def test_a_channel_that_takes_no_result_holds_nothing_else_back(room: Room) -> None:
    """It is said at once, may be tried again, and the session's own posts do not wait behind it."""
    await room.command("new", values={"brief": "Write a note about the sea", "private": True, "rounds": 1})
    session = await room.only()
    await room.harness.run(session.id)
    room.harness.chat.faults = [Fault.AWAY]
    await room.press(Button("share", "Share result", session.id), channel="dm-ann")
    assert "could not be posted there" in room.last.text
    assert await room.harness.store.read(lambda tx: tx.outbox.list_open(session_id=session.id)) == []
    await room.press(room.last.button("share"), channel="dm-ann")
    assert "is shared" in room.last.text


async def test_every_command_has_a_handler(room: Room, memory_store: Database) -> None:
    """A command without one would answer nobody; billing brings its own part."""
    harness = room.harness
    reader = BillingReader(store=memory_store, prices=harness.prices, ledger=harness.ledger, clock=room.clock)
    desk = room.make_desk(more=(billing_part(reader),))
    assert set(desk.commands) == set(BY_NAME)


async def test_a_part_can_be_added(room: Room) -> None:
    """Later parts bring commands, buttons and forms."""

    def part(tools: Tools) -> Handlers:
        async def billing(call: Call) -> None:
            await call.say(said(f"Balance of {call.workspace.id}, {len(tools.vendors)} vendor"))

        return Handlers(commands={"billing": billing}, presses={"billing-refresh": billing})

    desk = room.make_desk(more=(part,))
    await desk.handle(room.request(RequestKind.COMMAND, command="billing"))
    assert room.last.text == "Balance of fake:w1, 1 vendor"
    await desk.handle(room.request(RequestKind.PRESS, action="billing-refresh"))
    assert len(room.door.whispers) == 2


@pytest.mark.parametrize("action", ["status", "files", "sessions", "models", "help", "home", "settings"])
async def test_people_read_the_words_of_the_views(room: Room, action: str) -> None:
    """Never the core's; buttons say verb and object."""
    session = await room.ended()
    await room.command(
        action, values={} if action in {"models", "help", "home", "settings", "sessions"} else {"session": session.id}
    )
    assert _FORBIDDEN.search(room.last.text) is None
    assert all(len(button.label.split()) > 1 for button in room.last.buttons)
    assert all(len(button.label) <= 75 for button in room.last.buttons)
    assert room.last.view.fallback

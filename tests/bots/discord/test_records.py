"""What our rows say of direct conversations, live threads and servers; on both databases."""

from dataclasses import replace
from datetime import timedelta

from bots.commands import Place
from bots.desk.requests import Actor, Request, RequestKind, Spot, dump_request
from bots.discord.heard import request_id_of
from bots.discord.records import Known, Records
from core.sessions.model import Session, Status, ThreadRef
from core.sessions.ports import InboxRow, Transaction
from core.workspaces.model import Member, Workspace
from storage.database import Database
from tests.bots.views.samples import SESSION
from tests.fakes.clock import FakeClock

CLOCK = FakeClock()
NOW = CLOCK.now()
ANN = "12345678901234567"


def live(guild: str, number: int, thread: ThreadRef, status: Status = Status.RUNNING) -> Session:
    CLOCK.move(1)
    return replace(
        SESSION,
        id=f"s_{number}",
        workspace_id=f"discord:{guild}",
        member_id=f"discord:{guild}/{ANN}",
        thread=thread,
        status=status,
        project_id=None,
        created_at=CLOCK.now(),
    )


async def furnish(store: Database) -> None:
    """Ann is in three servers; the third one took the app away."""

    def work(tx: Transaction) -> None:
        for number, guild in enumerate(("11", "22", "33")):
            CLOCK.move(1)
            workspace = f"discord:{guild}"
            away = CLOCK.now() if guild == "33" else None
            tx.workspaces.save(Workspace(workspace, "discord", guild, NOW, removed_at=away))
            tx.workspaces.save_member(Member(f"{workspace}/{ANN}", workspace, ANN, "Ann", CLOCK.now()))
            assert number < 3
        tx.workspaces.save(Workspace("slack:T1", "slack", "Slack", NOW))

    await store.write(work)


async def test_a_direct_conversation_is_for_the_server_where_somebody_was_last(store: Database) -> None:
    """The newest session; without one, the server that they came to last and that still has the app."""
    await furnish(store)
    records = Records(store)
    assert await records.home_of("1", channel="9") == ""
    assert await records.home_of(ANN, channel="9") == "22"
    await store.write(lambda tx: tx.sessions.add(live("11", 1, ThreadRef("discord", "11/5", "6"))))
    assert await records.home_of(ANN, channel="9") == "11"


async def test_what_is_pressed_says_whose_it_is(store: Database) -> None:
    """A session, or a request that waits; then the session of the conversation."""
    await furnish(store)
    records = Records(store)
    spot = Spot(ThreadRef("discord", "@me/9", "9"), Place.DIRECT)
    asked = Request("q_1", RequestKind.COMMAND, Actor("discord:22", ANN), spot)

    def work(tx: Transaction) -> None:
        tx.sessions.add(live("11", 1, ThreadRef("discord", "@me/9", "9")))
        tx.sessions.add(live("22", 2, ThreadRef("discord", "22/5", "6")))
        tx.inbox.add(InboxRow("q_1", NOW, NOW, dump_request(asked)))

    await store.write(work)
    assert await records.home_of(ANN, channel="9", target="s_2") == "22"
    assert await records.home_of(ANN, channel="9", target="q_1") == "22"
    assert await records.home_of(ANN, channel="9", target="gone") == "11"
    assert await records.home_of("", channel="9") == "11"


async def test_live_is_what_works(store: Database) -> None:
    """Of Discord alone, with a place; and what ended not long ago, where words may have been missed."""
    await furnish(store)
    records = Records(store)

    def work(tx: Transaction) -> None:
        tx.sessions.add(live("11", 1, ThreadRef("discord", "11/5", "6", card="6")))
        tx.sessions.add(live("11", 2, ThreadRef("discord", "@me/9", "9"), Status.PAUSED))
        tx.sessions.add(live("11", 3, ThreadRef("discord", "11/7", "8"), Status.COMPLETED))
        late = live("11", 6, ThreadRef("discord", "11/7", "10"), Status.COMPLETED)
        tx.sessions.add(replace(late, ended_at=NOW))
        tx.sessions.add(live("11", 4, ThreadRef("discord", "11/7", "")))
        tx.sessions.add(live("11", 5, ThreadRef("slack", "T1/C1", "1.2")))

    await store.write(work)
    assert sorted(thread.thread for _, thread in await records.open_threads(NOW + timedelta(days=1))) == ["6", "9"]
    assert sorted(thread.thread for _, thread in await records.open_threads(NOW)) == ["10", "6", "9"]
    assert await records.is_live("9")
    assert not await records.is_live("8")


async def test_every_server_that_was_seen_is_known(store: Database) -> None:
    """However many; workspaces of other platforms are none."""
    await furnish(store)

    def work(tx: Transaction) -> None:
        for number in range(1_000, 1_600):
            tx.workspaces.save(Workspace(f"discord:{number}", "discord", "x", NOW))

    await store.write(work)
    found = await Records(store).guilds()
    assert len(found) == 603
    assert found["33"] == Known("33", is_away=True)
    assert found["1599"] == Known("1599", is_away=False)


async def test_a_message_is_known_by_the_place_that_it_was_taken_for(store: Database) -> None:
    """So that what is changed or taken back later finds its session; a message that nobody took is unknown."""
    thread = ThreadRef("discord", "11/21", "31")
    spot = Spot(thread, Place.THREAD, message_id="41")
    asked = Request(request_id_of("21", "41"), RequestKind.MENTION, Actor("discord:11", ANN), spot, text="shorter")
    await store.write(lambda tx: tx.inbox.add(InboxRow(asked.id, NOW, NOW, dump_request(asked))))
    records = Records(store)
    assert await records.said_to("21", "41") == thread
    assert await records.said_to("21", "42") is None

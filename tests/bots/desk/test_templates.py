"""Starts to use again: saved, listed, shown, used by whoever may, and what is said wins."""

from dataclasses import replace
from typing import Any

import pytest

from bots.desk.door import Standing
from bots.desk.requests import RequestKind
from bots.views.elements import Button
from core.workspaces.model import Template
from tests.bots.desk.room import HOME, OTHER, REPORT, Room
from tests.fakes.door import admin


async def own(room: Room, workspace_id: str = HOME) -> list[Template]:
    return list(await room.store.read(lambda tx: tx.templates.list_templates(workspace_id)))


async def saved(room: Room, name: str = "Ours") -> Template:
    """Keep a template of a session with a brief and settings of its own."""
    await room.mention("Cut it by half --rounds 2 --editors 1 --good-enough 7", files=(REPORT,))
    session = (await room.sessions())[0]
    await room.command("template-save", values={"name": name, "session": session.id})
    assert f"{name} is saved" in room.last.text
    return (await own(room))[-1]


async def test_a_template_is_saved_in_the_thread_and_used(room: Room) -> None:
    """This thread's session is meant; a new one begins as it did, with what is said now after its words."""
    session = await room.running()
    await room.mention("template save House style", thread=session.thread.thread)
    (template,) = await own(room)
    assert (template.name, template.brief, template.made_by) == ("House style", "tighten this", f"{HOME}/ann")
    await room.mention("Keep the numbers --template house", "bob", files=(REPORT,))
    begun = (await room.sessions())[0]
    assert begun.brief == "tighten this\n\nKeep the numbers"
    assert begun.cast == session.cast


async def test_what_is_said_goes_before_the_template(room: Room) -> None:
    """Each setting by itself."""
    await saved(room)
    await room.mention("Shorter --template ours --rounds 5", files=(REPORT,))
    begun = (await room.sessions())[0]
    stop = begun.cast.stop
    assert (stop.max_rounds, stop.threshold, len(begun.cast.editors)) == (5, 7.0, 1)


async def test_a_form_s_old_values_are_nobody_s_choice(room: Room) -> None:
    """What the form held when it opened gives way to the template; what was changed in it does not."""
    await saved(room)
    await room.command("new", values={"brief": "Write a note", "rounds": 4, "team": "quick", "editors": 3})
    form = await room.desk.form_for(room.request(RequestKind.COMMAND, command="new"))
    assert form is not None
    held = {field.name: field.value for field in form.fields if field.value}
    assert (held["rounds"], held["team"], held["editors"]) == ("4", "quick", "3")
    chosen: dict[str, Any] = {**held, **form.kept, "brief": "Write another", "template": "ours", "good-enough": "9"}
    await room.command("new", values=chosen)
    begun = (await room.sessions())[0]
    stop = begun.cast.stop
    assert (begun.cast.key, len(begun.cast.editors), stop.max_rounds, stop.threshold) == ("standard", 1, 2, 9.0)
    await room.command("new", values={**chosen, "brief": "Write a third", "rounds": "6"})
    assert (await room.sessions())[0].cast.stop.max_rounds == 6


async def test_the_form_offers_templates(room: Room) -> None:
    """The workspace's own first, then those that ship, under more; one that was named is chosen already."""
    template = await saved(room)
    form = await room.desk.form_for(room.request(RequestKind.COMMAND, command="new"))
    assert form is not None
    field = next(field for field in form.fields if field.name == "template")
    assert field.more
    assert field.value == ""
    assert field.choices[0] == (template.id, "Ours")
    assert "Press release" in [label for _, label in field.choices]
    asked = room.request(RequestKind.COMMAND, command="new", values={"template": "press release"})
    form = await room.desk.form_for(asked)
    assert form is not None
    assert next(field for field in form.fields if field.name == "template").value == "shipped-press-release"


async def test_a_template_s_button_opens_the_form_with_it(room: Room) -> None:
    """Start with it, from where it is shown."""
    await room.command("template-show", values={"template": "press"})
    start = room.last.button("new")
    form = await room.desk.form_for(
        room.request(RequestKind.PRESS, action=start.action, target=start.target, argument=start.argument)
    )
    assert form is not None
    assert next(field for field in form.fields if field.name == "template").value == "shipped-press-release"


async def test_a_template_is_changed_by_what_is_named(room: Room) -> None:
    """The rest stays, sessions that were begun with it too; a repeat does no harm, and nothing at all is asked about."""
    template = await saved(room)
    await room.mention('template edit ours --to "Half of it" --rounds 4 --brief "Cut it by a half."')
    (edited,) = await own(room)
    assert edited == replace(template, name="Half of it", key="half of it", rounds=4, brief="Cut it by a half.")
    assert "Half of it is saved" in room.last.text
    await room.mention('template edit half --to "Half of it" --rounds 4')
    assert await own(room) == [edited]
    await room.command("template-edit", values={"template": "half"})
    assert "Say what to change of Half of it" in room.last.text
    await room.command("template-edit", values={"template": "half", "to": "  "})
    assert await own(room) == [edited]


async def test_a_template_is_changed_in_a_form(room: Room) -> None:
    """It holds what is there; what somebody empties is taken away, and what they leave stays."""
    template = await saved(room)
    await room.command("template-show", values={"template": "ours"})
    edit = room.last.button("template-edit")
    press = room.request(RequestKind.PRESS, action=edit.action, target=edit.target)
    assert room.desk.may_open_form(press)
    form = await room.desk.form_for(press)
    typed = room.request(RequestKind.COMMAND, command="template-edit", values={"template": "ours"})
    assert room.desk.may_open_form(typed)
    assert await room.desk.form_for(typed) == form
    assert form is not None
    assert len(form.fields) <= 5, "a modal of Discord's has no more"
    held = {field.name: field.value for field in form.fields}
    assert held == {
        "to": "Ours", "brief": "Cut it by half", "reference-notes": "", "rounds": "2", "good-enough": "7",
    }  # fmt: skip
    chosen: dict[str, Any] = {**form.kept, "to": "Ours", "brief": "Cut it by half", "rounds": "", "good-enough": "9"}
    await room.command("template-edit", values=chosen)
    assert await own(room) == [replace(template, rounds=None, threshold=9.0)]


async def test_a_brief_that_no_field_holds_is_not_cut(room: Room) -> None:
    """Its field is left out of the form, which says so; what the form saves leaves it whole."""
    template = replace(await saved(room), brief="word " * 900)
    await room.store.write(lambda tx: tx.templates.save(template))
    form = await room.desk.form_for(room.request(RequestKind.PRESS, action="template-edit", target=template.id))
    assert form is not None
    assert "brief" not in {field.name for field in form.fields}
    assert "too long for this form" in form.intro
    values: dict[str, Any] = {**form.kept, **{field.name: field.value for field in form.fields if field.value}}
    await room.command("template-edit", values={**values, "rounds": "5"})
    assert await own(room) == [replace(template, rounds=5)]


async def test_who_may_change_a_template(room: Room) -> None:
    """Its maker and admins; one that ships nobody, one of another workspace is not there; a name that is taken stays."""
    template = await saved(room)
    await saved(room, "Others")
    for who, words, answer in (
        ("bob", "template edit ours --rounds 1", "Only whoever made it"),
        ("ann", "template edit press release --rounds 1", "Press release ships with Atelier"),
        ("ann", "template edit ours --to others", "There is a template called Others already"),
        ("ann", "template edit nothing --rounds 1", "no such template"),
    ):
        await room.mention(words, who)
        assert answer in room.last.text
    assert template in await own(room)
    await room.found(OTHER)
    await room.command("template-edit", values={"template": template.id, "rounds": 1}, workspace_id=OTHER)
    assert "no such template" in room.last.text
    stranger = room.request(RequestKind.PRESS, "bob", action="template-edit", target=template.id)
    assert await room.desk.form_for(stranger) is None
    room.door.standings["boss"] = admin()
    await room.mention("template edit ours --rounds 1", "boss")
    assert replace(template, rounds=1) in await own(room)


async def test_one_that_ships_is_not_begun_with_nothing(room: Room) -> None:
    """It says how, never what about; nothing is made or spent."""
    await room.command("new", values={"template": "Press release"})
    assert "Say what it is about" in room.last.text
    assert await room.sessions() == []
    await room.command("new", values={"template": "Press release", "brief": "We sell tea now"})
    session = await room.only()
    assert session.title == "We sell tea now"
    assert session.brief.startswith("Write a press release")


async def test_an_estimate_takes_a_template(room: Room) -> None:
    """What is priced is what would be begun."""
    await room.command("estimate", values={"brief": "We sell tea now", "template": "blog post"})
    assert "at most 3 rounds" in room.last.text
    await room.command("estimate", values={"brief": "We sell tea now", "template": "nothing"})
    assert "no such template here" in room.last.text


async def test_comments_only_is_a_template_s_too(room: Room) -> None:
    """Review reads and rewrites nothing."""
    await room.command("new", values={"template": "review"}, files=(REPORT,))
    assert (await room.only()).notes_only


async def test_only_who_may_give_the_brief_away_saves_it(room: Room) -> None:
    """A brief becomes everybody's: its starter's to give, or an admin's who sees it; never a private one of somebody."""
    session = await room.running()
    await room.command("template-save", "bob", values={"name": "Mine", "session": session.id})
    assert "Only whoever started the session" in room.last.text
    await room.command("new", values={"brief": "Write a secret note", "private": True})
    secret = (await room.sessions())[0]
    room.door.standings["eve"] = admin()
    for channel in ("c1", secret.thread.channel):
        await room.command("template-save", "eve", values={"name": "Mine", "session": secret.id}, channel=channel)
        assert "no such session here" in room.last.text
    await room.command("template-save", "eve", values={"name": "Mine", "session": session.id}, channel="elsewhere")
    assert "no such session here" in room.last.text
    assert await own(room) == []
    await room.command("template-save", "eve", values={"name": "Mine", "session": session.id})
    assert [template.name for template in await own(room)] == ["Mine"]


async def test_makers_and_admins_delete(room: Room) -> None:
    """Others are refused, what ships cannot be deleted, a session that was begun with it stays."""
    template = await saved(room)
    await room.command("template-delete", "bob", values={"template": "Ours"})
    assert "Only whoever made it, and admins" in room.last.text
    await room.command("template-show", "bob", values={"template": "ours"})
    assert all(button.action != "template-delete" for button in room.last.buttons)
    await room.command("template-delete", values={"template": "Tighten"})
    assert "no such template here" in room.last.text
    await room.command("template-show", values={"template": "ours"})
    await room.press(room.last.button("template-delete"))
    assert await own(room) == []
    assert len(await room.sessions()) == 1
    await room.press(Button("template-delete", "Delete template", template.id))
    assert "no such template here" in room.last.text


async def test_a_repeat_saves_one(room: Room) -> None:
    """A process that died after saving says the same again."""
    session = await room.running()
    asked = await room.command("template-save", values={"name": "Ours", "session": session.id})
    first = room.last.text
    await room.make_desk().handle(asked)
    assert room.last.text == first
    assert len(await own(room)) == 1


async def test_nothing_of_another_workspace(room: Room) -> None:
    """Neither by name, nor by id, nor by an old button, nor while typing; and outsiders see none."""
    template = await saved(room)
    await room.found(OTHER)
    room.door.standings["ann"] = admin()
    for name in (template.id, "Ours"):
        for command in ("template-show", "template-delete"):
            await room.command(command, values={"template": name}, workspace_id=OTHER)
            assert "no such template here" in room.last.text
        await room.command("new", values={"brief": "Write a note", "template": name}, workspace_id=OTHER)
        assert "no such template here" in room.last.text
    await room.press(Button("template-show", "Show", template.id), workspace_id=OTHER)
    assert "Cut it by half" not in room.last.text
    other = replace(room.request(RequestKind.COMMAND).actor, workspace_id=OTHER)
    assert await room.desk.complete(other, "new", "template", "ours") == []
    assert await room.desk.complete(other, "template-delete", "template", "") == []
    here = room.request(RequestKind.COMMAND).actor
    assert await room.desk.complete(here, "template-delete", "template", "") == [("Ours", "Ours")]
    assert ("Tighten", "Tighten") in await room.desk.complete(here, "new", "template", "t")
    room.door.standings["oto"] = Standing("Oto", is_outsider=True)
    for command in ("template", "template-show"):
        await room.command(command, "oto", values={"template": "Ours"} if command == "template-show" else {})
        assert "other organisations" in room.last.text


@pytest.mark.parametrize("page", ["0", "1"])
async def test_the_list_is_paged(room: Room, page: str) -> None:
    """Every template is on one of the pages."""
    await saved(room)
    await room.press(Button("template", "Show page", "", page))
    assert "Template" in room.last.text
    assert ("Ours" in room.last.text) is (page == "0")
    assert ("Release notes" in room.last.text) is (page == "1")

"""What the operator sees of projects and templates."""

import asyncio

from admin_cli.bootstrap import read_settings
from bots.bootstrap import open_parts
from core.sessions.projects import Projects
from core.sessions.templates import Templates, shipped_templates
from tests.admin_cli.conftest import Run

HERE = "terminal:local"


def test_projects_are_listed_with_all_that_is_in_them(run: Run) -> None:
    """Their sessions and what they cost; archived ones on demand."""
    session = run("sessions", "new", "--brief", "A note", "--draft", "--json").json["session_id"]

    async def fill() -> None:
        async with open_parts(read_settings()) as parts:
            projects = Projects(store=parts.database, clock=parts.clock)
            launch = await projects.create(HERE, "Launch", actor="operator")
            await projects.move(session, launch, actor="operator")
            old = await projects.create(HERE, "Old", actor="operator")
            await projects.archive(old, archived=True, actor="operator")
            draft = await parts.sessions.get(session)
            await Templates(store=parts.database, clock=parts.clock).save(draft, "Notes", actor="operator")

    assert "no projects" in run("projects", "list", HERE).out
    asyncio.run(fill())
    (row,) = run("projects", "list", HERE, "--json").json
    assert (row["name"], row["sessions"], row["spent_credits"]) == ("Launch", 1, 0)
    assert [one["name"] for one in run("projects", "list", HERE, "--archived", "--json").json] == ["Launch", "Old"]
    assert "Launch" in run("projects", "list", HERE).out
    listed = run("templates", "list", HERE, "--json").json
    assert [one["name"] for one in listed] == ["Notes", *(one.name for one in shipped_templates())]


def test_templates_that_ship_need_no_workspace(run: Run) -> None:
    """They are the program's own, so no database is asked."""
    assert "Press release" in run("templates", "list").out
    assert all(one["ships"] for one in run("templates", "list", "--json").json)

"""Projects, as one person sees them: which there are, and what is in one of them."""

from collections.abc import Sequence

from bots.views.elements import Button, Buttons, Element, Heading, Small, Style, Text, View
from bots.views.pager import turning
from bots.views.words import count, money
from core.money import Unit
from core.workspaces.model import Project

SHOW, ARCHIVE, RESTORE = "project-show", "project-archive", "project-unarchive"


def projects_view(
    projects: Sequence[tuple[Project, int]], *, page: int, pages: int, archived: bool, has_archived: bool
) -> View:
    """Return a page of projects with a button to open each.

    Args:
        projects: Of this page, each with how many of its sessions the reader can see.
        page: Which page.
        pages: Of how many.
        archived: Whether these are the ones that were put away.
        has_archived: Whether there are any such.
    """
    title = "Archived projects" if archived else "Projects"
    elements: list[Element] = [Heading(title, 2)]
    if not projects:
        elements.append(Text("There are none." if archived else "There are none yet. `project new NAME` makes one."))
    else:
        lines = [f"- **{project.name}**: {count(number, 'session')}" for project, number in projects]
        elements.append(Text("\n".join(lines)))
        elements.append(
            Buttons(tuple(Button(SHOW, f"Show {project.name}"[:75], project.id) for project, _ in projects))
        )
        elements.append(Small("Counted are the sessions that you can see from here."))
    elements += turning("project", "", page, pages, prefix="archived:" if archived else "open:")
    if has_archived and not archived:
        elements.append(Buttons((Button("project", "Show archived projects", "", "archived:0"),)))
    return View(tuple(elements), f"{title}: {count(len(projects), 'project')} on this page.")


def project_lines(project: Project, *, spent_microcredits: int, unit: Unit, may_keep: bool) -> tuple[Element, ...]:
    """Return what is said of a project above its sessions.

    Args:
        project: The project.
        spent_microcredits: What the sessions cost that the reader can see.
        unit: In which unit people see amounts.
        may_keep: Whether the reader may put it away or bring it back.
    """
    elements: list[Element] = []
    if project.archived_at is not None:
        elements.append(Text(f"Archived on {project.archived_at:%Y-%m-%d}: nothing new goes into it."))
    elements.append(Small(f"{money(spent_microcredits, unit)} charged for the sessions that you can see from here."))
    if may_keep:
        elements.append(Buttons((keep_button(project),)))
    return tuple(elements)


def keep_button(project: Project) -> Button:
    """Return the button that puts a project away, or brings it back."""
    if project.archived_at is None:
        return Button(ARCHIVE, "Archive project", project.id, style=Style.NORMAL)
    return Button(RESTORE, "Restore project", project.id)

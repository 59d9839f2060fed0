"""Templates that workspaces keep."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.workspaces.model import Template
from storage.models.templates import templates
from storage.rows import Rows

_TEMPLATES = Rows(templates, Template)
_ADD = _TEMPLATES.insert()
_SAVE = _TEMPLATES.update()
_FIND = _TEMPLATES.query(_TEMPLATES.select.where(templates.c.id == sa.bindparam("id")))
_LIST = _TEMPLATES.query(
    _TEMPLATES.select.where(templates.c.workspace_id == sa.bindparam("workspace_id")).order_by(
        templates.c.created_at, templates.c.id
    )
)
_DELETE = sa.delete(templates).where(templates.c.id == sa.bindparam("template_id"))


class SqlTemplateRepository:
    """See `core.sessions.ports.TemplateRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, template: Template) -> None:
        _ADD.run(self._connection, template)

    def save(self, template: Template) -> None:
        _SAVE.run(self._connection, template)

    def find(self, template_id: str) -> Template | None:
        return _FIND.first(self._connection, id=template_id)

    def list_templates(self, workspace_id: str) -> Sequence[Template]:
        return _LIST.all(self._connection, workspace_id=workspace_id)

    def delete(self, template_id: str) -> bool:
        return self._connection.execute(_DELETE, {"template_id": template_id}).rowcount == 1

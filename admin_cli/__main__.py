"""``python -m admin_cli`` is `atelier`."""

from admin_cli.main import run

run()

"""Prints the docs page."""

import sys

from bots.commands import docs_page

sys.stdout.write(docs_page())

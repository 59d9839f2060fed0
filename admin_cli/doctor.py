"""`atelier doctor`: is this installation well, and what is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from admin_cli.output import fail, print_json

_MARKS = {"ok": "ok      ", "warning": "warning ", "failed": "FAILED  "}


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not call any provider.")] = False,
    channel: Annotated[
        str, typer.Option("--channel", help="Id of a channel of Discord or Slack: may sessions live there?")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check this installation.

    Exit 1 if it is not well, 2 if its database cannot be reached. Looks at Python, settings, database, files, engine, keys, models, and calls each provider once, cheaply.
    """
    if channel and offline:
        fail("--channel asks Discord or Slack, so it does not go with --offline.")
    import asyncio

    from admin_cli.checks import examine
    from admin_cli.findings import Outcome

    findings = asyncio.run(examine(call_providers=not offline, channel=channel))
    code = max((finding.exit_code for finding in findings if finding.outcome is Outcome.FAILED), default=0)
    if as_json:
        print_json(
            {
                "ok": not code,
                "checks": [
                    {"name": finding.name, "outcome": finding.outcome.value, "detail": finding.detail}
                    for finding in findings
                ],
            }
        )
    else:
        for finding in findings:
            typer.echo(f"{_MARKS[finding.outcome.value]}{finding.name}: {finding.detail}")
    if code:
        raise typer.Exit(code)

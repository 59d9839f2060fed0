"""`atelier serve`: the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from admin_cli.output import fail, say

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


def serve(
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            help="worker, http, scheduler, slack or discord; several times if you like. All that are configured if left out.",
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port of the role http; 0 for any.")] = None,
) -> None:
    """Run the service.

    It ends at SIGTERM or Ctrl-C; what is being written is finished first.
    """
    import asyncio

    from bots.bootstrap import load_catalogue, make_registry
    from bots.logs import configure_logging
    from bots.roles import Role, check_roles, configured_roles
    from bots.roles import serve as run_roles
    from bots.settings import load_settings
    from core.clock import SystemClock

    for name in role or ():
        if name not in set(Role):
            fail(f"There is no role {name!r}: choose from {', '.join(Role)}.")
    settings = load_settings()
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    roles = frozenset(Role(name) for name in role) if role else configured_roles(settings)
    check_roles(settings, roles)
    providers = make_registry(settings, load_catalogue(settings), clock=SystemClock()).configured_providers()
    say(f"providers: {', '.join(providers) or 'none, so sessions are rehearsals'}")

    async def main() -> None:
        import signal

        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run_roles(settings, roles, port=port, stop=stop, started=say)

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(main())
    except OSError as error:
        fail(f"It cannot listen: {error.strerror or error}.", code=1)
    say("stopped")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's, which halves the cost of sockets, where it exists."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop

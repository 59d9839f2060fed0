"""Logs: events with ids, never with the text of a document."""

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, TextIO

import structlog
from structlog.types import Processor, WrappedLogger

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "exception": 40, "critical": 50}
Observer = Callable[[str, Mapping[str, Any]], None]


def configure_logging(
    *,
    log_format: str = "console",
    level: str = "INFO",
    stream: TextIO | None = None,
    observers: Sequence[Observer] = (),
) -> None:
    """Send events of ours and of the libraries to one place.

    Args:
        log_format: ``console`` or ``json``.
        level: The least level that is written.
        stream: Where to; standard error by default.
        observers: See every event with its fields, written or not: metrics count them.
    """
    output = stream if stream is not None else sys.stderr
    is_json = log_format == "json"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()] if is_json else [_console(output)]
    )
    structlog.configure(
        processors=[_Observing(observers), _AtLeast(level), *shared, *rendering],
        wrapper_class=structlog.BoundLogger,
        logger_factory=structlog.PrintLoggerFactory(file=output),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    # libraries tell too much at our level, some of them the text of requests
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))


def _console(output: TextIO) -> Processor:
    """Return what writes for people: a traceback without the values of variables, among which are documents and keys."""
    return structlog.dev.ConsoleRenderer(colors=output.isatty(), exception_formatter=structlog.dev.plain_traceback)


class _Observing:
    """Shows every event to the observers."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def __call__(self, _: WrappedLogger, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for observer in self._observers:
            observer(str(event.get("event", "")), event)
        return event


class _AtLeast:
    """Drops what is below a level, after the observers have seen it."""

    def __init__(self, level: str) -> None:
        self._least = logging.getLevelNamesMapping()[level]

    def __call__(self, _: WrappedLogger, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if _LEVELS.get(method, logging.INFO) < self._least:
            raise structlog.DropEvent
        return event

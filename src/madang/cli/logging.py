"""Log lines: readable on a terminal, JSON elsewhere."""

import asyncio
import logging
import sys
from typing import Any

import structlog
from pydantic_core import to_json

from madang.settings import Settings

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def _to_json(line: Any, **_: Any) -> str:
    """A third of what `json.dumps` costs; what JSON does not know is shown as its `repr`."""
    return to_json(line, fallback=repr).decode()


def configure_logging(settings: Settings) -> None:
    on_terminal = sys.stderr.isatty()
    processors: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    if on_terminal:  # the default traceback prints every local variable, passwords included
        processors.append(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))
    else:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_to_json)]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.log_level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_worth_telling)


def _is_worth_telling(record: logging.LogRecord) -> bool:
    """Not that a unit was cancelled while it gave its connection back: that one is closed, and nothing is lost."""
    error = record.exc_info[1] if record.exc_info else None
    return not (record.name.startswith("sqlalchemy.pool") and isinstance(error, asyncio.CancelledError))

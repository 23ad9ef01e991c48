"""Structured logs: one line an event, redacted, on standard error."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Literal, TextIO, cast

import structlog

from bot.redact import redact


def set_up(level: str, form: Literal["console", "json"] | None) -> None:
    """Log from `level` up; without a form, for people on a terminal and as JSON elsewhere."""
    console = form == "console" or (form is None and sys.stderr.isatty())
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        if console
        else structlog.processors.JSONRenderer()
    )
    safe = cast("TextIO", _Safe())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Plain tracebacks: rich ones show local variables.
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=safe),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=safe, format="%(name)s: %(message)s")


class _Safe:
    """Standard error, without secrets; a line that cannot be written is lost.

    No secret gets into a log, whatever it stands in: each line is looked at as it leaves. And
    standard error may be a file on the disk that is full, which must not end the work that logs.
    """

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(redact(text))

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()

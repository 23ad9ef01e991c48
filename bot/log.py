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
    common: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Plain tracebacks: rich ones show local variables.
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*common, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=safe),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_as_ours(safe, common, last)])


def _as_ours(
    stream: TextIO,
    common: list[structlog.typing.Processor],
    last: structlog.typing.Processor,
) -> logging.Handler:
    """What others log by the standard library looks like our own lines, and carries the same."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    return handler


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

"""structlog as JSON lines on standard output; other libraries' records come through the same door."""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import structlog

#: Libraries whose records may hold prompt text, keys or addresses: errors of theirs come to us as exceptions.
MUTED = (
    "LiteLLM",
    "LiteLLM Router",
    "LiteLLM Proxy",
    "httpx",
    "httpcore",
    "openai",
    "botocore",
    "urllib3",
    "grpc",
)


def configure_logging(level: str = "info") -> None:
    """Set up structlog for the process. Safe to call again."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_ToStructlog()], force=True)
    for name in MUTED:
        logging.getLogger(name).setLevel(logging.CRITICAL)
        logging.getLogger(name).propagate = False


def _dumps(value: Any, default: Any = None) -> bytes:
    return orjson.dumps(value, default=default or str)


class _ToStructlog(logging.Handler):
    """A library's record as a line of ours: its name and its message's template, not the values in it."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        structlog.get_logger().log(
            record.levelno, "library_log", logger=record.name, template=str(record.msg)[:200], error=kind
        )

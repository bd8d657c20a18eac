"""Log lines: one for each event, as text with ``key=value`` at the end, or as JSON.

The subject of a line is in ``extra``: ``logger.info("lease acquired", extra={"holder": …})``; the object of a
reconcile is named once, by ``about`` in ``runtime/log_subject.py``, and is in all its lines. Objects, statuses and
requests are not logged, so that no secret can be.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from ses_operator.core.model.outer_text import clean
from ses_operator.runtime.log_subject import log_subject
from ses_operator.settings import LogFormat, LogLevel

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_QUIET = {"kopf": logging.WARNING, "aiohttp": logging.WARNING, "botocore": logging.WARNING, "boto3": logging.WARNING}
"""Libraries that log more than users of the operator want to read."""


class TextFormatter(logging.Formatter):
    """``2026-01-31T12:00:00.000Z INFO lease acquired holder=…``."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a line as text."""
        parts = [_time(record), record.levelname, clean(record.getMessage())]
        parts += [f"{name}={_quoted(value)}" for name, value in _extra(record).items()]
        line = " ".join(parts)
        if not record.exc_info:
            return line
        # Each line is set in: what an error says cannot pass for a line of the log.
        return "\n".join([line, *(f"    {clean(each)}" for each in self.formatException(record.exc_info).splitlines())])


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ts, level, logger, msg, the extra members, and ``exception`` if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a line as JSON."""
        line = {
            "ts": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": clean(record.getMessage()),
        }
        line |= {name: clean(str(value)) for name, value in _extra(record).items()}
        if record.exc_info:
            line["exception"] = "\n".join(map(clean, self.formatException(record.exc_info).splitlines()))
        return json.dumps(line)


def configure(form: LogFormat, level: LogLevel) -> None:
    """Log to standard error in this form, from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form is LogFormat.JSON else TextFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {**log_subject(), **{name: value for name, value in record.__dict__.items() if name not in _STANDARD}}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _quoted(value: object) -> str:
    text = clean(str(value))
    return json.dumps(text, ensure_ascii=False) if not text or any(mark in text for mark in ' "=\\') else text

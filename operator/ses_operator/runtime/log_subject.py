"""The names that each log line of a task carries: ``about`` sets once which object a reconcile is about."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType

_SUBJECT: ContextVar[Mapping[str, object]] = ContextVar("subject", default=MappingProxyType({}))


def about(**names: object) -> None:
    """Let each line carry these names from here on, in this task and in those that it starts.

    A task that outlives what started it needs a ``Context`` of its own.
    """
    _SUBJECT.set(names)


def log_subject() -> Mapping[str, object]:
    """Return the names that lines of this task carry."""
    return _SUBJECT.get()

"""Other words in the place of every sentence of a value, for properties of what must not depend on words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from itertools import cycle
from typing import Any, TypeVar

from hypothesis import strategies as st
from pydantic import BaseModel

T = TypeVar("T")

SENTENCES = frozenset({"message", "description", "fault", "found", "done"})
"""The members that hold sentences. That there is none (empty, or None) says something, and stays."""

Words = Callable[[], str]


def words() -> st.SearchStrategy[Words]:
    """Draw words for one sentence after the other."""
    return st.lists(st.text(min_size=1), min_size=1, max_size=5).map(lambda texts: cycle(texts).__next__)


def reworded(value: T, words: Words) -> T:
    """Return the value with other words wherever it has a sentence, however deep."""
    made: Any = _reworded(value, words)
    return made  # type: ignore[no-any-return]


def unworded(value: T) -> T:
    """Return the value with the same words in the place of every sentence: what is left to compare is no prose."""
    return reworded(value, lambda: "…")


def _reworded(value: Any, words: Words) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        members = {each.name: getattr(value, each.name) for each in fields(value)}
        return type(value)(**{name: _member(name, inner, words) for name, inner in members.items()})
    if isinstance(value, BaseModel):
        members = {name: getattr(value, name) for name in type(value).model_fields}
        return value.model_copy(update={name: _member(name, inner, words) for name, inner in members.items()})
    if isinstance(value, Mapping):
        return {key: _reworded(inner, words) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_reworded(inner, words) for inner in value)
    return value


def _member(name: str, value: Any, words: Words) -> Any:
    return words() if name in SENTENCES and value and isinstance(value, str) else _reworded(value, words)

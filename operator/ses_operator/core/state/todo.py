"""The steps that can be taken in one region now, and why no more than these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ses_operator.core.model.problems import Problem
from ses_operator.core.state.steps import SesStep


@dataclass(frozen=True, slots=True)
class Todo:
    """Steps, and problems by the key of what each holds up."""

    steps: tuple[SesStep, ...] = ()
    problems: Mapping[str, Problem] = field(default_factory=dict)

    @classmethod
    def held_up(cls, key: str, problem: Problem) -> Todo:
        """Return that this one thing cannot be done."""
        return cls(problems={key: problem})

    def __add__(self, other: Todo) -> Todo:
        return Todo(self.steps + other.steps, {**self.problems, **other.problems})

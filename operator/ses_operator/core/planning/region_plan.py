"""The plan of one region: a set of steps with keys, and what each of them needs before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ses_operator.core.model.problems import Problem
from ses_operator.core.state.steps import SesStep

WHOLE_REGION = "region"
"""The key of a problem that holds up all of a region."""

Needs = Mapping[str, frozenset[str]]
"""By the key of a step, the keys of those that have to succeed before it. One that is not named needs none."""


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """The plan of one region: steps, each of which is tried unless one that it needs fails.

    They are in an order in which they can be tried; what may take permissions away comes as early as it can.
    ``problems``: why no more than that, by the key of what each holds up. ``awaited``: what others have to do after
    it. ``pauses``: why what another client keeps undoing is not done now.
    """

    steps: tuple[SesStep, ...] = ()
    needs: Needs = field(default_factory=dict)
    problems: Mapping[str, Problem] = field(default_factory=dict)
    awaited: Problem | None = None
    pauses: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, steps: Iterable[SesStep], founded: bool = False) -> RegionPlan:
        """Return the plan of these steps; ``founded``: all others need the first."""
        todo = tuple(steps)
        return cls(todo, _needs(todo, todo[0] if founded and todo else None))

    @classmethod
    def held_up(cls, problem: Problem) -> RegionPlan:
        """Return that nothing can be done in the region."""
        return cls(problems={WHOLE_REGION: problem})

    def without(self, keys: Iterable[str]) -> RegionPlan:
        """Return the plan without the steps of these keys, and without those that need one of them."""
        return replace(self, steps=tuple(possible(self.steps, self.needs, keys)))

    def after(self, needs: Needs) -> RegionPlan:
        """Return the plan with these needs too."""
        both = {key: self.needs.get(key, frozenset()) | needs.get(key, frozenset()) for key in {*self.needs, *needs}}
        return replace(self, needs={key: keys for key, keys in both.items() if keys})

    @property
    def problem(self) -> Problem | None:
        """The most severe of the problems."""
        return next(iter(by_gravity(self.problems.values())), None)

    @property
    def blockers(self) -> tuple[Problem, ...]:
        """Everything that the operator has to do, and that keeps the region from being as the spec asks."""
        return (*by_gravity(self.problems.values()), *self.pauses)


def possible(steps: Iterable[SesStep], needs: Needs, failed: Iterable[str]) -> Iterator[SesStep]:
    """Yield the steps that are left where those of the keys ``failed`` are."""
    out = set(failed)
    for step in steps:
        if step.key in out or needs.get(step.key, frozenset()) & out:
            out.add(step.key)
        else:
            yield step


def by_gravity(problems: Iterable[Problem]) -> list[Problem]:
    """Return first what only a change of the spec can help, then the rest as they come."""
    return sorted(problems, key=lambda problem: not problem.reason.stalls)


def _needs(steps: tuple[SesStep, ...], first: SesStep | None) -> Needs:
    needs: dict[str, frozenset[str]] = {}
    keys = {step.key for step in steps}
    for step in steps:
        before = {*step.after} & keys
        if first is not None and step is not first:
            before.add(first.key)
        if before:
            needs[step.key] = frozenset(before)
    return needs

"""The attempt of one run: what it did and may not do. It starts empty in each run, and says nothing of the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ses_operator.core.model.problems import Problem


@dataclass(frozen=True, slots=True)
class Repair:
    """A setting or record that another client had changed and that was corrected.

    ``key``: that of the step, or type and name of the record; with ``region`` (None: in DNS) it identifies it.
    ``done``: the correction in words. ``found``: the value before. ``count``: how often since it began. ``last``:
    when last.
    """

    key: str
    done: str
    found: str
    count: int
    last: datetime
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """The attempt of one run.

    ``failures``: what was refused, by region and by the key of the step. ``ended``: regions in which nothing more is
    tried in this run. ``held``: regions outside the spec that the deletion limit does not release yet, and why.
    ``repairs``: what had to be corrected lately, this run included.
    """

    failures: Mapping[str, Mapping[str, Problem]] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    held: Mapping[str, Problem] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()

    def failed(self, region: str, key: str, problem: Problem, *, ends: bool) -> Attempt:
        """Return the attempt after this step was refused. ``ends``: nothing else there is worth trying."""
        there = {**self.failures.get(region, {}), key: problem}
        return replace(
            self, failures={**self.failures, region: there}, ended=self.ended | {region} if ends else self.ended
        )

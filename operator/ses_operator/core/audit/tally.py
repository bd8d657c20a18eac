"""The counts of an audit so far, in a handful of numbers whatever the number of identities, and the status made of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ses_operator.api.account.audit import AuditExample, AuditRegionStatus
from ses_operator.api.account.findings import Finding
from ses_operator.core.audit.rules import Found
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import ListedIdentity

EXAMPLES = 3
"""The number of findings of each kind that status shows, of all regions together."""

MAX_TEXT = 600
"""Characters of the words of an example, or of a problem, in status."""


@dataclass(slots=True)
class RegionTally:
    """The counts of one region: identities by status, findings by kind, or why it could not be audited."""

    region: str
    identities: Counter[str] = field(default_factory=Counter)
    findings: Counter[Finding] = field(default_factory=Counter)
    problem: Problem | None = None

    def list(self, identities: Iterable[ListedIdentity]) -> None:
        """Count identities by their verification status."""
        self.identities.update(identity.verification_status.value for identity in identities)

    @property
    def is_worth_telling(self) -> bool:
        """True if there is anything to show: most accounts use few of all regions."""
        return bool(self.identities) or self.problem is not None

    def status(self) -> AuditRegionStatus:
        """Return the region's part of status."""
        return AuditRegionStatus(
            region=self.region,
            identities=dict(sorted(self.identities.items())),
            findings={finding.value: self.findings[finding] for finding in Finding if self.findings[finding]},
            reason=self.problem.reason if self.problem else None,
            message=self.problem.message[:MAX_TEXT] if self.problem else None,
        )


class AuditTally:
    """The counts of all regions of one audit."""

    __slots__ = ("_examples", "regions")

    def __init__(self) -> None:
        self.regions: dict[str, RegionTally] = {}
        self._examples: defaultdict[Finding, list[Found]] = defaultdict(list)

    def region(self, name: str) -> RegionTally:
        """Return the counts of a region, which start at zero."""
        return self.regions.setdefault(name, RegionTally(name))

    def add(self, found: Found) -> None:
        """Count one more finding. The first of each kind, by region and name, are kept as examples."""
        self.region(found.region).findings[found.finding] += 1
        examples = self._examples[found.finding]
        examples.append(found)
        examples.sort(key=lambda each: (each.region, each.identity))
        del examples[EXAMPLES:]

    @property
    def identities(self) -> int:
        """The number of identities, over all regions."""
        return sum(region.identities.total() for region in self.regions.values())

    @property
    def findings(self) -> int:
        """The number of findings, over all regions."""
        return sum(region.findings.total() for region in self.regions.values())

    def told(self) -> tuple[AuditRegionStatus, ...]:
        """Return the regions that status shows, by name."""
        return tuple(region.status() for _, region in sorted(self.regions.items()) if region.is_worth_telling)

    def examples(self) -> tuple[AuditExample, ...]:
        """Return the examples that status shows, the most severe kinds first."""
        return tuple(
            AuditExample(
                finding=found.finding.value,
                severity=found.finding.severity.value,
                region=found.region,
                identity=found.identity or None,
                message=found.message[:MAX_TEXT],
            )
            for finding in Finding
            for found in self._examples.get(finding, ())
        )

"""One wanted record with all that is known of it: what each rule of a diagnosis gets. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.judge import RecordVerdict, Served, judge
from ses_operator.core.model.records import RecordSet
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome, Probes, PublishedAt

NO_PROBES = Probes()


@dataclass(frozen=True, slots=True)
class RecordCase:
    """One wanted record with all that is known of it."""

    wanted: RecordSet
    answer: Answer
    probes: Probes = NO_PROBES
    published_at: PublishedAt | None = None

    @property
    def value(self) -> str:
        """The wanted value, as people write it."""
        return ", ".join(self.wanted.values)

    @property
    def found(self) -> str:
        """The values found, as people write them."""
        return ", ".join(self.answer.values)

    @property
    def verdict(self) -> RecordVerdict:
        """The verdict about what is served at its name."""
        if self.answer.outcome is Outcome.OTHER_TYPE:
            return judge(self.wanted, Served(alias=self.found, behind=self.answer.behind))
        return judge(self.wanted, Served(self.answer.values))

    def relative(self, name: str) -> str:
        """Return the name as many providers want it: without the zone's own."""
        return name.removesuffix(f".{self.answer.zone}")

    def finding(self, state: FindingState, reason: Reason, sentence: str) -> LookupFinding:
        """Return a finding about this record; the sentence follows its name."""
        return LookupFinding(self.wanted, state, reason, f"{self.wanted} {sentence}", self.answer)

    def missing(self, sentence: str) -> LookupFinding:
        """Return a finding that the record is missing."""
        return self.finding(FindingState.MISSING, Reason.DNS_RECORD_MISSING, sentence)

    def different(self, sentence: str) -> LookupFinding:
        """Return a finding that the record has other values."""
        return self.finding(FindingState.DIFFERENT, Reason.DNS_RECORD_WRONG, sentence)


DiagnosisRule = Callable[[RecordCase], LookupFinding | None]

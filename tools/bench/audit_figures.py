"""The figures of an audit, computed from what was recorded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.figures import Figure, Usage

MAX_STATUS = 100_000
ETCD_LIMIT = 1_500_000
"""Bytes that etcd takes in a request, by default 1.5 MiB."""
PAGE = 1_000
MEMORY_PER_IDENTITY = 1_000
"""Bytes that an identity may cost while it is audited: its name, and its share of lists, reports and interpreter."""


@dataclass(frozen=True, slots=True)
class AuditSize:
    """The size of a run. ``rate``: SES requests per second, action and region; 0 for no limit."""

    identities: int
    regions: int
    rate: float

    @property
    def identity_regions(self) -> int:
        """The number of identities, each counted once for each of its regions."""
        return self.identities * self.regions


@dataclass(frozen=True, slots=True)
class AuditRecording:
    """One audit, and a second one with nothing changed. ``calls``: by operation, of the first. Sizes in bytes.

    ``rewritten``: how many reports the second audit wrote; ``seconds``: of the first.
    """

    size: AuditSize
    calls: Mapping[str, int]
    before: Usage
    after: Usage
    seconds: float
    findings: int
    status_bytes: int
    report_bytes: Sequence[int]
    rewritten: int


def audit_figures(recording: AuditRecording) -> tuple[Figure, ...]:
    """Return all figures, in the order of the table."""
    return (*_calls(recording), *_process(recording), *_results(recording))


def _calls(recording: AuditRecording) -> Iterable[Figure]:
    size = recording.size
    gets = recording.calls.get("GetEmailIdentity", 0)
    yield Figure(
        "GetEmailIdentity calls per identity and region",
        f"{gets / size.identity_regions:.3f}",
        "1",
        gets == size.identity_regions,
    )
    pages = recording.calls.get("ListEmailIdentities", 0)
    most = size.regions * (size.identities // PAGE + 1)
    yield Figure("list pages", f"{pages}", f"<= {most}", pages <= most, pages)
    others = sum(recording.calls.values()) - gets - pages
    details = {operation: float(count) for operation, count in sorted(recording.calls.items())}
    yield Figure(
        "other calls to AWS", f"{others}", f"<= {size.regions + 1}", others <= size.regions + 1, others, details
    )


def _process(recording: AuditRecording) -> Iterable[Figure]:
    per = recording.size.identity_regions
    cpu = (recording.after.cpu - recording.before.cpu) / per * 1000
    yield Figure("CPU per identity and region", f"{cpu:.1f} ms", "<= 5 ms", cpu <= 5, cpu)
    grown = (recording.after.peak_memory - recording.before.peak_memory) / 1e6
    most = 20 + per * MEMORY_PER_IDENTITY / 1e6
    yield Figure(
        "memory that the audit needs at its peak", f"{grown:.0f} MB", f"<= {most:.0f} MB", grown <= most, grown
    )
    peak = recording.after.peak_memory / 1e6
    yield Figure("peak memory of the operator", f"{peak:.0f} MB", "", None, peak)
    yield Figure("from its beginning to its end", f"{recording.seconds:.0f} s", "", None, recording.seconds)


def _results(recording: AuditRecording) -> Iterable[Figure]:
    yield Figure("findings", f"{recording.findings:,}", "", None, recording.findings)
    status = recording.status_bytes
    yield Figure("status of the SesAccount", f"{status / 1000:.1f} KB", "< 100 KB", status < MAX_STATUS, status)
    sizes = recording.report_bytes
    largest = max(sizes, default=0)
    yield Figure("reports", f"{len(sizes)}, {sum(sizes) / 1e6:.1f} MB together", "", None, len(sizes))
    yield Figure("the largest report", f"{largest / 1000:.0f} KB", "< 1,500 KB", largest < ETCD_LIMIT, largest)
    rewritten = recording.rewritten
    yield Figure("reports written by a second audit, nothing changed", f"{rewritten}", "0", rewritten == 0, rewritten)

"""The findings of an audit as ClusterPolicyReports of the Policy Working Group: one result each, in chunks that etcd takes.

A chunk is filled while the audit runs and is written when it is full, so that memory does not grow with the findings.
Chunks have names of their own, by account, region and number: an audit overwrites those of the previous audit.
Source: wgpolicyk8s.io/v1alpha2, the version that the tools around it read. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ses_operator.api.account.findings import Severity
from ses_operator.api.base.meta import ACCOUNT_KIND, API_VERSION, IDENTITY_KIND, MANAGED_BY, MANAGED_BY_LABEL, PREFIX
from ses_operator.core.audit.rules import Found
from ses_operator.core.model.keys import Owner

REPORT_KIND = "ClusterPolicyReport"
REPORT_API_VERSION = "wgpolicyk8s.io/v1alpha2"
POLICY = "ses-audit"
SOURCE = "ses-operator"
CATEGORY = "SES identities"

AUDIT_LABEL = f"{PREFIX}audit"
"""Label of a report: a digest of the installation and the SesAccount."""

REGION_LABEL = f"{PREFIX}audit-region"

DIGEST = f"{PREFIX}audit-digest"
"""Annotation of a report: a digest of its results. An unchanged chunk is not written again."""

MAX_BYTES = 400_000
"""Of the results of one chunk. etcd takes requests of 1.5 MiB (etcd documentation, "System limits")."""

RESULTS: Mapping[Severity, str] = {Severity.HIGH: "fail", Severity.MEDIUM: "fail", Severity.LOW: "warn"}
"""The result of a report for each severity. A warning is not scored: its field `warn` counts "policies that are not scored"."""


@dataclass(frozen=True, slots=True)
class Series:
    """The reports of one account. ``uid``: of the SesAccount, with which they are deleted."""

    installation: str
    account: str
    uid: str
    account_id: str

    @property
    def digest(self) -> str:
        """A digest of installation and account for names and labels, which have less room than the name of an account."""
        return hashlib.sha256(f"{self.installation}/{self.account}".encode()).hexdigest()[:10]

    @property
    def selector(self) -> str:
        """The label selector of all reports of the account."""
        return f"{AUDIT_LABEL}={self.digest}"

    def name(self, region: str, number: int) -> str:
        """Return the name of one report."""
        return f"ses-audit-{self.account[:100].rstrip('.-')}-{self.digest}-{region}-{number}"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One report. ``body``: the object to apply."""

    name: str
    digest: str
    results: int
    body: Mapping[str, Any]


class Chunks:
    """Makes chunks of the findings of one region, in the order in which they come."""

    __slots__ = ("_number", "_region", "_results", "_series", "_size")

    def __init__(self, series: Series, region: str) -> None:
        self._series = series
        self._region = region
        self._number = 0
        self._size = 0
        self._results: list[dict[str, Any]] = []

    def add(self, found: Found) -> tuple[Chunk, ...]:
        """Add a finding; return the chunk that had no room for it, if there is one."""
        result = _result(found, self._series)
        size = len(json.dumps(result).encode())
        full = self.rest() if self._size + size > MAX_BYTES else ()
        self._results.append(result)
        self._size += size
        return full

    def rest(self) -> tuple[Chunk, ...]:
        """Return what is in the last chunk, if there is anything."""
        if not self._results:
            return ()
        chunk = _chunk(self._series, self._region, self._number, self._results)
        self._results, self._size, self._number = [], 0, self._number + 1
        return (chunk,)


def _chunk(series: Series, region: str, number: int, results: list[dict[str, Any]]) -> Chunk:
    # A SesAccount that was created again gets its findings written again: the old reports are deleted with the old object.
    digest = hashlib.sha256(json.dumps([series.uid, results], sort_keys=True).encode()).hexdigest()[:32]
    summary = Counter(result["result"] for result in results)
    name = series.name(region, number)
    owner = {"apiVersion": API_VERSION, "kind": ACCOUNT_KIND, "name": series.account}
    body = {
        "apiVersion": REPORT_API_VERSION,
        "kind": REPORT_KIND,
        "metadata": {
            "name": name,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, AUDIT_LABEL: series.digest, REGION_LABEL: region},
            "annotations": {DIGEST: digest},
            # When the SesAccount is deleted, its reports are, with or without a running operator.
            "ownerReferences": [{**owner, "uid": series.uid}],
        },
        "scope": owner,
        "summary": {kind: summary[kind] for kind in ("pass", "fail", "warn", "error", "skip")},
        "results": results,
    }
    return Chunk(name, digest, len(results), body)


def _result(found: Found, series: Series) -> dict[str, Any]:
    finding = found.finding
    result = RESULTS[finding.severity]
    about = {"region": found.region, "accountID": series.account_id}
    if found.identity:
        about["identity"] = found.identity
    told: dict[str, Any] = {
        "policy": POLICY,
        "rule": finding.value,
        "result": result,
        "scored": result == "fail",
        "severity": finding.severity.value,
        "category": CATEGORY,
        "source": SOURCE,
        "message": found.message,
        "properties": about,
    }
    if (owner := Owner.parse(found.owner)) is not None and owner.installation_id == series.installation:
        told["resources"] = [
            {"apiVersion": API_VERSION, "kind": IDENTITY_KIND, "namespace": owner.key.namespace, "name": owner.key.name}
        ]
    return told

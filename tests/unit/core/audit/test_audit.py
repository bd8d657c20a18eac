"""When an account is audited, what status says of it, and what the report is made of."""

from __future__ import annotations

import json
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.account.audit import AuditReportStatus, AuditSpec, AuditStatus
from ses_operator.api.account.findings import Finding, Scope
from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.base.durations import span
from ses_operator.api.base.reasons import Reason
from ses_operator.core.audit.progress import (
    AUDIT_FINDINGS,
    RETRY,
    completed_audit,
    configuration,
    due_at,
    news,
    progress,
)
from ses_operator.core.audit.report import MAX_BYTES, Chunk, Chunks, Series
from ses_operator.core.audit.rules import MAX_MESSAGE, Found
from ses_operator.core.audit.tally import EXAMPLES, AuditTally
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import ListedIdentity, VerificationStatus

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
REGIONS = (IRELAND, VIRGINIA, "us-west-2", "ap-southeast-2")
SERIES = Series("prod", "production", "u1", "123456789012")
REPORT = AuditReportStatus(kind="ClusterPolicyReport", selector=SERIES.selector, objects=1, results=1)


def done(**changes: Any) -> AuditStatus:
    status = AuditStatus(completed_at=NOW - timedelta(hours=2), applied_configuration="as-wanted")
    return status.model_copy(update=changes)


@pytest.mark.parametrize(("text", "seconds"), [("24h", 86400), ("90m", 5400), ("0s", 0), ("1h30m15s", 5415)])
def test_a_duration_is_as_long_as_it_says(text: str, seconds: int) -> None:
    assert span(text) == timedelta(seconds=seconds)


SILENT = {"region": IRELAND, "reason": Reason.REGION_UNREACHABLE}
DUE = (
    ("none was ever", None, None, NOW),
    ("the last one was interrupted", done(completed_at=None), None, NOW),
    ("the last one is two hours ago", done(), None, NOW + timedelta(hours=22)),
    ("something else is to be looked for", done(applied_configuration="before"), None, NOW),
    ("a person asks", done(), "now", NOW),
    ("a person has asked before", done(last_handled_reconcile_at="then"), "then", NOW + timedelta(hours=22)),
    (
        "no region answered",
        done(regions=AuditStatus.model_validate({"regions": [SILENT]}).regions),
        None,
        NOW - timedelta(hours=2) + RETRY,
    ),
    (
        "the only region did not tell everything",
        done(regions=AuditStatus.model_validate({"regions": [SILENT | {"identities": {"SUCCESS": 1}}]}).regions),
        None,
        NOW + timedelta(hours=22),
    ),
    (
        "one region answered",
        done(regions=AuditStatus.model_validate({"regions": [SILENT, {"region": VIRGINIA}]}).regions),
        None,
        NOW + timedelta(hours=22),
    ),
)


@pytest.mark.parametrize(("status", "asked", "wanted"), [case[1:] for case in DUE], ids=[case[0] for case in DUE])
def test_an_audit_is_due_where(status: AuditStatus | None, asked: str | None, wanted: datetime) -> None:
    assert due_at(AuditSpec(), status, "as-wanted", asked, NOW) == wanted


def test_what_is_looked_for_decides_whether_an_audit_is_made_anew_and_how_often_does_not() -> None:
    account = SesAccountSpec()
    assert configuration(account, AuditSpec(interval="1h")) == configuration(account, AuditSpec())
    assert configuration(account, AuditSpec(owner_tags=("team",))) != configuration(account, AuditSpec())
    allowed = SesAccountSpec.model_validate({"guardrails": {"sendingPolicies": {"allowedAccounts": ["111122223333"]}}})
    assert configuration(allowed, AuditSpec()) != configuration(account, AuditSpec())


def found(finding: Finding, region: str = IRELAND, identity: str = "mail.example.com", owner: str = "") -> Found:
    return Found(finding, region, identity if finding.scope is Scope.IDENTITY else "", "words", owner)


def ended(tally: AuditTally) -> AuditStatus:
    return completed_audit(
        tally, started_at=NOW - timedelta(minutes=5), now=NOW, configured="c", requested_at=None, report=REPORT
    )


def test_status_counts_by_region_and_shows_some_of_each_kind() -> None:
    tally = AuditTally()
    tally.region(IRELAND).list(
        ListedIdentity(f"{n}.example.com", VerificationStatus.SUCCESS, sending_enabled=True) for n in range(5)
    )
    for number in (3, 1, 4, 2, 0):
        tally.add(found(Finding.UNMANAGED, identity=f"{number}.example.com"))
    tally.add(found(Finding.ACCOUNT_IN_SANDBOX))
    tally.region("me-south-1")  # read, and empty
    tally.region(VIRGINIA).problem = Problem(Reason.ACCESS_DENIED, "allow it")

    status = ended(tally)

    assert (status.identities, status.findings, status.duration_seconds) == (5, 6, 300)
    assert [(region.region, region.reason) for region in status.regions] == [
        (IRELAND, None),
        (VIRGINIA, Reason.ACCESS_DENIED),
    ]
    assert status.regions[0].identities == {"SUCCESS": 5}
    assert status.regions[0].findings == {"Unmanaged": 5, "AccountInSandbox": 1}
    assert [(each.finding, each.identity) for each in status.examples] == [
        ("Unmanaged", "0.example.com"),
        ("Unmanaged", "1.example.com"),
        ("Unmanaged", "2.example.com"),
        ("AccountInSandbox", None),
    ]


def test_status_stays_small_with_ten_thousand_identities_in_four_regions_that_have_every_flaw() -> None:
    tally = AuditTally()
    long = "x" * 200
    for region in REGIONS:
        names = [f"{number}.{long}.example.com" for number in range(2_500)]
        tally.region(region).list(
            ListedIdentity(name, status, sending_enabled=False)
            for name, status in zip(names, 500 * list(VerificationStatus), strict=True)
        )
        for finding in Finding:
            for name in names:
                tally.add(Found(finding, region, name, "w" * MAX_MESSAGE))
    status = ended(tally)
    assert status.identities == 10_000
    assert status.findings == 10_000 * len(Finding)
    assert len(status.examples) == EXAMPLES * len(Finding)
    assert len(json.dumps(status.to_json())) < 100_000


def test_status_stays_small_where_every_region_there_is_refuses() -> None:
    tally = AuditTally()
    for number in range(64):
        tally.region(f"eu-west-{number}").problem = Problem(Reason.ACCESS_DENIED, "m" * 5000)
    assert len(json.dumps(ended(tally).to_json())) < 100_000


def test_progress_is_told_in_steps_of_ten_percent() -> None:
    assert progress(0, 0) == "The regions are being listed"
    assert {progress(read, 40_000) for read in range(12_000, 16_000)} == {"30 % of 40,000 identities are read"}
    assert len({progress(read, 40_000) for read in range(40_001)}) == 11


def counted(**findings: int) -> AuditStatus:
    region = {"region": IRELAND, "findings": findings}
    return AuditStatus.model_validate({"completedAt": NOW.isoformat(), "regions": [region]})


NEWS = (
    ("no audit", counted(Orphaned=1), None, None),
    ("the same audit", counted(Orphaned=1), counted(Orphaned=1), None),
    ("the first audit, clean", None, counted(), None),
    ("the first audit, with findings", None, counted(Unmanaged=1200, Orphaned=1), "1 Orphaned, 1,200 Unmanaged"),
    (
        "more of one kind",
        done(regions=counted(Unmanaged=1, Orphaned=5).regions),
        counted(Unmanaged=2, Orphaned=5),
        "2 Unmanaged",
    ),
    ("fewer", done(regions=counted(Unmanaged=3).regions), counted(Unmanaged=2), None),
)


@pytest.mark.parametrize(("before", "after", "said"), [case[1:] for case in NEWS], ids=[case[0] for case in NEWS])
def test_an_event_tells_of(before: AuditStatus | None, after: AuditStatus | None, said: str | None) -> None:
    told = [(event.type.value, event.reason, event.message) for event in news(before, after)]
    assert told == ([("Warning", AUDIT_FINDINGS, f"The audit has new findings: {said}")] if said else [])


def chunks_of(findings: list[Found], region: str = IRELAND) -> list[Chunk]:
    chunks = Chunks(SERIES, region)
    made = [chunk for each in findings for chunk in chunks.add(each)]
    return [*made, *chunks.rest()]


def test_a_result_names_finding_identity_and_the_object_that_holds_it() -> None:
    (chunk,) = chunks_of([found(Finding.DKIM_OFF, owner="prod/team-a/mail"), found(Finding.ACCOUNT_IN_SANDBOX)])
    first, second = chunk.body["results"]
    assert first == {
        "policy": "ses-audit",
        "rule": "DKIMOff",
        "result": "fail",
        "scored": True,
        "severity": "medium",
        "category": "SES identities",
        "source": "ses-operator",
        "message": "words",
        "properties": {"region": IRELAND, "accountID": "123456789012", "identity": "mail.example.com"},
        "resources": [
            {"apiVersion": "ses-operator.io/v1alpha1", "kind": "SesIdentity", "namespace": "team-a", "name": "mail"}
        ],
    }
    assert (second["result"], second["severity"], second["scored"]) == ("warn", "low", False)
    assert "resources" not in second
    assert chunk.body["summary"] == {"pass": 0, "fail": 1, "warn": 1, "error": 0, "skip": 0}
    assert chunk.body["metadata"]["ownerReferences"][0]["uid"] == "u1"


def test_the_object_of_another_installation_is_not_named() -> None:
    (chunk,) = chunks_of([found(Finding.DKIM_OFF, owner="other/team-a/mail")])
    assert "resources" not in chunk.body["results"][0]


def test_many_findings_are_cut_into_objects_that_etcd_takes_and_none_is_lost() -> None:
    findings = [
        Found(Finding.UNMANAGED, IRELAND, f"{number}.{'ä' * 200}.example.com", "w" * MAX_MESSAGE, "prod/team-a/mail")
        for number in range(3_000)
    ]
    chunks = chunks_of(findings)
    assert len(chunks) > 1
    assert all(len(json.dumps(chunk.body).encode()) < MAX_BYTES + 20_000 for chunk in chunks)
    assert [r["properties"]["identity"] for c in chunks for r in c.body["results"]] == [f.identity for f in findings]
    assert len({chunk.name for chunk in chunks}) == len(chunks)
    assert sum(chunk.results for chunk in chunks) == 3_000


def test_the_reports_of_a_sesaccount_that_was_made_anew_are_not_those_of_the_one_before() -> None:
    (old,) = chunks_of([found(Finding.UNMANAGED)])
    anew = Chunks(replace(SERIES, uid="u2"), IRELAND)
    anew.add(found(Finding.UNMANAGED))
    (new,) = anew.rest()
    assert new.name == old.name
    assert new.digest != old.digest


def test_what_nobody_writes_is_let_go_all_the_same() -> None:
    chunks = Chunks(SERIES, IRELAND)
    for number in range(3_000):
        chunks.add(Found(Finding.UNMANAGED, IRELAND, f"{number}.example.com", "w" * MAX_MESSAGE))
    (last,) = chunks.rest()
    assert last.results < 1_000
    assert chunks.rest() == ()


def test_the_same_findings_make_the_same_chunks_and_others_do_not() -> None:
    one, same = chunks_of([found(Finding.UNMANAGED)]), chunks_of([found(Finding.UNMANAGED)])
    (other,) = chunks_of([found(Finding.ORPHANED)])
    assert one == same
    assert (one[0].name, one[0].digest) != (other.name, other.digest)
    assert one[0].name == other.name, "it is written in place"


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?", fullmatch=True)


@given(NAMES, NAMES)
def test_names_and_labels_of_reports_fit_whatever_the_account_is_called(one: str, other: str) -> None:
    first, second = Series("prod", one, "u", "1"), Series("prod", other, "u", "1")
    name = first.name("us-gov-east-1", 999)
    assert len(name) <= 253
    assert set(name) <= set(string.ascii_lowercase + string.digits + "-.")
    assert len(first.selector.partition("=")[2]) <= 63
    assert (first.selector == second.selector) == (one == other)
    assert first.selector != Series("test", one, "u", "1").selector

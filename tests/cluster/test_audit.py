"""Audits of an account: what they find, where they tell it, and that they change nothing, through restarts and crashes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.tenant import PATIENCE, Tenant
from devcluster import binaries
from devcluster.apiclient import ACCOUNTS, ApiError
from devcluster.environment import Environment
from devcluster.operator_process import OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.account.audit import AuditStatus
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import OWNER_TAG, RECONCILE_REQUESTED_AT
from ses_operator.api.base.reasons import Reason

# In use by no other module: they stand for the same AWS account.
CALGARY, TEL_AVIV = "ca-west-1", "il-central-1"
REPORTS = "/apis/wgpolicyk8s.io/v1alpha2/clusterpolicyreports"
CRD = "crd/clusterpolicyreports.wgpolicyk8s.io"


@pytest.fixture
def tenant(tenant: Tenant, environment: Environment) -> Iterator[Tenant]:
    """A tenant with a SesAccount of its own, whose audited regions are empty before and after."""
    environment.add_account(tenant.namespace)
    customer = Tenant(environment, tenant.api, tenant.namespace, account=tenant.namespace)
    yield customer
    for region in (CALGARY, TEL_AVIV):
        for found in customer.ses(region).list_email_identities()["EmailIdentities"]:
            customer.ses(region).delete_email_identity(EmailIdentity=found["IdentityName"])
    customer.api.delete(f"{ACCOUNTS}/{customer.account}")


@pytest.fixture
def policy_reports(environment: Environment, tenant: Tenant) -> Iterator[None]:
    """The kind of the Policy Working Group, as others install it."""
    environment.kubectl("apply", "--server-side", f"--filename={binaries.policy_report_crd()}")
    eventually(lambda: is_served(tenant), timeout=PATIENCE, of="reports to be served")
    yield
    environment.kubectl("delete", CRD, "--timeout=90s")


def count_mail_of(tenant: Tenant, identity: str) -> None:
    """A message from the identity, 60 hours ago by our clock; that of the sandbox is ahead."""
    sandbox = tenant.environment.sandbox
    ahead = datetime.fromisoformat(sandbox.ask("clock")["now"]) - datetime.now(UTC)
    mail = {"region": CALGARY, "identity": identity, "sends": 1, "hoursAgo": 60 + ahead.total_seconds() / 3600}
    sandbox.ask("mail", mail)


@pytest.mark.usefixtures("operator")
def test_an_identity_from_which_nothing_was_sent_is_found_where_ses_counts_mail(tenant: Tenant) -> None:
    old = {"region": CALGARY, "suffix": tenant.domain, "count": 2, "hoursAgo": 1000}
    tenant.environment.sandbox.ask("identities", old)
    tenant.ses(CALGARY).put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "ENABLED"})
    count_mail_of(tenant, f"0.{tenant.domain}")

    set_audit(tenant, {"regions": [CALGARY], "unusedForDays": 3})

    status = audited(tenant, lambda status: status.completed_at is not None, "the audit to end")
    tenant.ses(CALGARY).put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "DISABLED"})
    assert [each.identity for each in status.examples if each.finding == "Unused"] == [f"1.{tenant.domain}"]
    assert status.regions[0].reason is None


def is_served(tenant: Tenant) -> bool:
    """Whether reports can be listed, which is some time after their kind is established."""
    try:
        return tenant.api.get(REPORTS) is not None
    except ApiError:
        return False


def set_audit(tenant: Tenant, audit: dict[str, Any] | None) -> None:
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"audit": audit}})


def account(tenant: Tenant) -> SesAccount:
    return SesAccount.model_validate(tenant.api.get(f"{ACCOUNTS}/{tenant.account}"))


def audited(tenant: Tenant, wanted: Callable[[AuditStatus], bool], what: str) -> AuditStatus:
    """Waits for an audit like this; its status."""

    def found() -> AuditStatus | None:
        status = account(tenant).status.audit
        return status if status is not None and wanted(status) else None

    status = eventually(found, timeout=PATIENCE, of=what)
    assert status is not None
    return status


def ask_for_audit(tenant: Tenant, request: str) -> AuditStatus:
    """As a person does who does not want to wait for the interval; what the audit says."""
    annotation = {"metadata": {"annotations": {RECONCILE_REQUESTED_AT: request}}}
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", annotation)
    return audited(tenant, lambda status: status.last_handled_reconcile_at == request, f"the audit {request}")


def reports(tenant: Tenant, selector: str) -> list[dict[str, Any]]:
    found = tenant.api.get(f"{REPORTS}?labelSelector={selector}")
    items: list[dict[str, Any]] = found["items"] if found else []
    return items


def results(tenant: Tenant, selector: str) -> Counter[tuple[str, str]]:
    """The findings in the reports, by rule and identity."""
    return Counter(
        (result["rule"], result["properties"].get("identity", ""))
        for report in reports(tenant, selector)
        for result in report["results"]
    )


def make_strangers(tenant: Tenant) -> None:
    """An identity that nobody owns, an address of somebody's, and one whose SesIdentity is gone, with an open policy."""
    ses = tenant.ses(CALGARY)
    ses.create_email_identity(EmailIdentity=f"forgotten.{tenant.domain}")
    ses.create_email_identity(EmailIdentity=f"me@{tenant.domain}", Tags=[{"Key": "owner", "Value": "me"}])
    orphan = f"orphan.{tenant.domain}"
    ses.create_email_identity(
        EmailIdentity=orphan, Tags=[{"Key": OWNER_TAG, "Value": f"tests/{tenant.namespace}/no-more"}]
    )
    arn = f"arn:aws:ses:{CALGARY}:123456789012:identity/{orphan}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "ses:SendEmail", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ses.create_email_identity_policy(EmailIdentity=orphan, PolicyName="open", Policy=document)


@pytest.mark.usefixtures("operator")
def test_an_audit_counts_what_is_wrong_in_status_tells_it_in_an_event_and_changes_nothing(tenant: Tenant) -> None:
    tenant.create_ready(CALGARY, mailFrom={"subdomain": "bounce"})
    tenant.create(CALGARY, name="stuck", domain=f"stuck.{tenant.domain}", dns={"provider": "Manual"})
    tenant.not_ready(Reason.MANUAL_RECORDS_PENDING, "stuck")
    make_strangers(tenant)
    tenant.environment.sandbox.ask("account", {"region": CALGARY, "enforcementStatus": "PROBATION"})
    mark = tenant.last_call()

    set_audit(tenant, {"regions": [CALGARY, TEL_AVIV], "pendingLongerThan": "0s"})

    status = audited(tenant, lambda status: status.completed_at is not None, "the audit to end")
    tenant.environment.sandbox.ask("account", {"region": CALGARY, "enforcementStatus": "HEALTHY"})
    (region,) = status.regions
    assert region.region == CALGARY
    assert region.identities == {"PENDING": 4, "SUCCESS": 1}
    assert region.findings == {
        "OpenSendingPolicy": 1,
        "VerificationPending": 1,
        "Orphaned": 1,
        "Unmanaged": 1,
        "EmailIdentity": 1,
        "AccountUnderReview": 1,
        "AccountInSandbox": 1,
    }
    assert (status.identities, status.findings) == (5, 7)
    assert {each.identity for each in status.examples if each.finding == "Orphaned"} == {f"orphan.{tenant.domain}"}
    assert status.completed_at is not None
    assert status.next_at is not None
    assert (status.next_at - status.completed_at).total_seconds() == 24 * 3600
    assert status.report is not None
    assert "is not installed" in (status.report.message or "")
    changed = [
        call["operation"]
        for call in tenant.calls(since=mark)
        if call["region"] in (CALGARY, TEL_AVIV) and not call["operation"].startswith(("Get", "List"))
    ]
    assert changed == []
    eventually(lambda: "1 Orphaned" in events(tenant), timeout=PATIENCE, of="an Event")
    for name in ("mail", "stuck"):
        tenant.delete(name)
        tenant.gone(name)


def events(tenant: Tenant) -> str:
    """What Events about the account say. Those about cluster-scoped objects are in the namespace default."""
    found = tenant.api.get("/api/v1/namespaces/default/events") or {"items": []}
    return "\n".join(event["message"] for event in found["items"] if event["involvedObject"]["name"] == tenant.account)


@pytest.mark.usefixtures("operator")
def test_a_region_that_is_switched_off_is_passed_over_where_all_are_audited_and_told_where_it_is_named(
    tenant: Tenant,
) -> None:
    tenant.ses(CALGARY).create_email_identity(EmailIdentity=f"forgotten.{tenant.domain}")
    tenant.environment.sandbox.ask("account", {"region": TEL_AVIV, "optedIn": False})
    set_audit(tenant, {})
    everywhere = audited(tenant, lambda status: status.completed_at is not None, "the audit of all regions")
    set_audit(tenant, {"regions": [TEL_AVIV]})
    there = audited(tenant, lambda status: [each.region for each in status.regions] == [TEL_AVIV], "that of one")
    tenant.environment.sandbox.ask("account", {"region": TEL_AVIV, "optedIn": True})

    told = {region.region: region.reason for region in everywhere.regions}
    assert told[CALGARY] is None
    assert TEL_AVIV not in told
    assert there.regions[0].reason == Reason.CREDENTIALS_REJECTED


@pytest.mark.usefixtures("policy_reports")
def test_all_findings_stand_in_policy_reports_that_are_written_in_place_and_go_with_the_audit(
    tenant: Tenant, operator: OperatorProcess
) -> None:
    make_strangers(tenant)
    tenant.ses(TEL_AVIV).create_email_identity(EmailIdentity=f"abroad.{tenant.domain}")
    set_audit(tenant, {"regions": [CALGARY, TEL_AVIV], "pendingLongerThan": "0s"})
    status = audited(tenant, lambda status: status.completed_at is not None, "the audit to end")
    assert status.report is not None
    assert status.report.message is None
    selector = status.report.selector
    first = {report["metadata"]["name"]: report["metadata"] for report in reports(tenant, selector)}
    found = results(tenant, selector)
    assert found.total() == status.findings == status.report.results
    assert found["Unmanaged", f"abroad.{tenant.domain}"] == 1
    assert (len(first), status.report.objects) == (2, 2)

    tenant.ses(CALGARY).delete_email_identity(EmailIdentity=f"forgotten.{tenant.domain}")
    second = ask_for_audit(tenant, "second")
    after = {report["metadata"]["name"]: report["metadata"] for report in reports(tenant, selector)}
    assert {name: meta["uid"] for name, meta in after.items()} == {name: meta["uid"] for name, meta in first.items()}
    rewritten = {name for name in after if after[name]["resourceVersion"] != first[name]["resourceVersion"]}
    assert [name for name in after if CALGARY in name] == [*rewritten], "what is the same is not written again"
    assert found - results(tenant, selector) == Counter({("Unmanaged", f"forgotten.{tenant.domain}"): 1})

    operator.kill()
    tenant.environment.revive(operator)
    tenant.create(CALGARY)
    eventually(lambda: account(tenant).status.identities == 1, timeout=PATIENCE, of="the account to be looked after")
    restarted = account(tenant).status.audit
    assert restarted is not None
    assert restarted.completed_at == second.completed_at, "the interval goes on through a restart"
    tenant.delete()
    tenant.gone()

    set_audit(tenant, {"regions": [TEL_AVIV], "pendingLongerThan": "0s"})
    audited(tenant, lambda status: [each.region for each in status.regions] == [TEL_AVIV], "an audit of one region")
    assert [report["metadata"]["name"] for report in reports(tenant, selector)] == [
        name for name in first if TEL_AVIV in name
    ]

    set_audit(tenant, None)
    eventually(lambda: reports(tenant, selector) == [], timeout=PATIENCE, of="the reports to go")
    eventually(lambda: account(tenant).status.audit is None, timeout=PATIENCE, of="status to forget the audit")


@pytest.mark.usefixtures("policy_reports")
def test_an_audit_that_a_crash_interrupts_is_made_anew_and_its_reports_go_with_the_account(
    tenant: Tenant, operator: OperatorProcess
) -> None:
    make_strangers(tenant)
    with tenant.fault("latency", operation="GetEmailIdentity", region=CALGARY, seconds=20):
        set_audit(tenant, {"regions": [CALGARY]})
        audited(tenant, lambda status: status.progress is not None, "progress to be told")
        operator.kill()
    tenant.environment.revive(operator)

    status = audited(tenant, lambda status: status.completed_at is not None, "the audit to end")

    assert status.identities == 3
    assert status.progress is None
    assert status.report is not None
    selector = status.report.selector
    assert len(reports(tenant, selector)) == 1
    tenant.api.delete(f"{ACCOUNTS}/{tenant.account}")
    eventually(lambda: reports(tenant, selector) == [], timeout=PATIENCE, of="the reports to go")

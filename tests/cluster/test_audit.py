"""Policy reports of audits, whose kind others install, through restarts and crashes of the operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.audits import CALGARY, TEL_AVIV, account, audited, make_strangers, set_audit
from cluster.tenant import PATIENCE, Tenant
from devcluster import binaries
from devcluster.apiclient import ACCOUNTS, ApiError
from devcluster.environment import Environment
from devcluster.operator_process import OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.account.audit import AuditStatus
from ses_operator.api.base.meta import RECONCILE_REQUESTED_AT

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


def is_served(tenant: Tenant) -> bool:
    """Whether reports can be listed, which is some time after their kind is established."""
    try:
        return tenant.api.get(REPORTS) is not None
    except ApiError:
        return False


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

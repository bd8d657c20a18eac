"""Audits of an account: what they find, what status and Events say of it, and that they change nothing."""

from __future__ import annotations

from cluster.audits import CALGARY, TEL_AVIV, audited, make_strangers, set_audit
from cluster.tenant import Tenant
from ses_operator.api.base.reasons import Reason


def count_mail_of(tenant: Tenant, identity: str) -> None:
    """A message from the identity, 60 hours ago."""
    mail = {"region": CALGARY, "identity": identity, "sends": 1, "hoursAgo": 60}
    tenant.environment.sandbox.ask("mail", mail)


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
        "VerificationPending": 3,
        "Orphaned": 1,
        "Unmanaged": 1,
        "EmailIdentity": 1,
        "AccountUnderReview": 1,
        "AccountInSandbox": 1,
    }
    assert (status.identities, status.findings) == (5, 9)
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
    tenant.wait(lambda: "1 Orphaned" in events(tenant), "an Event")
    for name in ("mail", "stuck"):
        tenant.delete(name)
        tenant.gone(name)


def events(tenant: Tenant) -> str:
    """What Events about the account say. Those about cluster-scoped objects are in the namespace default."""
    found = tenant.api.get("/api/v1/namespaces/default/events") or {"items": []}
    return "\n".join(event["message"] for event in found["items"] if event["involvedObject"]["name"] == tenant.account)


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

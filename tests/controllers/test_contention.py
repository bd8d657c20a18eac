"""Another client keeps changing back what the operator corrects: it says so, with both values, and slows down."""

from __future__ import annotations

from cluster.tenant import Tenant
from cluster.verdicts import explains
from ses_operator.api.base.conditions import Condition, ConditionType
from ses_operator.api.base.reasons import Reason
from ses_operator.core.planning.contention import CONTESTED_AFTER

IRELAND = "eu-west-1"


def test_a_setting_that_is_changed_back_again_and_again_is_named_and_left_for_a_while(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    for _ in range(CONTESTED_AFTER):
        _switch_signing_off(tenant)
        tenant.reconciled()
        tenant.wait(lambda: _signs(tenant), "signing to be on again")

    told = tenant.says(ConditionType.READY, "3 times")
    assert [part for part in (IRELAND, "DKIM signing", "off") if part not in told] == []
    tenant.wait(lambda: _is_told(tenant), "the Event")

    _switch_signing_off(tenant)
    tenant.request_reconcile()
    explains(tenant, Reason.CONTESTED, IRELAND, "CloudTrail")
    assert not _signs(tenant)

    tenant.change(dkim={"signingEnabled": False})
    assert tenant.ready().status.repairs is None, "a change of the spec is no conflict"


def test_records_that_are_removed_again_and_again_are_left_out_for_a_while(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    records = tenant.records()
    (name, kind), (value,) = next(item for item in records.items() if item[0][1] == "CNAME")
    for _ in range(CONTESTED_AFTER):
        tenant.remove_record(name.removesuffix(f".{tenant.domain}"), kind, value)
        tenant.reconciled()
        tenant.wait(lambda: tenant.records() == records, "the record to be back")
        tenant.wait(lambda: _published(tenant).is_true, "all records to be published")

    tenant.remove_record(name.removesuffix(f".{tenant.domain}"), kind, value)
    tenant.reconciled()

    tenant.wait(lambda: _published(tenant).reason == Reason.CONTESTED, "the records to be contested")
    told = _published(tenant).message
    assert [part for part in (kind, name, "3 times") if part not in told] == []
    assert (name, kind) not in tenant.records()


def _published(tenant: Tenant) -> Condition:
    condition = tenant.condition(ConditionType.DNS_PUBLISHED)
    assert condition is not None
    return condition


def _switch_signing_off(tenant: Tenant) -> None:
    tenant.ses(IRELAND).put_email_identity_dkim_attributes(EmailIdentity=tenant.domain, SigningEnabled=False)


def _signs(tenant: Tenant) -> bool:
    return bool(tenant.at_ses()[IRELAND]["DkimAttributes"]["SigningEnabled"])


def _is_told(tenant: Tenant) -> bool:
    return any((kind, reason) == ("Warning", Reason.CONTESTED) for kind, reason, _ in tenant.events())

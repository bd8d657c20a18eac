"""Somebody else keeps changing back what the operator puts right: it says so, with both values, and slows down."""

from __future__ import annotations

import pytest

from cluster.tenant import PATIENCE, Tenant
from cluster.verdicts import explains
from devcluster.waiting import eventually
from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.core.planning.contention import CONTESTED_AFTER

pytestmark = pytest.mark.usefixtures("operator")

IRELAND = "eu-west-1"


def test_a_setting_that_is_changed_back_again_and_again_is_named_and_left_to_stand_for_a_while(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    for _ in range(CONTESTED_AFTER):
        _switch_signing_off(tenant)
        tenant.reconciled()
        eventually(lambda: _signs(tenant), timeout=PATIENCE, of="signing to be on again")

    told = tenant.says(ConditionType.READY, "But eu-west-1: somebody else keeps changing back what is set here")
    assert f'"switch DKIM signing on in {IRELAND}" was done 3 times and found again as it was not to be: off' in told
    eventually(lambda: _is_told(tenant), timeout=PATIENCE, of="the Event")

    _switch_signing_off(tenant)
    tenant.request_reconcile()
    explains(tenant, Reason.CONTESTED, f"{IRELAND}: somebody else keeps changing back", "CloudTrail")
    assert not _signs(tenant)

    tenant.change(dkim={"signingEnabled": False})
    assert tenant.ready().status.repairs is None, "who changes the spec is not who fights"


def test_records_that_are_removed_again_and_again_are_left_out_for_a_while(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    records = tenant.records()
    (name, kind), (value,) = next(item for item in records.items() if item[0][1] == "CNAME")
    for _ in range(CONTESTED_AFTER):
        tenant.remove_record(name.removesuffix(f".{tenant.domain}"), kind, value)
        tenant.reconciled()
        eventually(lambda: tenant.records() == records, timeout=PATIENCE, of="the record to be back")
        tenant.says(ConditionType.DNS_PUBLISHED, "record sets are published")

    tenant.remove_record(name.removesuffix(f".{tenant.domain}"), kind, value)
    tenant.reconciled()

    told = tenant.says(ConditionType.DNS_PUBLISHED, f'"publish {kind} {name}" was done 3 times')
    identity = tenant.identity()
    assert identity is not None
    published = find(identity.status.conditions, ConditionType.DNS_PUBLISHED)
    assert published is not None
    assert (published.reason, published.message) == (Reason.CONTESTED, told)
    assert (name, kind) not in tenant.records()


def _switch_signing_off(tenant: Tenant) -> None:
    tenant.ses(IRELAND).put_email_identity_dkim_attributes(EmailIdentity=tenant.domain, SigningEnabled=False)


def _signs(tenant: Tenant) -> bool:
    return bool(tenant.at_ses()[IRELAND]["DkimAttributes"]["SigningEnabled"])


def _is_told(tenant: Tenant) -> bool:
    return any((kind, reason) == ("Warning", Reason.CONTESTED) for kind, reason, _ in tenant.events())

"""MAIL FROM domains on their way from one name to another: what SES uses has its one MX at every moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.tenant import ZONE, Tenant
from cluster.zone_watch import ZoneWatch
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
SET = "PutEmailIdentityMailFromAttributes"


def exchanges(tenant: Tenant) -> Mapping[str, tuple[str, ...]]:
    """The values of each MX record, by its first label."""
    return {name.split(".")[0]: values for (name, kind), values in tenant.records().items() if kind == "MX"}


def mx(region: str) -> tuple[str, ...]:
    return (f"10 feedback-smtp.{region}.amazonses.com",)


def names_at_ses(tenant: Tenant) -> dict[str, Any]:
    return {region: found["MailFromAttributes"].get("MailFromDomain") for region, found in tenant.at_ses().items()}


def moved(tenant: Tenant, label: str) -> None:
    """Waits until SES has verified this name in every region, and the object says so."""
    name = f"{label}.{tenant.domain}"
    tenant.wait(lambda: set(names_at_ses(tenant).values()) == {name}, f"SES to have {name}")
    tenant.request_reconcile()
    tenant.ready()


def test_a_name_for_each_region_becomes_one_for_all_whose_mx_follows_the_first_region(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
    assert exchanges(tenant) == {f"bounce-{region}": mx(region) for region in (IRELAND, VIRGINIA)}
    before = tenant.last_call()

    with tenant.refusing(SET):
        tenant.change(mailFrom={"subdomain": "bounce", "scope": "Shared"})
        tenant.not_ready(Reason.ACCESS_DENIED)
        assert exchanges(tenant) == {
            "bounce": mx(IRELAND),
            f"bounce-{IRELAND}": mx(IRELAND),
            f"bounce-{VIRGINIA}": mx(VIRGINIA),
        }, "the new name is there, and SES still has the old ones"
    moved(tenant, "bounce")

    calls = [call["operation"] for call in tenant.calls(since=before)]
    assert calls.index("ChangeResourceRecordSets") < calls.index(SET)
    tenant.wait(lambda: exchanges(tenant) == {"bounce": mx(IRELAND)}, "the old records to go")

    zones = tenant.environment.sandbox.zones
    watched = ZoneWatch(tenant.environment.sandbox, tenant.route53, zones, zones[ZONE])
    tenant.change(regions=[VIRGINIA])
    tenant.wait(lambda: exchanges(tenant) == {"bounce": mx(VIRGINIA)}, "the MX of the next region")
    tenant.ready()
    assert names_at_ses(tenant) == {VIRGINIA: f"bounce.{tenant.domain}"}
    told = watched.answers(f"bounce.{tenant.domain}", "MX")
    assert told in ([mx(IRELAND), mx(VIRGINIA)], [mx(VIRGINIA)]), "one at every moment"


def test_records_stay_until_ses_has_let_go_of_a_name_that_is_switched_off(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, mailFrom={"subdomain": "bounce"})
    with tenant.refusing(SET):
        tenant.change(mailFrom=None)
        tenant.not_ready(Reason.ACCESS_DENIED)
        assert exchanges(tenant) == {f"bounce-{IRELAND}": mx(IRELAND)}

    tenant.ready()
    assert names_at_ses(tenant) == {IRELAND: None}
    tenant.wait(lambda: exchanges(tenant) == {}, "the records to go")

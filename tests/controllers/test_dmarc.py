"""A DMARC policy at `_dmarc.<domain>`: published with the other records, kept, and taken back; those of others are left."""

from __future__ import annotations

import pytest

from cluster.tenant import Tenant
from ses_operator.api.base.conditions import ConditionStatus, ConditionType, find
from ses_operator.api.base.meta import INVENTORY
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RecordStatus

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
DMARC = {"policy": "quarantine", "alignment": {"dkim": "Strict"}, "rua": ["mailto:dmarc@example.com"]}
TEXT = "v=DMARC1; p=quarantine; adkim=s; rua=mailto:dmarc@example.com"
THEIRS = '"v=DMARC1; p=none; rua=mailto:them@example.net"'


def published(tenant: Tenant) -> tuple[str, ...] | None:
    """The values in the zone at the policy's name."""
    return tenant.records().get((f"_dmarc.{tenant.domain}", "TXT"))


def current(tenant: Tenant) -> SesIdentity:
    identity = tenant.identity()
    assert identity is not None
    return identity


def records(identity: SesIdentity) -> tuple[RecordStatus, ...]:
    assert identity.status.dns is not None
    return identity.status.dns.records


def record(identity: SesIdentity) -> RecordStatus:
    """What status says of the policy."""
    return next(found for found in records(identity) if found.purpose == "DMARC")


def dns_published(tenant: Tenant) -> ConditionStatus:
    condition = tenant.condition(ConditionType.DNS_PUBLISHED)
    return condition.status if condition else ConditionStatus.UNKNOWN


def await_policy(tenant: Tenant, text: str | None) -> None:
    wanted = (f'"{text}"',) if text else None
    tenant.wait(lambda: published(tenant) == wanted, f"the DMARC policy to be {text}")


def test_one_policy_is_published_for_all_regions(tenant: Tenant) -> None:
    identity = tenant.create_ready(IRELAND, VIRGINIA, dmarc=DMARC)

    await_policy(tenant, TEXT)
    said = record(identity)
    assert (said.name, said.type, said.values) == (f"_dmarc.{tenant.domain}", "TXT", (TEXT,))
    assert said.regions == (IRELAND, VIRGINIA)
    tenant.wait(lambda: dns_published(tenant) is ConditionStatus.TRUE, "all records to be published")
    tenant.delete()
    tenant.gone()
    assert tenant.records() == {}


def test_a_policy_follows_the_spec_and_goes_alone_when_it_is_taken_out(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, dmarc=DMARC)
    await_policy(tenant, TEXT)
    before = tenant.records().keys()

    tenant.change(dmarc={"policy": "reject", "alignment": None, "rua": None, "percentage": 20})

    await_policy(tenant, "v=DMARC1; p=reject; pct=20")

    tenant.change(dmarc=None)

    await_policy(tenant, None)
    assert before - tenant.records().keys() == {(f"_dmarc.{tenant.domain}", "TXT")}
    tenant.ready()


def test_another_policy_is_reported_with_both_values_and_left_until_its_owner_removes_it(tenant: Tenant) -> None:
    tenant.add_record("_dmarc", "TXT", THEIRS)

    identity = tenant.create_ready(IRELAND, dmarc=DMARC)

    condition = find(identity.status.conditions, ConditionType.DNS_PUBLISHED)
    assert condition is not None
    assert (condition.status, condition.reason) == (ConditionStatus.FALSE, Reason.DNS_RECORD_CONFLICT)
    for said in (condition.message, record(identity).message or ""):
        assert THEIRS in said
        assert TEXT in said
    assert record(identity).state == "Conflict"
    assert published(tenant) == (THEIRS,)

    tenant.remove_record("_dmarc", "TXT", THEIRS, ttl=60)
    tenant.request_reconcile()

    await_policy(tenant, TEXT)


def test_another_policy_that_says_the_same_will_do_and_stays_its_owners(tenant: Tenant) -> None:
    same = '"v=DMARC1;p=quarantine;pct=100;rua=mailto:dmarc@example.com;adkim=s;fo=1"'
    key = tenant.add_record("_dmarc", "TXT", same)

    tenant.create_ready(IRELAND, dmarc=DMARC)

    tenant.wait(lambda: dns_published(tenant) is ConditionStatus.TRUE, "all records to be published")
    tenant.delete()
    tenant.gone()
    assert tenant.records() == {key: (same,)}


def test_a_region_can_leave_and_the_object_go_while_another_policy_is_there(tenant: Tenant) -> None:
    key = tenant.add_record("_dmarc", "TXT", THEIRS)
    tenant.create_ready(IRELAND, VIRGINIA, dmarc=DMARC)

    tenant.change(regions=[IRELAND])

    tenant.ready()
    tenant.wait(lambda: tenant.at_ses().keys() == {IRELAND}, "the region to go")
    tenant.wait(
        lambda: VIRGINIA not in current(tenant).metadata.annotations[INVENTORY],
        "the inventory to shrink",
    )

    tenant.delete()
    tenant.gone()
    assert tenant.records() == {key: (THEIRS,)}


def test_the_owners_of_report_addresses_are_told_what_to_publish(tenant: Tenant) -> None:
    addresses = ["mailto:dmarc@example.com", "mailto:dmarc@reports.example.net!10m"]

    identity = tenant.create_ready(IRELAND, dmarc={"policy": "none", "rua": addresses})

    assert identity.status.dns is not None
    (told,) = identity.status.dns.report_authorizations or ()
    assert (told.name, told.type, told.values) == (
        f"{tenant.domain}._report._dmarc.reports.example.net", "TXT", ("v=DMARC1",),
    )  # fmt: skip
    assert "The owner of reports.example.net has to publish this record" in told.message


def test_a_policy_published_by_hand_is_noticed_without_asking(tenant: Tenant) -> None:
    tenant.create(IRELAND, dmarc=DMARC, dns={"provider": "Manual"})
    tenant.not_ready(Reason.MANUAL_RECORDS_PENDING)
    publish_all_but_the_policy(tenant)
    identity = tenant.ready()
    assert record(identity).state != "Published"

    tenant.add_record("_dmarc", "TXT", f'"{TEXT}"')

    tenant.wait(lambda: dns_published(tenant) is ConditionStatus.TRUE, "all records to be published")


@pytest.mark.usefixtures("dnsendpoints")
def test_an_older_policy_that_external_dns_does_not_change_is_explained(tenant: Tenant) -> None:
    tenant.add_record("_dmarc", "TXT", '"v=DMARC1; p=none"')
    tenant.create(IRELAND, dmarc=DMARC, dns={"provider": "DNSEndpoint"})
    tenant.not_ready(Reason.WAITING_FOR_DNS)

    publish_all_but_the_policy(tenant)

    tenant.ready()
    words = ("v=DMARC1; p=none", TEXT, "ExternalDNS", "0.21")
    tenant.wait(
        lambda: all(each in (record(current(tenant)).message or "") for each in words),
        "the policy to be explained",
    )


def publish_all_but_the_policy(tenant: Tenant) -> None:
    """What ExternalDNS or a person does with the records of DKIM."""
    for found in records(current(tenant)):
        if found.purpose == "DKIM":
            tenant.add_record(found.name.removesuffix(f".{tenant.domain}"), found.type, *found.values)

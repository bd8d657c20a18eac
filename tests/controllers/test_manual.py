"""Records that people publish: they stand in status, ready to copy, and the operator says what is missing or wrong."""

from __future__ import annotations

from cluster.tenant import ZONE, Tenant
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity

IRELAND = "eu-west-1"
MANUAL = {"provider": "Manual", "ttl": 60}


def publish_by_hand(tenant: Tenant, identity: SesIdentity) -> None:
    """What a person does who copies the records into the zone."""
    assert identity.status.dns is not None
    for record in identity.status.dns.records:
        values = [f'"{value}"' if record.type == "TXT" else value for value in record.values]
        tenant.add_record(record.name.removesuffix(f".{tenant.domain}"), record.type, *values)


def waiting(tenant: Tenant) -> SesIdentity:
    tenant.not_ready(Reason.MANUAL_RECORDS_PENDING)
    identity = tenant.identity()
    assert identity is not None
    return identity


def test_records_copied_from_status_make_it_ready(tenant: Tenant) -> None:
    tenant.create(IRELAND, dns=MANUAL, mailFrom={"subdomain": "bounce"})

    publish_by_hand(tenant, waiting(tenant))

    identity = tenant.ready()
    assert identity.status.dns is not None
    assert identity.status.dns.provider == "Manual"
    tenant.wait(
        lambda: (condition := tenant.condition(ConditionType.DNS_PUBLISHED)) is not None and condition.is_true,
        "all records to be seen",
    )


def test_nothing_is_written_into_the_zone(tenant: Tenant) -> None:
    tenant.create(IRELAND, dns=MANUAL)
    waiting(tenant)

    assert tenant.records() == {}


def test_a_record_with_the_zone_appended_twice_is_diagnosed_in_words(tenant: Tenant) -> None:
    tenant.create(IRELAND, dns=MANUAL)
    identity = waiting(tenant)
    assert identity.status.dns is not None
    token = identity.status.dns.records[0]
    doubled = f"{token.name}.{ZONE}"
    tenant.add_record(f"{doubled}.", token.type, *token.values)

    tenant.request_reconcile()

    message = tenant.says(ConditionType.DNS_PUBLISHED, doubled)
    assert token.name in message


def test_deletion_leaves_records_to_the_people_who_made_them(tenant: Tenant) -> None:
    tenant.create(IRELAND, dns=MANUAL)
    publish_by_hand(tenant, waiting(tenant))
    tenant.ready()
    records = tenant.records()

    tenant.delete()
    tenant.gone()

    assert tenant.at_ses() == {}
    assert tenant.records() == records

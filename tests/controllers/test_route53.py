"""From `kubectl apply` to verified by Route 53, and kept so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cluster.tenant import Tenant, tags
from controllers.world import World
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA, SYDNEY = "eu-west-1", "us-east-1", "ap-southeast-2"
MAIL_FROM = {"subdomain": "bounce"}


def test_the_zone_holds_what_status_says(tenant: Tenant) -> None:
    identity = tenant.create_ready(IRELAND, VIRGINIA, mailFrom=MAIL_FROM)

    assert identity.status.dns is not None
    said = {(record.name, record.type): record.values for record in identity.status.dns.records}
    assert len(said) == 2 * 5  # per region three CNAME, one MX, one TXT
    found = {key: tuple(value.strip('"') for value in values) for key, values in tenant.records().items()}
    ledger = found.pop((f"_ses-operator.{tenant.domain}", "TXT"))
    assert found == said
    assert f"heritage=ses-operator,owner=tests/{tenant.namespace}/mail" in ledger


def test_mail_can_be_sent_from_every_region(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)
    address = f"hello@{tenant.domain}"

    for region in (IRELAND, VIRGINIA):
        tenant.ses(region).send_email(
            FromEmailAddress=address,
            Destination={"ToAddresses": [address]},
            Content={"Simple": {"Subject": {"Data": region}, "Body": {"Text": {"Data": "It works."}}}},
        )


def test_a_region_added_to_spec_joins_the_others(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    before = tenant.at_ses()[IRELAND]

    tenant.change(regions=[IRELAND, SYDNEY])

    assert tenant.ready().status.verified_regions == "2/2"
    assert tenant.at_ses()[IRELAND]["timers"]["createdAt"] == before["timers"]["createdAt"]


def test_a_region_removed_from_spec_is_deleted_before_its_records(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, mailFrom=MAIL_FROM)
    before = tenant.records()
    with tenant.refusing("DeleteEmailIdentity"):
        tenant.change(regions=[IRELAND])

        assert VIRGINIA in tenant.not_ready(Reason.ACCESS_DENIED).message
        assert tenant.records() == before

    tenant.request_reconcile()
    tenant.ready()
    assert tenant.at_ses().keys() == {IRELAND}
    gone = before.keys() - tenant.records().keys()
    assert len(gone) == 5
    assert (f"bounce-{VIRGINIA}.{tenant.domain}", "MX") in gone


def test_deletion_takes_the_identity_and_its_records_and_nothing_of_others(tenant: Tenant) -> None:
    others = tenant.add_record("www", "TXT", '"somebody else"')
    tenant.create_ready(IRELAND, VIRGINIA)

    tenant.delete()
    tenant.gone()

    assert tenant.at_ses() == {}
    assert tenant.records().keys() == {others}


@dataclass(frozen=True)
class Drift:
    """A person changes the identity in the console; `holds` says whether it is as the spec wants it."""

    name: str
    change: Callable[[Tenant], None]
    holds: Callable[[dict[str, Any]], bool]


def _untag(tenant: Tenant) -> None:
    arn = f"arn:aws:ses:{IRELAND}:123456789012:identity/{tenant.domain}"
    tenant.ses(IRELAND).untag_resource(ResourceArn=arn, TagKeys=["team"])


def _stop_signing(tenant: Tenant) -> None:
    tenant.ses(IRELAND).put_email_identity_dkim_attributes(EmailIdentity=tenant.domain, SigningEnabled=False)


def _drop_mail_from(tenant: Tenant) -> None:
    tenant.ses(IRELAND).put_email_identity_mail_from_attributes(EmailIdentity=tenant.domain)


def _drop_configuration_set(tenant: Tenant) -> None:
    tenant.ses(IRELAND).put_email_identity_configuration_set_attributes(EmailIdentity=tenant.domain)


DRIFTS = (
    Drift("a tag", _untag, lambda found: tags(found).get("team") == "payments"),
    Drift("DKIM signing", _stop_signing, lambda found: bool(found["DkimAttributes"]["SigningEnabled"])),
    Drift("MAIL FROM", _drop_mail_from, lambda found: "MailFromDomain" in found["MailFromAttributes"]),
    Drift("the configuration set", _drop_configuration_set, lambda found: found.get("ConfigurationSetName") == "default"),
)  # fmt: skip


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.name)
def test_drift_is_repaired(tenant: Tenant, drift: Drift) -> None:
    tenant.ses(IRELAND).create_configuration_set(ConfigurationSetName="default")
    tenant.create(IRELAND, mailFrom=MAIL_FROM, tags={"team": "payments"}, configurationSetName="default")
    tenant.settled()
    drift.change(tenant)
    assert not drift.holds(tenant.at_ses()[IRELAND])

    tenant.request_reconcile()

    tenant.wait(lambda: drift.holds(tenant.at_ses()[IRELAND]), "the repair")
    tenant.ready()


def test_a_key_that_another_client_shortened_stays_short_for_the_24_hours_that_ses_asks_for(
    tenant: Tenant, world: World
) -> None:
    tenant.create_ready(IRELAND)
    tenant.ses(IRELAND).put_email_identity_dkim_signing_attributes(
        EmailIdentity=tenant.domain,
        SigningAttributesOrigin="AWS_SES",
        SigningAttributes={"NextSigningKeyLength": "RSA_1024_BIT"},
    )

    tenant.request_reconcile()

    assert IRELAND in tenant.not_ready(Reason.KEY_LENGTH_TOO_SOON).message

    world.pass_time(hours=25)

    tenant.ready()
    assert tenant.at_ses()[IRELAND]["DkimAttributes"]["NextSigningKeyLength"] == "RSA_2048_BIT"


def test_a_key_that_is_to_be_short_is_shortened_at_once(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)

    tenant.change(dkim={"keySize": 1024})

    tenant.ready()
    assert tenant.at_ses()[IRELAND]["DkimAttributes"]["NextSigningKeyLength"] == "RSA_1024_BIT"


def test_an_identity_that_another_client_deleted_is_created_again(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, mailFrom=MAIL_FROM)

    tenant.ses(IRELAND).delete_email_identity(EmailIdentity=tenant.domain)

    tenant.wait(lambda: tenant.owners().keys() == {IRELAND}, "the identity to be back")
    tenant.wait(lambda: tenant.is_verified_at_ses(IRELAND), "its verification")
    tenant.ready()

"""Identities that were there before: taken over only when asked for, and changed only once they are ours."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cluster.tenant import Tenant, tags
from cluster.verdicts import explains
from controllers.world import World
from devcluster.apiclient import ApiError
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
MAIL_FROM = {"subdomain": "bounce"}
BOUNCE = f"bounce-{IRELAND}"


def test_an_identity_without_an_owner_is_not_taken_over_unasked(tenant: Tenant) -> None:
    _make(tenant, IRELAND)
    before, begun = tenant.at_ses(), tenant.last_call()

    tenant.create(IRELAND, VIRGINIA)

    tenant.verified("1/2")
    explains(tenant, Reason.NOT_ADOPTED, IRELAND, tenant.domain, "spec.adoptionPolicy", "IfUnowned")
    assert set(_writes_in(tenant, IRELAND, begun)) <= {"CreateEmailIdentity"}, "which is how it learns that it exists"
    assert _configuration(tenant, IRELAND) == _configuration_of(before[IRELAND])


def test_an_identity_that_is_as_asked_for_is_adopted_by_a_tag_alone(tenant: Tenant) -> None:
    _make(tenant, IRELAND)
    begun = tenant.last_call()

    tenant.create_ready(IRELAND, adoptionPolicy="IfUnowned")

    assert tenant.owners() == {IRELAND: f"tests/{tenant.namespace}/mail"}
    carried_out = [
        call["operation"] for call in tenant.calls(identity=tenant.domain, since=begun) if call["status"] < 300
    ]
    assert [operation for operation in carried_out if not operation.startswith("Get")] == ["TagResource"]


def test_settings_that_differ_are_corrected_once_it_is_adopted(tenant: Tenant) -> None:
    _make(tenant, IRELAND, Tags=[{"Key": "made-by", "Value": "terraform"}])
    tenant.ses(IRELAND).put_email_identity_dkim_attributes(EmailIdentity=tenant.domain, SigningEnabled=False)
    begun = tenant.last_call()

    tenant.create(IRELAND, tags={"team": "payments"})
    refused = explains(tenant, Reason.NOT_ADOPTED, IRELAND, "DKIM signing", "off")
    listed = [change.action for change in refused.status.pending_changes or ()]
    assert listed == ["TagIdentity", "SetSigning", *["CreateRecord"] * 3]
    assert set(tenant.writes(since=begun)) <= {"CreateEmailIdentity"}

    tenant.change(adoptionPolicy="IfUnowned")
    ready = tenant.ready()

    assert ready.status.pending_changes is None
    adopted = tenant.at_ses()[IRELAND]
    assert adopted["DkimAttributes"]["SigningEnabled"]
    owner = f"tests/{tenant.namespace}/mail"
    assert tags(adopted) == {"made-by": "terraform", "team": "payments", OWNER_TAG: owner}
    writes = tenant.writes(since=begun)
    assert writes.index("TagResource") < writes.index("PutEmailIdentityDkimAttributes"), "the mark comes first"


def test_another_mail_from_domain_is_not_overwritten(tenant: Tenant) -> None:
    _make(tenant, IRELAND)
    theirs = f"returns.{tenant.domain}"
    tenant.ses(IRELAND).put_email_identity_mail_from_attributes(EmailIdentity=tenant.domain, MailFromDomain=theirs)
    begun = tenant.last_call()

    tenant.create(IRELAND, adoptionPolicy="IfUnowned", mailFrom=MAIL_FROM)

    asked_for = f"{BOUNCE}.{tenant.domain}"
    explains(tenant, Reason.MAIL_FROM_CONFLICT, IRELAND, theirs, asked_for, "change spec.mailFrom")
    assert set(tenant.writes(since=begun)) <= {"CreateEmailIdentity"}
    assert tenant.at_ses()[IRELAND]["MailFromAttributes"]["MailFromDomain"] == theirs


def test_a_mail_from_domain_stays_that_others_have_set_and_the_spec_does_not_name(tenant: Tenant) -> None:
    _make(tenant, IRELAND)
    theirs = f"returns.{tenant.domain}"
    tenant.ses(IRELAND).put_email_identity_mail_from_attributes(EmailIdentity=tenant.domain, MailFromDomain=theirs)

    tenant.create_ready(IRELAND, adoptionPolicy="IfUnowned")

    assert tenant.owners() == {IRELAND: f"tests/{tenant.namespace}/mail"}
    assert tenant.at_ses()[IRELAND]["MailFromAttributes"]["MailFromDomain"] == theirs


def test_an_identity_that_signs_with_a_key_of_its_own_is_left_alone(tenant: Tenant) -> None:
    key = {"DomainSigningSelector": "theirs", "DomainSigningPrivateKey": _private_key()}
    _make(tenant, IRELAND, DkimSigningAttributes=key)
    begun = tenant.last_call()

    tenant.create(IRELAND, adoptionPolicy="IfUnowned")

    explains(tenant, Reason.DKIM_CONFLICT, IRELAND, tenant.domain, "Easy DKIM")
    assert set(tenant.writes(since=begun)) <= {"CreateEmailIdentity"}
    assert tenant.records() == {}


def test_an_identity_of_another_installation_is_left_to_it(tenant: Tenant) -> None:
    _make(tenant, IRELAND, Tags=[{"Key": OWNER_TAG, "Value": "elsewhere/team/mail"}])
    begun = tenant.last_call()

    tenant.create(IRELAND, adoptionPolicy="IfUnowned")

    explains(tenant, Reason.OWNED_BY_ANOTHER, IRELAND, tenant.domain, "Have its owner delete it or hand it over")
    assert set(tenant.writes(since=begun)) <= {"CreateEmailIdentity"}
    tenant.delete()
    tenant.gone()
    assert tenant.owners() == {IRELAND: "elsewhere/team/mail"}


def test_what_retain_released_can_be_adopted_again_and_deleted(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, deletionPolicy="Retain")
    records = tenant.records()
    tenant.delete()
    tenant.gone()
    assert tenant.owners() == {IRELAND: None}
    ledger = (f"_ses-operator.{tenant.domain}", "TXT")
    assert tenant.records() == {key: values for key, values in records.items() if key != ledger}
    begun = tenant.last_call()

    tenant.create_ready(IRELAND, adoptionPolicy="IfUnowned")

    carried_out = [
        call["operation"] for call in tenant.calls(identity=tenant.domain, since=begun) if call["status"] < 300
    ]
    assert [operation for operation in carried_out if not operation.startswith("Get")] == ["TagResource"]

    tenant.delete()
    tenant.gone()
    assert tenant.at_ses() == {}
    assert {kind for _, kind in tenant.records()} == {"CNAME"}, (
        "they were there when it was adopted: not ours to delete"
    )


def test_the_same_object_made_again_goes_on_without_a_write_at_aws(tenant: Tenant, world: World) -> None:
    identity = tenant.create_ready(IRELAND, mailFrom=MAIL_FROM)
    world.stop()
    tenant.lose()
    begun, changes = tenant.last_call(), tenant.record_changes()
    tenant.create(IRELAND, mailFrom=MAIL_FROM)
    world.start()

    again = tenant.ready()

    assert tenant.writes(since=begun) == []
    assert tenant.record_changes() == changes
    assert again.metadata.uid != identity.metadata.uid
    assert again.metadata.has_finalizer
    assert again.metadata.annotations == identity.metadata.annotations


def _make(tenant: Tenant, region: str, **settings: Any) -> None:
    """An identity that another client made in SES."""
    tenant.ses(region).create_email_identity(EmailIdentity=tenant.domain, **settings)


def _writes_in(tenant: Tenant, region: str, begun: int) -> list[str]:
    calls = tenant.calls(identity=tenant.domain, region=region, since=begun)
    return [call["operation"] for call in calls if not call["operation"].startswith("Get")]


def _configuration(tenant: Tenant, region: str) -> dict[str, Any]:
    return _configuration_of(tenant.at_ses()[region])


def _configuration_of(identity: dict[str, Any]) -> dict[str, Any]:
    """What a client may have set, without what SES found out."""
    return {name: identity.get(name) for name in ("Tags", "ConfigurationSetName", "MailFromAttributes", "Policies")}


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return base64.b64encode(key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())).decode()


def test_an_address_with_a_mail_from_domain_is_adopted_and_keeps_it(tenant: Tenant) -> None:
    """Its spec cannot ask for one, and what the spec does not name stays."""
    address = f"billing@{tenant.domain}"
    ses = tenant.ses(IRELAND)
    ses.create_email_identity(EmailIdentity=address)
    ses.put_email_identity_mail_from_attributes(EmailIdentity=address, MailFromDomain=f"bounce.{tenant.domain}")
    tenant.create(IRELAND, domain=None, email=address, adoptionPolicy="IfUnowned")
    explains(tenant, Reason.WAITING_FOR_CLICK, address)
    with pytest.raises(ApiError, match="leave out mailFrom"):
        tenant.change(mailFrom=MAIL_FROM)
    found = ses.get_email_identity(EmailIdentity=address)
    assert tags(found)[OWNER_TAG] == f"tests/{tenant.namespace}/mail"
    assert found["MailFromAttributes"]["MailFromDomain"] == f"bounce.{tenant.domain}"


def test_a_domain_with_another_mail_from_domain_is_adopted_when_it_is_removed_or_asked_for(tenant: Tenant) -> None:
    _make(tenant, IRELAND)
    _make(tenant, VIRGINIA)
    for region, name in ((IRELAND, "gone"), (VIRGINIA, "kept")):
        tenant.ses(region).put_email_identity_mail_from_attributes(
            EmailIdentity=tenant.domain, MailFromDomain=f"{name}.{tenant.domain}"
        )
    tenant.create(IRELAND, VIRGINIA, adoptionPolicy="IfUnowned", mailFrom={"subdomain": "other", "scope": "Shared"})
    explains(tenant, Reason.MAIL_FROM_CONFLICT, IRELAND, VIRGINIA, "spec.mailFrom")

    tenant.ses(IRELAND).put_email_identity_mail_from_attributes(EmailIdentity=tenant.domain)
    tenant.change(mailFrom={"subdomain": "kept", "scope": "Shared"})
    tenant.ready()
    assert tenant.owners().keys() == {IRELAND, VIRGINIA}

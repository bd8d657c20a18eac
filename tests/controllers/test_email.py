"""Email addresses: from the manifest to the click, region by region, with no word to DNS."""

from __future__ import annotations

from cluster.tenant import Tenant
from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def test_an_address_is_ready_when_the_link_of_each_region_was_followed_and_goes_without_a_trace(tenant: Tenant) -> None:
    address = f"Billing+{tenant.namespace}@{tenant.domain}"
    before = tenant.last_call()
    tenant.create(IRELAND, VIRGINIA, domain=None, email=address, tags={"team": "a"})
    message = tenant.not_ready(Reason.WAITING_FOR_CLICK).message
    assert message.startswith(f"{IRELAND}, {VIRGINIA}: SES has sent an email to {address}")
    assert tenant.condition(ConditionType.PROVISIONED).status == "True"  # type: ignore[union-attr]
    assert {mail["region"] for mail in tenant.emails(address)} == {IRELAND, VIRGINIA}

    tenant.follow_links(address)
    identity = tenant.ready()
    assert identity.status.verified_regions == "2/2"
    assert identity.status.dns is None
    assert find(identity.status.conditions, ConditionType.DNS_PUBLISHED) is None
    for region in identity.status.regions:
        assert (region.verification_email, region.dkim) == (None, None)
        assert region.arn is not None
        assert region.arn.endswith(f":identity/{address}")
    assert len(tenant.emails(address)) == 2
    assert tenant.records() == {}
    made = [call["operation"] for call in tenant.calls(identity=address, since=before)]
    assert [operation for operation in made if operation != "GetEmailIdentity"] == ["CreateEmailIdentity"] * 2
    assert made.count("GetEmailIdentity") >= 2, "and once more for each time that it was asked why it is still pending"

    tenant.change(tags={"team": "b"})
    tenant.wait(
        lambda: all({"Key": "team", "Value": "b"} in found["Tags"] for found in tenant.at_ses(address).values()),
        "the tag to change",
    )
    tenant.delete()
    tenant.gone()
    assert tenant.at_ses(address) == {}


def test_an_address_differs_from_another_by_its_case_alone(tenant: Tenant) -> None:
    lower, upper = f"billing@{tenant.domain}", f"Billing@{tenant.domain}"
    tenant.create(IRELAND, domain=None, email=lower)
    tenant.create(IRELAND, name="upper", domain=None, email=upper)
    tenant.create(IRELAND, name="second", domain=None, email=lower)
    tenant.not_ready(Reason.WAITING_FOR_CLICK)
    tenant.not_ready(Reason.WAITING_FOR_CLICK, "upper")
    tenant.not_ready(Reason.ALREADY_CLAIMED, "second")
    tenant.follow_links(upper)
    tenant.ready("upper")
    assert tenant.at_ses(lower)[IRELAND]["VerificationStatus"] == "PENDING"

"""Bounces and complaints, and what is different in single regions: set, kept, and set back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cluster.tenant import PATIENCE, Tenant
from devcluster.waiting import eventually
from ses_operator.api.base.meta import INVENTORY
from ses_operator.api.base.reasons import Reason

if TYPE_CHECKING:
    from mypy_boto3_ses import SESClient

pytestmark = pytest.mark.usefixtures("operator")

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
OFF = {"emailForwardingEnabled": False}


def forwarding(tenant: Tenant) -> dict[str, bool]:
    """Whether SES forwards bounces and complaints, by region."""
    return {region: found["FeedbackForwardingStatus"] for region, found in tenant.at_ses().items()}


def configuration_sets(tenant: Tenant) -> dict[str, str | None]:
    return {region: found.get("ConfigurationSetName") for region, found in tenant.at_ses().items()}


def ensure_configuration_set(tenant: Tenant, region: str, name: str) -> None:
    ses = tenant.ses(region)
    if name not in ses.list_configuration_sets()["ConfigurationSets"]:
        ses.create_configuration_set(ConfigurationSetName=name)


def test_forwarding_is_switched_off_in_every_region(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, feedback=OFF)

    assert forwarding(tenant) == {IRELAND: False, VIRGINIA: False}


def test_forwarding_that_somebody_switched_on_is_switched_off_again(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, feedback=OFF)
    tenant.ses(IRELAND).put_email_identity_feedback_attributes(EmailIdentity=tenant.domain, EmailForwardingEnabled=True)

    tenant.request_reconcile()

    eventually(lambda: forwarding(tenant) == {IRELAND: False}, timeout=PATIENCE, of="the repair")


def test_forwarding_is_on_again_when_the_spec_no_longer_names_it_and_then_left_alone(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, feedback=OFF)

    tenant.change(feedback=None)

    eventually(lambda: forwarding(tenant) == {IRELAND: True}, timeout=PATIENCE, of="what SES begins with")
    eventually(lambda: "feedback" not in inventory(tenant), timeout=PATIENCE, of="the setting to be forgotten")
    tenant.ses(IRELAND).put_email_identity_feedback_attributes(
        EmailIdentity=tenant.domain, EmailForwardingEnabled=False
    )
    tenant.reconciled()
    assert forwarding(tenant) == {IRELAND: False}


def test_forwarding_that_somebody_else_switched_off_is_left_where_the_spec_does_not_name_it(tenant: Tenant) -> None:
    ses = tenant.ses(IRELAND)
    ses.create_email_identity(EmailIdentity=tenant.domain)
    ses.put_email_identity_feedback_attributes(EmailIdentity=tenant.domain, EmailForwardingEnabled=False)

    tenant.create_ready(IRELAND, adoptionPolicy="IfUnowned")

    assert forwarding(tenant) == {IRELAND: False}


def test_a_region_has_the_configuration_set_of_its_own(tenant: Tenant) -> None:
    ensure_configuration_set(tenant, IRELAND, "europe")
    ensure_configuration_set(tenant, VIRGINIA, "anywhere")

    tenant.create_ready(
        IRELAND,
        VIRGINIA,
        configurationSetName="anywhere",
        regionOverrides=[{"region": IRELAND, "configurationSetName": "europe"}],
    )

    assert configuration_sets(tenant) == {IRELAND: "europe", VIRGINIA: "anywhere"}


def test_a_region_without_its_own_goes_back_to_the_configuration_set_of_all(tenant: Tenant) -> None:
    for name in ("europe", "anywhere"):
        ensure_configuration_set(tenant, IRELAND, name)
    overrides = [{"region": IRELAND, "configurationSetName": "europe"}]
    tenant.create_ready(IRELAND, configurationSetName="anywhere", regionOverrides=overrides)

    tenant.change(regionOverrides=None)

    eventually(lambda: configuration_sets(tenant) == {IRELAND: "anywhere"}, timeout=PATIENCE, of="the one of all")


def test_a_configuration_set_of_one_region_that_somebody_changed_is_put_right(tenant: Tenant) -> None:
    ensure_configuration_set(tenant, IRELAND, "europe")
    tenant.create_ready(IRELAND, regionOverrides=[{"region": IRELAND, "configurationSetName": "europe"}])
    tenant.ses(IRELAND).put_email_identity_configuration_set_attributes(EmailIdentity=tenant.domain)

    tenant.request_reconcile()

    eventually(lambda: configuration_sets(tenant) == {IRELAND: "europe"}, timeout=PATIENCE, of="the repair")


def test_a_configuration_set_that_one_region_lacks_is_the_reason_of_that_region_and_all_else_goes_on(
    tenant: Tenant,
) -> None:
    tenant.create(
        IRELAND, VIRGINIA, regionOverrides=[{"region": VIRGINIA, "configurationSetName": "nowhere-to-be-found"}]
    )

    said = tenant.not_ready(Reason.CONFIGURATION_SET_NOT_FOUND).message

    assert VIRGINIA in said
    assert "spec.regionOverrides" in said
    identity = tenant.verified("2/2")
    reasons = {region.region: region.reason for region in identity.status.regions}
    assert reasons == {IRELAND: None, VIRGINIA: Reason.CONFIGURATION_SET_NOT_FOUND}


def topics(tenant: Tenant, region: str) -> dict[str, Any]:
    """What SES has of the identity's notifications, but for what is as SES begins with."""
    ses = ses_v1(tenant, region)
    found = ses.get_identity_notification_attributes(Identities=[tenant.domain])["NotificationAttributes"]
    said: dict[str, Any] = {**found.get(tenant.domain, {})}
    return {name: value for name, value in said.items() if value and name != "ForwardingEnabled"}


def ses_v1(tenant: Tenant, region: str) -> SESClient:
    """The first version of the API, as somebody else of the same AWS account uses it."""
    session = boto3.Session(aws_access_key_id="AKIASOMEBODYELSE", aws_secret_access_key="any")
    return session.client("ses", region_name=region, endpoint_url=tenant.environment.sandbox.aws_url)


def override(region: str, **topics: dict[str, Any]) -> dict[str, Any]:
    return {"region": region, "feedback": {"topics": topics}}


def arn(region: str) -> str:
    return f"arn:aws:sns:{region}:123456789012:mail"


def test_topics_are_set_in_their_region_with_headers_where_asked(tenant: Tenant) -> None:
    bounce, complaint = {"topicARN": arn(IRELAND)}, {"topicARN": arn(IRELAND), "includeHeaders": True}

    tenant.create_ready(
        IRELAND, VIRGINIA, feedback=OFF, regionOverrides=[override(IRELAND, bounce=bounce, complaint=complaint)]
    )

    assert topics(tenant, IRELAND) == {
        "BounceTopic": arn(IRELAND), "ComplaintTopic": arn(IRELAND), "HeadersInComplaintNotificationsEnabled": True,
    }  # fmt: skip
    assert topics(tenant, VIRGINIA) == {}


def test_topics_that_somebody_changed_are_put_right(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, regionOverrides=[override(IRELAND, bounce={"topicARN": arn(IRELAND)})])
    ses = ses_v1(tenant, IRELAND)
    ses.set_identity_notification_topic(Identity=tenant.domain, NotificationType="Bounce")
    ses.set_identity_notification_topic(Identity=tenant.domain, NotificationType="Delivery", SnsTopic=arn(IRELAND))
    ses.set_identity_headers_in_notifications_enabled(
        Identity=tenant.domain, NotificationType="Complaint", Enabled=True
    )

    tenant.request_reconcile()

    eventually(
        lambda: topics(tenant, IRELAND) == {"BounceTopic": arn(IRELAND)}, timeout=PATIENCE, of="the topics to be right"
    )


def test_topics_taken_out_of_the_spec_go_and_are_then_left_alone(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, regionOverrides=[override(IRELAND, bounce={"topicARN": arn(IRELAND)})])

    tenant.change(regionOverrides=None)

    eventually(lambda: topics(tenant, IRELAND) == {}, timeout=PATIENCE, of="the topics to go")
    eventually(lambda: "topics" not in inventory(tenant), timeout=PATIENCE, of="the setting to be forgotten")
    ses_v1(tenant, IRELAND).set_identity_notification_topic(
        Identity=tenant.domain, NotificationType="Bounce", SnsTopic=arn(IRELAND)
    )
    tenant.reconciled()
    assert topics(tenant, IRELAND) == {"BounceTopic": arn(IRELAND)}


def test_topics_are_read_only_where_the_spec_names_some(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, regionOverrides=[override(IRELAND, bounce={"topicARN": arn(IRELAND)})])
    before = tenant.last_call()

    tenant.reconciled()

    calls = tenant.calls(since=before, operation="GetIdentityNotificationAttributes")
    assert {call["region"] for call in calls} == {IRELAND}


def test_topics_that_cannot_be_set_are_the_reason_of_their_region_and_the_others_go_on(tenant: Tenant) -> None:
    with tenant.fault(
        "error", operation="SetIdentityNotificationTopic", status=400, code="InvalidParameterValue", message="No topic."
    ):
        tenant.create(IRELAND, VIRGINIA, regionOverrides=[override(IRELAND, bounce={"topicARN": arn(IRELAND)})])

        assert IRELAND in tenant.not_ready(Reason.INVALID_SPEC).message
        eventually(lambda: tenant.is_verified_at_ses(VIRGINIA), timeout=PATIENCE, of="the other region")

    tenant.request_reconcile()
    tenant.ready()
    assert topics(tenant, IRELAND) == {"BounceTopic": arn(IRELAND)}


def inventory(tenant: Tenant) -> str:
    """What the operator remembers of what it has done."""
    identity = tenant.identity()
    assert identity is not None
    return identity.metadata.annotations[INVENTORY]

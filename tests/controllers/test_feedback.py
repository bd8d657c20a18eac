"""Bounces and complaints, and what is different in single regions: set, kept, and set back."""

from __future__ import annotations

from typing import Any

from cluster.feedback import ensure_configuration_set, topics
from cluster.tenant import Tenant
from ses_operator.api.base.meta import INVENTORY
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
OFF = {"emailForwardingEnabled": False}


def forwarding(tenant: Tenant) -> dict[str, bool]:
    """Whether SES forwards bounces and complaints, by region."""
    return {region: found["FeedbackForwardingStatus"] for region, found in tenant.at_ses().items()}


def configuration_sets(tenant: Tenant) -> dict[str, str | None]:
    return {region: found.get("ConfigurationSetName") for region, found in tenant.at_ses().items()}


def test_forwarding_is_switched_off_in_every_region_and_again_where_another_client_switched_it_on(
    tenant: Tenant,
) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, feedback=OFF)
    assert forwarding(tenant) == {IRELAND: False, VIRGINIA: False}
    tenant.ses(IRELAND).put_email_identity_feedback_attributes(EmailIdentity=tenant.domain, EmailForwardingEnabled=True)

    tenant.reconciled()

    assert forwarding(tenant) == {IRELAND: False, VIRGINIA: False}


def test_forwarding_is_on_again_when_the_spec_no_longer_names_it_and_then_left_alone(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, feedback=OFF)

    tenant.change(feedback=None)

    tenant.wait(lambda: forwarding(tenant) == {IRELAND: True}, "what SES begins with")
    tenant.wait(lambda: "feedback" not in inventory(tenant), "the setting to be forgotten")
    tenant.ses(IRELAND).put_email_identity_feedback_attributes(
        EmailIdentity=tenant.domain, EmailForwardingEnabled=False
    )
    tenant.reconciled()
    assert forwarding(tenant) == {IRELAND: False}


def test_a_region_has_the_configuration_set_of_its_own_until_the_spec_no_longer_names_it(tenant: Tenant) -> None:
    for region, name in ((IRELAND, "europe"), (IRELAND, "anywhere"), (VIRGINIA, "anywhere")):
        ensure_configuration_set(tenant, region, name)
    overrides = [{"region": IRELAND, "configurationSetName": "europe"}]

    tenant.create_ready(IRELAND, VIRGINIA, configurationSetName="anywhere", regionOverrides=overrides)

    assert configuration_sets(tenant) == {IRELAND: "europe", VIRGINIA: "anywhere"}

    tenant.change(regionOverrides=None)
    tenant.ready()

    assert configuration_sets(tenant) == {IRELAND: "anywhere", VIRGINIA: "anywhere"}


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


def override(region: str, **topics: dict[str, Any]) -> dict[str, Any]:
    return {"region": region, "feedback": {"topics": topics}}


def arn(region: str) -> str:
    return f"arn:aws:sns:{region}:123456789012:mail"


def test_topics_are_set_in_their_region_with_headers_where_asked_and_again_where_another_client_changed_them(
    tenant: Tenant,
) -> None:
    bounce, complaint = {"topicARN": arn(IRELAND)}, {"topicARN": arn(IRELAND), "includeHeaders": True}
    wanted = {
        "BounceTopic": arn(IRELAND), "ComplaintTopic": arn(IRELAND), "HeadersInComplaintNotificationsEnabled": True,
    }  # fmt: skip

    tenant.create_ready(
        IRELAND, VIRGINIA, feedback=OFF, regionOverrides=[override(IRELAND, bounce=bounce, complaint=complaint)]
    )

    assert topics(tenant, IRELAND) == wanted
    assert topics(tenant, VIRGINIA) == {}

    ses = tenant.ses_v1(IRELAND)
    ses.set_identity_notification_topic(Identity=tenant.domain, NotificationType="Bounce")
    ses.set_identity_notification_topic(Identity=tenant.domain, NotificationType="Delivery", SnsTopic=arn(IRELAND))
    ses.set_identity_headers_in_notifications_enabled(Identity=tenant.domain, NotificationType="Bounce", Enabled=True)
    ses.set_identity_headers_in_notifications_enabled(
        Identity=tenant.domain, NotificationType="Complaint", Enabled=False
    )
    assert topics(tenant, IRELAND) != wanted
    tenant.reconciled()

    assert topics(tenant, IRELAND) == wanted


def test_topics_taken_out_of_the_spec_go_and_are_then_left_alone(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, regionOverrides=[override(IRELAND, bounce={"topicARN": arn(IRELAND)})])

    tenant.change(regionOverrides=None)

    tenant.wait(lambda: topics(tenant, IRELAND) == {}, "the topics to go")
    tenant.wait(lambda: "topics" not in inventory(tenant), "the setting to be forgotten")
    tenant.ses_v1(IRELAND).set_identity_notification_topic(
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
        tenant.wait(lambda: tenant.is_verified_at_ses(VIRGINIA), "the other region")

    tenant.request_reconcile()
    tenant.ready()
    assert topics(tenant, IRELAND) == {"BounceTopic": arn(IRELAND)}


def inventory(tenant: Tenant) -> str:
    """What the operator remembers of what it has done."""
    identity = tenant.identity()
    assert identity is not None
    return identity.metadata.annotations[INVENTORY]

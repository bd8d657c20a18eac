"""Ready says that an application can send: what is broken behind the operator's back is in status soon after."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from cluster.tenant import Tenant
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.base.conditions import ConditionStatus, ConditionType
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
POLL = 300.0
"""The world's idle poll, in seconds."""


def account(tenant: Tenant, region: str, **knobs: Any) -> None:
    """What AWS decides about the account."""
    tenant.environment.sandbox.ask("account", {"region": region, **knobs})


def warned(tenant: Tenant) -> dict[str, str]:
    identity = tenant.identity()
    return {warning.reason: warning.message for warning in identity.status.warnings} if identity else {}


def test_an_account_that_is_paused_in_one_region_is_not_ready_and_is_again_when_it_is_resumed(
    tenant: Tenant, world: World
) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)
    before = tenant.last_call()

    account(tenant, VIRGINIA, sendingEnabled=False)
    idle(world)

    said = tenant.not_ready(Reason.SENDING_PAUSED)
    assert VIRGINIA in said.message
    assert IRELAND not in said.message
    sending = tenant.condition(ConditionType.SENDING_ENABLED)
    assert sending is not None
    assert sending.status is ConditionStatus.FALSE
    assert any(reason == Reason.SENDING_PAUSED for _, reason, _ in tenant.events())

    account(tenant, VIRGINIA, sendingEnabled=True)
    idle(world)
    tenant.ready()
    assert tenant.calls(identity=tenant.domain, operation="GetEmailIdentity", since=before) == [], "no read for it"


def test_an_account_that_aws_has_suspended_is_not_ready_and_support_is_named(tenant: Tenant, world: World) -> None:
    tenant.create_ready(IRELAND)
    account(tenant, IRELAND, enforcementStatus="SHUTDOWN")
    idle(world)
    assert "AWS Support" in tenant.not_ready(Reason.SENDING_PAUSED).message


def test_an_account_that_is_paused_from_the_start_is_never_said_to_be_ready(tenant: Tenant) -> None:
    account(tenant, IRELAND, sendingEnabled=False)
    tenant.create(IRELAND)
    tenant.verified("1/1")
    tenant.not_ready(Reason.SENDING_PAUSED)
    assert not any(reason == "Ready" for _, reason, _ in tenant.events())


def test_an_account_on_probation_sends(tenant: Tenant) -> None:
    account(tenant, IRELAND, enforcementStatus="PROBATION")
    tenant.create_ready(IRELAND)


def test_an_account_without_production_access_warns_and_says_what_it_means(tenant: Tenant, world: World) -> None:
    account(tenant, VIRGINIA, productionAccess=True)
    tenant.create_ready(IRELAND, VIRGINIA)

    said = warned(tenant)[Reason.ACCOUNT_IN_SANDBOX]
    assert IRELAND in said
    assert VIRGINIA not in said
    assert "200 messages in 24 hours" in said
    assert any(reason == Reason.ACCOUNT_IN_SANDBOX for _, reason, _ in tenant.events())

    account(tenant, IRELAND, productionAccess=True)
    idle(world)
    tenant.wait(lambda: warned(tenant) == {}, "the warning to go")


def test_what_may_not_be_asked_of_the_account_is_unknown_and_holds_up_nothing(tenant: Tenant) -> None:
    refusal = {"status": 403, "code": "AccessDeniedException", "message": "not authorized to perform ses:GetAccount"}
    with tenant.fault("error", operation="GetAccount", **refusal):
        tenant.create_ready(IRELAND)
        sending = tenant.wait(lambda: unknown(tenant), "the condition to say that it is not known")
    assert sending is not None
    assert "ses:GetAccount" in sending
    assert warned(tenant) == {}


def test_a_configuration_set_that_is_deleted_behind_the_operators_back_is_missed_in_the_next_idle_poll(
    tenant: Tenant, world: World
) -> None:
    tenant.ses(IRELAND).create_configuration_set(ConfigurationSetName="cs1")
    tenant.create_ready(IRELAND, configurationSetName="cs1")
    before = tenant.last_call()

    tenant.ses(IRELAND).delete_configuration_set(ConfigurationSetName="cs1")
    idle(world)

    said = tenant.not_ready(Reason.CONFIGURATION_SET_NOT_FOUND).message
    assert '"cs1"' in said
    assert IRELAND in said
    assert "spec.configurationSetName" in said
    tenant.ses(IRELAND).create_configuration_set(ConfigurationSetName="cs1")
    idle(world)
    tenant.ready()
    assert tenant.calls(identity=tenant.domain, operation="GetEmailIdentity", since=before) == [], "no read for it"


def test_a_set_is_asked_for_where_a_spec_names_one_and_one_page_in_an_idle_poll(tenant: Tenant, world: World) -> None:
    tenant.ses(IRELAND).create_configuration_set(ConfigurationSetName="cs1")
    override = {"region": IRELAND, "configurationSetName": "cs1"}
    tenant.create_ready(IRELAND, VIRGINIA, regionOverrides=[override])
    tenant.settled()
    before = tenant.last_call()
    for _ in range(4):
        world.pass_time(POLL)
    asked = tenant.calls(operation="ListConfigurationSets", since=before)
    assert {call["region"] for call in asked} == {IRELAND}
    assert len(asked) <= 4


def test_sets_that_may_not_be_listed_are_unknown_and_never_missing(tenant: Tenant, world: World) -> None:
    tenant.ses(IRELAND).create_configuration_set(ConfigurationSetName="cs1")
    refusal = {
        "status": 403,
        "code": "AccessDeniedException",
        "message": "not authorized to perform ses:ListConfigurationSets",
    }
    with tenant.fault("error", operation="ListConfigurationSets", **refusal):
        tenant.create_ready(IRELAND, configurationSetName="cs1")
        idle(world)
        tenant.ready()


@pytest.mark.parametrize(("behavior", "ready"), [("UseDefaultValue", True), ("RejectMessage", False)])
def test_a_mail_from_domain_that_is_lost_is_in_status_at_once(
    tenant: Tenant, world: World, behavior: str, ready: bool
) -> None:
    tenant.create_ready(IRELAND, mailFrom={"subdomain": "bounce", "behaviorOnMXFailure": behavior})
    tenant.settled()
    before = tenant.last_call()
    tenant.remove_record(f"bounce-{IRELAND}", "MX", f"10 feedback-smtp.{IRELAND}.amazonses.com")
    tenant.environment.sandbox.ask("state/check", {})
    assert tenant.at_ses()[IRELAND]["MailFromAttributes"]["MailFromDomainStatus"] != "SUCCESS"
    with tenant.fault("error", operation="ChangeResourceRecordSets", status=403, code="AccessDenied", message="no"):
        idle(world)
        lost = tenant.wait(lambda: mail_from_lost(tenant), "MailFromVerified to be False")
        condition = tenant.condition(ConditionType.READY)
        assert condition is not None
        assert condition.is_true is ready
        assert any(reason == lost for _, reason, _ in tenant.events())
    reads = tenant.calls(identity=tenant.domain, operation="GetEmailIdentity", since=before)
    assert reads, "the batch said that it is lost, a read confirmed it"
    tenant.wait(lambda: mail_from_lost(tenant) is None, "it to be found again")
    tenant.ready()


@pytest.mark.parametrize("behavior", ["UseDefaultValue", "RejectMessage"])
def test_a_mail_from_domain_is_waited_for_at_first_whatever_ses_does_without(tenant: Tenant, behavior: str) -> None:
    with tenant.fault("dns", rcode="SERVFAIL", suffix=f"bounce-{IRELAND}.{tenant.domain}"):
        tenant.create(IRELAND, mailFrom={"subdomain": "bounce", "behaviorOnMXFailure": behavior})
        tenant.verified("1/1")
        condition = tenant.condition(ConditionType.READY)
        assert condition is not None
        assert not condition.is_true
    tenant.ready()


def mail_from_lost(tenant: Tenant) -> str | None:
    condition = tenant.condition(ConditionType.MAIL_FROM_VERIFIED)
    return None if condition is None or condition.is_true else condition.reason


def idle(world: World) -> None:
    """Lets an idle poll pass, and what it wakes."""
    world.pass_time(1.5 * POLL)
    world.pass_time(POLL)


def unknown(tenant: Tenant) -> str | None:
    condition = tenant.condition(ConditionType.SENDING_ENABLED)
    found = condition is not None and condition.status is ConditionStatus.UNKNOWN
    return condition.message if condition is not None and found and condition.reason == Reason.ACCESS_DENIED else None


def sns(tenant: Tenant) -> Any:
    """SNS as another client uses it; the operator is told where it is."""
    endpoints = {"sns": tenant.environment.sandbox.aws_url}
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"endpoints": endpoints}})
    return boto3.client(
        "sns",
        region_name=IRELAND,
        endpoint_url=tenant.environment.sandbox.aws_url,
        aws_access_key_id="AKIASOMEBODYELSE",
        aws_secret_access_key="any",
    )


def with_topic(arn: str) -> dict[str, Any]:
    return {"regionOverrides": [{"region": IRELAND, "feedback": {"topics": {"bounce": {"topicARN": arn}}}}]}


def test_a_topic_that_is_deleted_is_missed_in_the_resync_and_found_again(tenant: Tenant, world: World) -> None:
    arn = sns(tenant).create_topic(Name=tenant.namespace)["TopicArn"]
    tenant.create_ready(IRELAND, **with_topic(arn))
    tenant.settled()
    sns(tenant).delete_topic(TopicArn=arn)

    world.pass_time(hours=25)

    said = tenant.not_ready(Reason.SNS_TOPIC_NOT_FOUND).message
    assert arn in said
    assert "spec.regionOverrides" in said
    sns(tenant).create_topic(Name=tenant.namespace)
    tenant.ready()
    restarted(world)
    tenant.ready()


def restarted(world: World) -> None:
    world.restart()
    world.settle()


def test_topics_that_may_not_be_asked_for_are_unknown_and_never_missing(tenant: Tenant, world: World) -> None:
    arn = sns(tenant).create_topic(Name=tenant.namespace)["TopicArn"]
    refusal = {
        "status": 403,
        "code": "AuthorizationError",
        "message": "not authorized to perform SNS:GetTopicAttributes",
    }
    with tenant.fault("error", service="sns", operation="GetTopicAttributes", **refusal):
        tenant.create_ready(IRELAND, **with_topic(arn))
        world.pass_time(hours=25)
        tenant.ready()

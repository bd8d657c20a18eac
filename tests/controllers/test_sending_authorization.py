"""Sending authorization: policies in each region, delegates of another account, drift, conflict, removal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cluster.tenant import Tenant
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import MARK_TAGS
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.sending import GENERATED_POLICY
from ses_operator.core.features.marks import has_mark

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
DELEGATE, STRANGER = "111122223333", "444455556666"
PARTNER = {"name": "partner", "principals": [f"arn:aws:iam::{DELEGATE}:root"]}
DENY = {"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"}, "Action": "ses:SendEmail"}
AUDIT = {"name": "audit", "document": {"Version": "2012-10-17", "Statement": [DENY]}}


def arn(tenant: Tenant, region: str) -> str:
    return f"arn:aws:ses:{region}:123456789012:identity/{tenant.domain}"


def policies(tenant: Tenant, region: str = IRELAND) -> dict[str, Any]:
    """The documents at SES, by name."""
    found = tenant.at_ses()[region].get("Policies", {})
    return {name: json.loads(text) for name, text in found.items()}


def resources(documents: Iterable[dict[str, Any]]) -> set[str]:
    return {statement["Resource"] for document in documents for statement in document["Statement"]}


def send(tenant: Tenant, account: str, sender: str, *, region: str = IRELAND, arn_of: str = IRELAND) -> None:
    """Sends as the tenant's identity, as somebody of another account."""
    client = boto3.client(
        "sesv2",
        region_name=region,
        endpoint_url=tenant.environment.sandbox.aws_url,
        aws_access_key_id="AKIADELEGATE",
        aws_secret_access_key="any",
    )
    client.meta.events.register(
        "before-sign", lambda request, **_: request.headers.__setitem__("x-moto-account-id", account)
    )
    client.send_email(
        FromEmailAddress=f"{sender}@{tenant.domain}",
        FromEmailAddressIdentityArn=arn(tenant, arn_of),
        Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
        Content={"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "It works."}}}},
    )


def is_refused(error: pytest.ExceptionInfo[ClientError]) -> bool:
    return error.value.response["Error"]["Code"] == "AccessDeniedException"


def marks(tenant: Tenant) -> dict[str, str]:
    """The marks by which the identity itself says which policies were set here."""
    found = tenant.at_ses()[IRELAND].get("Tags", ())
    return {tag["Key"]: tag["Value"] for tag in found if tag["Key"] in MARK_TAGS}


def test_each_region_gets_the_policies_with_its_own_arn(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, authorizedSenders=[PARTNER], policies=[AUDIT])

    for region in (IRELAND, VIRGINIA):
        found = policies(tenant, region)
        assert found.keys() == {GENERATED_POLICY, "audit"}
        assert resources(found.values()) == {arn(tenant, region)}


def test_whom_the_spec_names_may_send_and_nobody_else(tenant: Tenant) -> None:
    restricted = {**PARTNER, "fromAddresses": [f"news@{tenant.domain}"]}
    tenant.create_ready(IRELAND, VIRGINIA, authorizedSenders=[restricted])

    send(tenant, DELEGATE, "news")
    with pytest.raises(ClientError) as stranger:
        send(tenant, STRANGER, "news")
    assert is_refused(stranger)
    with pytest.raises(ClientError) as other_address:
        send(tenant, DELEGATE, "boss")
    assert is_refused(other_address)
    with pytest.raises(ClientError, match="not in this region"):
        send(tenant, DELEGATE, "news", region=VIRGINIA)


def test_policies_that_somebody_changed_or_removed_are_put_right(tenant: Tenant) -> None:
    tenant.create(IRELAND, authorizedSenders=[PARTNER], policies=[AUDIT])
    tenant.settled()
    before, ses = policies(tenant), tenant.ses(IRELAND)
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "ses:SendEmail", "Resource": arn(tenant, IRELAND)}
    ses.update_email_identity_policy(
        EmailIdentity=tenant.domain, PolicyName=GENERATED_POLICY, Policy=json.dumps({"Statement": [open_to_all]})
    )
    ses.delete_email_identity_policy(EmailIdentity=tenant.domain, PolicyName="audit")
    assert policies(tenant) != before

    tenant.reconciled()

    assert policies(tenant) == before


def test_what_leaves_the_spec_is_removed_and_what_others_set_stays(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, authorizedSenders=[PARTNER], policies=[AUDIT])
    theirs = json.dumps({"Statement": [{**DENY, "Resource": arn(tenant, IRELAND)}]})
    tenant.ses(IRELAND).create_email_identity_policy(EmailIdentity=tenant.domain, PolicyName="theirs", Policy=theirs)
    assert has_mark("audit", marks(tenant))
    assert not has_mark("theirs", marks(tenant))

    tenant.change(authorizedSenders=None, policies=None)
    tenant.ready()

    tenant.wait(lambda: policies(tenant).keys() == {"theirs"}, "the policies to go")
    tenant.wait(lambda: marks(tenant) == {}, "the mark to go")


def test_a_policy_of_somebody_else_is_reported_and_left_until_it_is_gone(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    ses, theirs = tenant.ses(IRELAND), {"Statement": [{**DENY, "Resource": arn(tenant, IRELAND)}]}
    ses.create_email_identity_policy(EmailIdentity=tenant.domain, PolicyName="audit", Policy=json.dumps(theirs))

    tenant.change(policies=[AUDIT], authorizedSenders=[PARTNER])

    assert "another policy audit" in tenant.not_ready(Reason.POLICY_CONFLICT).message
    tenant.reconciled()
    assert policies(tenant)["audit"] == theirs
    assert GENERATED_POLICY in policies(tenant)
    assert marks(tenant) == {}

    ses.delete_email_identity_policy(EmailIdentity=tenant.domain, PolicyName="audit")
    tenant.request_reconcile()
    tenant.ready()
    assert resources([policies(tenant)["audit"]]) == {arn(tenant, IRELAND)}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({**DENY, "Effect": "Allow", "Principal": "*"}, "its Principal is anyone (*)"),
        ({**DENY, "Resource": "*"}, "leave out *; the Resource is arn:aws:ses:eu-west-1:123456789012:identity/"),
    ],
    ids=["everybody", "every resource"],
)
def test_a_policy_that_cannot_be_set_stalls_and_holds_up_nothing_else(
    tenant: Tenant, statement: dict[str, Any], words: str
) -> None:
    tenant.create(IRELAND, policies=[{"name": "audit", "document": json.dumps({"Statement": [statement]})}])

    said = tenant.not_ready(Reason.POLICY_INVALID).message

    assert "spec.policies[audit]: statement 1: " in said
    assert words in said
    tenant.verified("1/1")
    assert policies(tenant) == {}


def test_ses_may_refuse_policies_until_the_identity_is_verified(tenant: Tenant) -> None:
    refusal = {"operation": "CreateEmailIdentityPolicy", "identity": tenant.domain, "times": 1}
    words = {"status": 400, "code": "BadRequestException", "message": "The identity is not verified."}
    with tenant.fault("error", **refusal, **words):
        tenant.create(IRELAND, authorizedSenders=[PARTNER])
        tenant.verified("1/1")
        tenant.ready()

    tried = tenant.calls(identity=tenant.domain, operation="CreateEmailIdentityPolicy")
    assert [call["status"] for call in tried] == [400, 200]
    assert policies(tenant).keys() == {GENERATED_POLICY}


def test_a_principal_that_ses_does_not_know_yet_stalls_nothing_and_is_tried_again(tenant: Tenant) -> None:
    refusal = {"operation": "CreateEmailIdentityPolicy", "identity": tenant.domain, "times": 6}
    words = {"status": 400, "code": "BadRequestException", "message": "Invalid principal."}
    tenant.create_ready(IRELAND)
    with tenant.fault("error", **refusal, **words):
        tenant.change(authorizedSenders=[PARTNER])
        said = tenant.not_ready(Reason.POLICY_REFUSED).message
        assert tenant.condition(ConditionType.STALLED) is None
        tenant.ready()

    assert "Invalid principal" in said
    assert "just created" in said
    assert "spec.authorizedSenders" in said
    assert policies(tenant).keys() == {GENERATED_POLICY}


def test_a_suspended_identity_names_the_policies_that_it_would_set(tenant: Tenant) -> None:
    tenant.create(IRELAND, authorizedSenders=[PARTNER], suspend=True)

    tenant.not_ready(Reason.SUSPENDED)
    identity = tenant.identity()
    assert identity is not None
    pending = [change for change in identity.status.pending_changes or () if change.action == "CreatePolicy"]
    assert [change.region for change in pending] == [IRELAND]
    assert f"set the policy {GENERATED_POLICY}" in pending[0].description
    assert tenant.at_ses() == {}

"""Beliefs are no proof: older lists, annotations, status and backups overwrite, delete and publish nothing that is not ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.tenant import Tenant
from cluster.verdicts import explains
from controllers.world import World
from devcluster.sandbox_process import ACCOUNT_ID
from ses_operator.api.base.meta import INVENTORY, OWNER_TAG
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
OURS, THEIRS = "111122223333", "444455556666"
REJECT: dict[str, Any] = {"mailFrom": {"subdomain": "bounce"}, "dmarc": {"policy": "reject"}}


def policy(account: str) -> dict[str, Any]:
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": principal, "Action": "ses:SendEmail"}],
    }


def whose(tenant: Tenant) -> dict[str, str]:
    """The account that each policy at SES names."""
    documents = {name: json.loads(text) for name, text in tenant.at_ses()[IRELAND]["Policies"].items()}
    return {name: document["Statement"][0]["Principal"]["AWS"].split(":")[4] for name, document in documents.items()}


def add_policy(tenant: Tenant, name: str, account: str = THEIRS) -> None:
    """A policy of another client."""
    document = policy(account)
    document["Statement"][0]["Resource"] = f"arn:aws:ses:{IRELAND}:{ACCOUNT_ID}:identity/{tenant.domain}"
    tenant.ses(IRELAND).create_email_identity_policy(
        EmailIdentity=tenant.domain, PolicyName=name, Policy=json.dumps(document)
    )


def made_by_others(tenant: Tenant, **tags: str) -> None:
    """An identity that was made after the last list, with a policy p."""
    ses = tenant.ses(IRELAND)
    ses.create_email_identity(
        EmailIdentity=tenant.domain, Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
    )
    add_policy(tenant, "p")


def lose_annotations(tenant: Tenant, world: World) -> None:
    """The object is lost with its annotations and status, and applied again from Git."""
    spec = tenant.api.get(tenant.path())["spec"]  # type: ignore[index]
    world.stop()
    tenant.lose()
    tenant.api.create(tenant.path().rpartition("/")[0], {"metadata": {"name": "mail"}, "spec": spec, **_KIND})
    world.start()


_KIND = {"apiVersion": "ses-operator.io/v1alpha1", "kind": "SesIdentity"}


@pytest.fixture
def listed(tenant: Tenant, world: World) -> None:
    """SES was listed just now, and will not be for a long time."""
    tenant.create(IRELAND, domain=f"first.{tenant.domain}", name="first")
    tenant.ready("first")
    world.settle()


@pytest.mark.usefixtures("listed")
def test_a_policy_that_is_older_than_the_creation_that_was_refused_is_not_overwritten(tenant: Tenant) -> None:
    made_by_others(tenant)
    since = tenant.last_call()
    tenant.create(IRELAND, adoptionPolicy="IfUnowned", policies=[{"name": "p", "document": policy(OURS)}])

    explains(tenant, Reason.POLICY_CONFLICT, "p", IRELAND)

    operations = tenant.writes(since=since)
    assert "CreateEmailIdentity" in operations, "the list did not have it"
    assert not [operation for operation in operations if "Policy" in operation]
    assert whose(tenant) == {"p": THEIRS}


@pytest.mark.usefixtures("listed")
def test_nor_when_it_is_adopted_only_after_the_message_has_advised_to(tenant: Tenant) -> None:
    made_by_others(tenant)
    tenant.create(IRELAND, policies=[{"name": "p", "document": policy(OURS)}])
    explains(tenant, Reason.NOT_ADOPTED, "IfUnowned")
    tenant.change(adoptionPolicy="IfUnowned")
    explains(tenant, Reason.POLICY_CONFLICT, "p")
    assert whose(tenant) == {"p": THEIRS}


@pytest.mark.usefixtures("listed")
def test_one_with_the_same_document_stays_when_it_leaves_the_spec(tenant: Tenant) -> None:
    made_by_others(tenant)
    tenant.create_ready(IRELAND, adoptionPolicy="IfUnowned", policies=[{"name": "p", "document": policy(THEIRS)}])
    tenant.change(policies=None)
    tenant.settled()
    assert whose(tenant) == {"p": THEIRS}


@pytest.mark.parametrize("owner", [None, "other/team/mail"])
@pytest.mark.parametrize("failure", ["error", "error-after-status"])
def test_nothing_is_published_for_an_identity_of_others_when_a_read_fails(
    tenant: Tenant, world: World, owner: str | None, failure: str
) -> None:
    made_by_others(tenant, **({OWNER_TAG: owner} if owner else {}))
    tenant.create(IRELAND, **REJECT)
    tenant.not_ready(Reason.OWNED_BY_ANOTHER if owner else Reason.NOT_ADOPTED)
    if failure == "error-after-status":  # what an older version of the operator, or a backup, remembers
        tokens = list(tenant.at_ses()[IRELAND]["DkimAttributes"]["Tokens"])
        status = {
            "regions": [{"region": IRELAND, "dkim": {"tokens": tokens, "signingHostedZone": "dkim.amazonses.com"}}]
        }
        tenant.api.patch(f"{tenant.path()}/status", {"status": status})
    with tenant.fault("error", operation="GetEmailIdentity", status=503, code="ServiceUnavailable"):
        tenant.request_reconcile()
        world.pass_time(60)
        world.restart()
        world.pass_time(60)
        assert tenant.records() == {}
    tenant.reconciled()
    assert tenant.records() == {}
    identity = tenant.identity()
    assert identity is not None
    assert not (identity.status.dns and identity.status.dns.records)


def test_what_is_in_our_ledger_is_kept_in_order_while_a_region_is_down(tenant: Tenant, world: World) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
    before = tenant.records().keys()
    with tenant.fault("error", operation="GetEmailIdentity", status=503, code="ServiceUnavailable", region=IRELAND):
        world.restart()
        tenant.request_reconcile()
        tenant.change(dmarc={"policy": "none"})
        tenant.wait(lambda: len(tenant.records()) == len(before) + 1, "the DMARC record")
    assert before < tenant.records().keys()


def test_rights_that_left_the_spec_go_though_all_annotations_are_lost(tenant: Tenant, world: World) -> None:
    tenant.create_ready(IRELAND, policies=[{"name": "p", "document": policy(OURS)}])
    add_policy(tenant, "theirs")
    lose_annotations(tenant, world)
    tenant.ready()
    tenant.change(policies=None)
    tenant.settled()
    assert whose(tenant) == {"theirs": THEIRS}


def test_all_that_left_the_spec_before_the_object_came_back_without_annotations_goes(
    tenant: Tenant, world: World
) -> None:
    """The manifest in Git has changed while the cluster was lost."""
    tenant.ses(IRELAND).create_configuration_set(ConfigurationSetName="bulk")
    tenant.create_ready(
        IRELAND,
        policies=[{"name": "p", "document": policy(OURS)}],
        mailFrom={"subdomain": "bounce"},
        configurationSetName="bulk",
        feedback={"emailForwardingEnabled": False},
        tags={"team": "a"},
    )
    tenant.wait(lambda: "MailFromAttributes" in tenant.at_ses()[IRELAND], "MAIL FROM")
    world.stop()
    tenant.lose()
    tenant.create(IRELAND)
    world.start()
    tenant.settled()
    found: dict[str, Any] = {**tenant.ses(IRELAND).get_email_identity(EmailIdentity=tenant.domain)}
    assert found["Policies"] == {}
    assert "MailFromDomain" not in found["MailFromAttributes"]
    assert "ConfigurationSetName" not in found
    assert found["FeedbackForwardingStatus"] is True
    assert [tag["Key"] for tag in found["Tags"]] == [OWNER_TAG], "no mark of what is gone"
    assert not [name for name, kind in tenant.records() if kind == "MX"]


def test_what_others_set_and_the_spec_never_named_stays(tenant: Tenant, world: World) -> None:
    tenant.create_ready(IRELAND)
    ses = tenant.ses(IRELAND)
    ses.create_configuration_set(ConfigurationSetName="theirs")
    ses.put_email_identity_mail_from_attributes(EmailIdentity=tenant.domain, MailFromDomain=f"bounce.{tenant.domain}")
    ses.put_email_identity_configuration_set_attributes(EmailIdentity=tenant.domain, ConfigurationSetName="theirs")
    ses.put_email_identity_feedback_attributes(EmailIdentity=tenant.domain, EmailForwardingEnabled=False)
    ses.tag_resource(
        ResourceArn=f"arn:aws:ses:{IRELAND}:{ACCOUNT_ID}:identity/{tenant.domain}", Tags=[{"Key": "t", "Value": "x"}]
    )
    for _ in range(2):
        tenant.reconciled()
        found = ses.get_email_identity(EmailIdentity=tenant.domain)
        assert found["MailFromAttributes"]["MailFromDomain"] == f"bounce.{tenant.domain}"
        assert found["ConfigurationSetName"] == "theirs"
        assert found["FeedbackForwardingStatus"] is False
        assert {"Key": "t", "Value": "x"} in found["Tags"]
        assert not [name for name, kind in tenant.records() if kind == "MX"], "their record is theirs to publish"
        lose_annotations(tenant, world)
        tenant.ready()


def test_an_older_backup_of_the_annotation_resets_nothing_that_others_have_set_since(
    tenant: Tenant, world: World
) -> None:
    tenant.create_ready(
        IRELAND, feedback={"emailForwardingEnabled": False}, policies=[{"name": "p", "document": policy(OURS)}]
    )
    found = tenant.identity()
    assert found is not None
    backup = found.metadata.annotations[INVENTORY]
    tenant.change(feedback=None, policies=None)
    tenant.settled()
    ses = tenant.ses(IRELAND)
    ses.put_email_identity_feedback_attributes(EmailIdentity=tenant.domain, EmailForwardingEnabled=False)
    add_policy(tenant, "p")
    world.stop()
    tenant.annotate(INVENTORY, backup)
    world.start()
    tenant.settled()
    assert ses.get_email_identity(EmailIdentity=tenant.domain)["FeedbackForwardingStatus"] is False
    assert whose(tenant) == {"p": THEIRS}


def test_the_annotations_of_another_cluster_s_object_give_it_nothing(tenant: Tenant, world: World) -> None:
    """A manifest exported with its annotations and status, and applied by another installation."""
    tenant.create_ready(IRELAND, policies=[{"name": "p", "document": policy(OURS)}], **REJECT)
    exported, at_first, records = tenant.api.get(tenant.path()), tenant.at_ses(), tenant.records()
    assert exported is not None
    world.stop()
    tenant.lose()
    metadata = {"name": "mail", "annotations": exported["metadata"]["annotations"]}
    spec = {**exported["spec"], "policies": None, "dmarc": {"policy": "none"}}
    tenant.api.create(tenant.path().rpartition("/")[0], {**_KIND, "metadata": metadata, "spec": spec})
    tenant.api.patch(f"{tenant.path()}/status", {"status": exported["status"]})
    other = World(world.host, world.namespaces, world.accounts, installation_id="other", installation_record="other")
    tenant.api.patch(f"/apis/ses-operator.io/v1alpha1/sesaccounts/{tenant.account}", {"spec": {"installationID": None}})
    there = Tenant(tenant.environment, tenant.api, tenant.namespace, tenant.account, tenant.domain, other.until)
    there.not_ready(Reason.OWNED_BY_ANOTHER)
    there.delete()
    there.gone()
    other.stop()
    assert (tenant.at_ses(), tenant.records()) == (at_first, records)

"""Deterministic Easy DKIM. Sources: Developer Guide, "Using Deterministic Easy DKIM"; API reference, VerificationInfo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.ses_world import OTHER_REGION, REGION, SesWorld, private_key, refused, ses_world, verified_domain

DOMAIN = "example.com"
THIRD_REGION = "us-west-2"
PARENT = OTHER_REGION


@pytest.fixture
def world() -> Iterator[SesWorld]:
    with ses_world() as world:
        yield world


def replicate(world: SesWorld, parent: str = PARENT, region: str = REGION) -> Any:
    """Creates a replica; the answer."""
    origin = f"AWS_SES_{parent.upper().replace('-', '_')}"
    return world.client(region=region).create_email_identity(
        EmailIdentity=DOMAIN, DkimSigningAttributes={"DomainSigningAttributesOrigin": origin}
    )


def test_a_replica_takes_its_parents_tokens_and_zone_after_a_while_and_is_verified_by_its_records(
    world: SesWorld,
) -> None:
    """DG: "replica identities will use the same DNS records to verify domain ownership"; "Replication delays"."""
    verified_domain(world, PARENT)
    created = replicate(world)["DkimAttributes"]
    assert (created["SigningAttributesOrigin"], created["Tokens"]) == ("AWS_SES_US_EAST_1", [])
    replica = world.checked(DOMAIN)
    parent = world.client(region=PARENT).get_email_identity(EmailIdentity=DOMAIN)
    assert replica["VerificationStatus"] == "SUCCESS"
    for member in ("Tokens", "SigningHostedZone", "CurrentSigningKeyLength"):
        assert replica["DkimAttributes"][member] == parent["DkimAttributes"][member]


def test_nothing_is_replicated_before_the_parent_is_verified_and_that_is_no_error(world: SesWorld) -> None:
    """DG: "Parent identity – A verified identity configured with Easy DKIM"."""
    world.client(region=PARENT).create_email_identity(EmailIdentity=DOMAIN)
    replicate(world)
    replica = world.checked(DOMAIN)
    assert (replica["VerificationStatus"], replica["DkimAttributes"]["Tokens"]) == ("PENDING", [])
    assert "ErrorType" not in replica["VerificationInfo"]


def test_a_change_of_the_parents_key_length_reaches_its_replicas(world: SesWorld) -> None:
    """DG: "key length changes made to the parent identity are automatically propagated to all replica identities"."""
    verified_domain(world, PARENT)
    replicate(world)
    world.checked(DOMAIN)
    world.client(region=PARENT).put_email_identity_dkim_signing_attributes(
        EmailIdentity=DOMAIN,
        SigningAttributesOrigin="AWS_SES",
        SigningAttributes={"NextSigningKeyLength": "RSA_1024_BIT"},
    )
    assert world.checked(DOMAIN, PARENT)["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_1024_BIT"
    assert world.checked(DOMAIN)["DkimAttributes"]["CurrentSigningKeyLength"] == "RSA_1024_BIT"


def test_a_parent_cannot_be_deleted_before_its_replicas(world: SesWorld) -> None:
    """DG: "Parent identities cannot be deleted until all replica identities are deleted"; DeleteEmailIdentity's errors."""
    verified_domain(world, PARENT)
    replicate(world)
    there = world.client(region=PARENT)
    with refused("BadRequestException", REGION):
        there.delete_email_identity(EmailIdentity=DOMAIN)
    with refused("InvalidParameterValue", REGION):
        world.client("ses", PARENT).delete_identity(Identity=DOMAIN)
    world.client().delete_email_identity(EmailIdentity=DOMAIN)
    there.delete_email_identity(EmailIdentity=DOMAIN)


@pytest.mark.parametrize("attributes", [{}, {"SigningAttributes": {"NextSigningKeyLength": "RSA_1024_BIT"}}])
def test_a_replica_has_no_dkim_settings_of_its_own(world: SesWorld, attributes: dict[str, Any]) -> None:
    """API reference, PutEmailIdentityDkimSigningAttributes: none of the changes that it lists begins at a replica."""
    verified_domain(world, PARENT)
    replicate(world)
    with refused("BadRequestException", f"those of its parent in {PARENT}"):
        world.client().put_email_identity_dkim_signing_attributes(
            EmailIdentity=DOMAIN, SigningAttributesOrigin="AWS_SES", **attributes
        )


def test_an_identity_that_exists_is_not_made_a_replica(world: SesWorld) -> None:
    """API reference, DkimSigningAttributes: "For PutEmailIdentityDkimSigningAttributes: None of the values are allowed"."""
    verified_domain(world, PARENT)
    verified_domain(world)
    with refused("BadRequestException", "at creation only"):
        world.client().put_email_identity_dkim_signing_attributes(
            EmailIdentity=DOMAIN, SigningAttributesOrigin="AWS_SES_US_EAST_1"
        )


@pytest.mark.parametrize(
    ("more", "words"),
    [({}, "PARENT_REGION"), ({"NextSigningKeyLength": "RSA_1024_BIT"}, "PARENT_REGION")],
    ids=["Easy DKIM is no parent region", "with a key length"],
)
def test_an_origin_that_names_no_region_is_refused(world: SesWorld, more: dict[str, str], words: str) -> None:
    """API reference, DkimSigningAttributes: "Allowed values: All values except AWS_SES and EXTERNAL"."""
    with refused("BadRequestException", words):
        world.client().create_email_identity(
            EmailIdentity=DOMAIN, DkimSigningAttributes={"DomainSigningAttributesOrigin": "AWS_SES", **more}
        )


def test_a_replica_without_a_parent_says_so(world: SesWorld) -> None:
    """REPLICATION_PRIMARY_NOT_FOUND: "no corresponding identity was found in the specified primary region"."""
    replicate(world)
    assert world.checked(DOMAIN)["VerificationInfo"]["ErrorType"] == "REPLICATION_PRIMARY_NOT_FOUND"


def test_a_replica_of_byodkim_says_so(world: SesWorld) -> None:
    """REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED: "only supported for identities using Easy DKIM"."""
    world.client(region=PARENT).create_email_identity(
        EmailIdentity=DOMAIN,
        DkimSigningAttributes={"DomainSigningSelector": "s1", "DomainSigningPrivateKey": private_key()[0]},
    )
    replicate(world)
    assert world.checked(DOMAIN)["VerificationInfo"]["ErrorType"] == "REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED"


def test_a_replica_loses_its_verification_when_the_parent_turns_to_byodkim(world: SesWorld) -> None:
    """The same, later: replicas depend on the parent as long as they are."""
    verified_domain(world, PARENT)
    replicate(world)
    assert world.checked(DOMAIN)["VerificationStatus"] == "SUCCESS"
    world.client(region=PARENT).put_email_identity_dkim_signing_attributes(
        EmailIdentity=DOMAIN,
        SigningAttributesOrigin="EXTERNAL",
        SigningAttributes={"DomainSigningSelector": "s1", "DomainSigningPrivateKey": private_key()[0]},
    )
    replica = world.checked(DOMAIN)
    assert replica["VerificationStatus"] == "TEMPORARY_FAILURE"
    assert replica["VerificationInfo"]["ErrorType"] == "REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED"


def test_a_replica_of_a_replica_says_so(world: SesWorld) -> None:
    """REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED: "multi-level replication is not supported"."""
    verified_domain(world, PARENT)
    replicate(world)
    replicate(world, parent=REGION, region=THIRD_REGION)
    error = world.checked(DOMAIN, THIRD_REGION)["VerificationInfo"]["ErrorType"]
    assert error == "REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED"


def test_a_replica_of_its_own_region_says_so(world: SesWorld) -> None:
    """REPLICATION_PRIMARY_INVALID_REGION: "where Amazon SES is available and different from the replica region"."""
    replicate(world, parent=REGION)
    assert world.checked(DOMAIN)["VerificationInfo"]["ErrorType"] == "REPLICATION_PRIMARY_INVALID_REGION"


RIGHT = "ses:ReplicateEmailIdentityDKIMSigningKey"


@pytest.mark.parametrize(
    ("allowed_in", "error"),
    [(REGION, None), (THIRD_REGION, "REPLICATION_ACCESS_DENIED"), (None, "REPLICATION_ACCESS_DENIED")],
    ids=["with the right for this region", "with the right for another region", "without the right"],
)
def test_whoever_creates_a_replica_needs_the_right_to_the_parents_key(
    allowed_in: str | None, error: str | None
) -> None:
    """REPLICATION_ACCESS_DENIED; DG, "Required Permissions to use DEED": the right on the parent, by ses:ReplicaRegion."""
    with ses_world(access_control=True) as world:
        world.control("POST", "/reset")
        # Keys decide about the account here: the world's own is that of the control API alone.
        world.account = "123456789012"
        actions = ["ses:CreateEmailIdentity", "ses:GetEmailIdentity"]
        statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
        if allowed_in:
            parent = f"arn:aws:ses:{PARENT}:{world.account}:identity/{DOMAIN}"
            condition = {"ForAllValues:StringEquals": {"ses:ReplicaRegion": [allowed_in]}}
            statements.append({"Effect": "Allow", "Action": RIGHT, "Resource": parent, "Condition": condition})
        key = user(world, statements)
        for region in (PARENT, REGION):
            world.clients["sesv2", region] = world.new_client(region=region, key=key)
        verified_domain(world, PARENT)
        replicate(world)
        assert world.checked(DOMAIN)["VerificationInfo"].get("ErrorType") == error


def user(world: SesWorld, statements: list[dict[str, Any]]) -> str:
    """A user with these rights; the access key."""
    iam = world.new_client("iam", key="root")
    iam.create_user(UserName="replicator")
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="replicator", PolicyName="p", PolicyDocument=document)
    return str(iam.create_access_key(UserName="replicator")["AccessKey"]["AccessKeyId"])

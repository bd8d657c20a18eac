"""Replicas of DKIM keys as the operator asks for them, and in what words it tells why SES does not give them.

The error that this does not make happen, a missing right, is in tests/controllers/guarded/test_rights.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.operator_aws_world import DOMAIN, REGION, AwsWorld, aws_world, perform
from sandbox.ses_world import private_key
from ses_operator.api.base.reasons import Reason
from ses_operator.aws.calls.budget import Priority
from ses_operator.core.features.deterministic_dkim import replication_problem
from ses_operator.core.model.dkim_source import DeterministicChoice, EasyDkim, ReplicaDkim
from ses_operator.core.model.problems import Blocked
from ses_operator.core.model.ses import IdentityFacts, SigningOrigin
from ses_operator.core.state.steps import CreateIdentity, DeleteIdentity
from unit.strategies import wanted

PARENT = "us-east-1"
NOW = Priority.PERSON


async def replica(world: AwsWorld, parent: str) -> IdentityFacts:
    """What SES says of a replica, once it has looked at it."""
    account = await world.account()
    ses = account.region(REGION)
    created = await perform(ses, CreateIdentity(REGION, DOMAIN, ReplicaDkim(parent), {}), NOW)
    assert created is not None
    assert (created.origin, created.parent_region, created.tokens) == (SigningOrigin.REPLICA, parent, ())
    world.sandbox.check_now()
    return await ses.get(DOMAIN, NOW)


async def test_a_parent_is_not_deleted_before_its_replica_and_that_is_told() -> None:
    async with aws_world() as world:
        await world.create(region=PARENT)
        facts = await replica(world, PARENT)
        assert (facts.dkim.origin, facts.dkim.parent_region) == (SigningOrigin.REPLICA, PARENT)
        account = await world.account()
        with pytest.raises(Blocked) as caught:
            await perform(account.region(PARENT), DeleteIdentity(PARENT, DOMAIN), NOW)
        assert caught.value.problem.reason is Reason.DELETION_BLOCKED
        await perform(account.region(REGION), DeleteIdentity(REGION, DOMAIN), NOW)
        await perform(account.region(PARENT), DeleteIdentity(PARENT, DOMAIN), NOW)


def nobody(_: AwsWorld) -> None:
    """There is no parent."""


def byodkim(world: AwsWorld) -> None:
    own_key = private_key()[0]
    world.somebody_else(PARENT).create_email_identity(
        EmailIdentity=DOMAIN,
        DkimSigningAttributes={"DomainSigningSelector": "s1", "DomainSigningPrivateKey": own_key},
    )


def another_replica(world: AwsWorld) -> None:
    world.somebody_else(PARENT).create_email_identity(
        EmailIdentity=DOMAIN, DkimSigningAttributes={"DomainSigningAttributesOrigin": "AWS_SES_US_WEST_2"}
    )


@pytest.mark.parametrize(
    ("is_parent", "parent", "error", "words"),
    [
        (nobody, PARENT, "REPLICATION_PRIMARY_NOT_FOUND", f"{DOMAIN} does not exist in {PARENT}"),
        (byodkim, PARENT, "REPLICATION_PRIMARY_BYO_DKIM_NOT_SUPPORTED", "a key of its own (BYODKIM)"),
        (another_replica, PARENT, "REPLICATION_REPLICA_AS_PRIMARY_NOT_SUPPORTED", "is a replica itself"),
        (nobody, REGION, "REPLICATION_PRIMARY_INVALID_REGION", "choose another"),
    ],
    ids=["no parent", "a parent with BYODKIM", "a parent that is a replica", "itself as parent"],
)
async def test_what_keeps_a_replica_from_its_key_is_told_in_words(
    is_parent: Callable[[AwsWorld], None], parent: str, error: str, words: str
) -> None:
    async with aws_world() as world:
        is_parent(world)
        facts = await replica(world, parent)
        assert facts.verification_info.error_type == error
        desired = wanted(identity=DOMAIN, dkim=DeterministicChoice(parent, EasyDkim(2048)))
        problem = replication_problem(desired, REGION, facts)
        assert problem is not None
        assert problem.reason is Reason.REPLICATION_FAILED
        assert words in problem.message

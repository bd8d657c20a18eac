"""A plan carried out at SES where something is refused: what needs it is not tried, all else is, and what it was is known."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.operator_aws_world import DOMAIN, REGION, AwsWorld, aws_world
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.sending import GENERATED_POLICY
from ses_operator.aws.calls.budget import Priority
from ses_operator.aws.listing.identity_cache import IdentityCache
from ses_operator.controllers.identity.facts import Facts
from ses_operator.controllers.identity.regions import Regions
from ses_operator.controllers.identity.topics import TopicLooks
from ses_operator.core.features.topics import TOPIC, TOPIC_HEADERS
from ses_operator.core.model.policies.policy_documents import WantedPolicy
from ses_operator.core.model.ses import IdentityFacts, NotificationType, Topic
from ses_operator.core.planning.plan import inventory_of, plan_identity, reads_to_make
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present
from ses_sandbox.faults import Fault, FaultKind
from unit.strategies import OWNER, wanted
from unit.world import NOW

ARN = f"arn:aws:sns:{REGION}:123456789012:mail"
BOUNCE, DELIVERY = NotificationType.BOUNCE, NotificationType.DELIVERY


def spec(**changes: Any) -> Desired:
    """One identity in one region."""
    return replace(wanted(identity=DOMAIN), **changes)


def policy(name: str, *principals: str, **changes: Any) -> WantedPolicy:
    """A policy for these principals."""
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "ses:SendEmail",
            "Resource": f"arn:aws:ses:{REGION}:123456789012:identity/{DOMAIN}",
        }
        for principal in principals
    ]
    return WantedPolicy(name, json.dumps({"Version": "2012-10-17", "Statement": statements, **changes}))


@dataclass
class Runs:
    """Reconciles of the SES side of one identity."""

    world: AwsWorld
    regions: Regions
    inventory: Inventory = field(default_factory=Inventory)

    async def run(self, desired: Desired) -> Attempt:
        """Observe, plan and apply until nothing is left."""
        account = await self.world.account()
        views = await self.regions.read_certainly(account, DOMAIN, [REGION], Priority.PERSON)
        observed, attempt = Observed(views), Attempt()
        for _ in range(8):
            reads = reads_to_make(desired, observed, self.inventory, attempt)
            observed, attempt = await self.regions.with_reads(
                account, DOMAIN, observed, reads, attempt, Priority.PERSON
            )
            self.inventory |= inventory_of(desired, (), observed.regions, self.inventory)
            plan = plan_identity(desired, observed, self.inventory, NOW, attempt)
            if not plan.ses_steps:
                return attempt
            applied = await self.regions.apply(account, plan, observed, attempt, NOW, Priority.PERSON)
            observed, attempt = applied.observed, applied.attempt
        raise AssertionError("the plan does not come to an end")

    async def facts(self) -> IdentityFacts:
        """What SES says, read now."""
        account = await self.world.account()
        self.regions.forget(account.account_id, DOMAIN, [REGION])
        view = (await self.regions.read_certainly(account, DOMAIN, [REGION], Priority.PERSON))[REGION]
        assert isinstance(view, Present)
        return view.facts

    async def topics(self) -> dict[NotificationType, Topic]:
        """The SNS topics, read now."""
        ses = (await self.world.account()).region(REGION)
        read = TOPIC[BOUNCE].read
        assert read is not None
        return dict((await ses.read(read, DOMAIN, await self.facts(), Priority.PERSON)).topics or {})


def runs_in(world: AwsWorld) -> Runs:
    return Runs(world, Regions(Facts(lambda: 0.0), IdentityCache(lambda _: None), TopicLooks(lambda: 0.0)))


def failures(attempt: Attempt) -> dict[str, Reason]:
    return {key: problem.reason for key, problem in attempt.failures.get(REGION, {}).items()}


async def test_a_configuration_set_that_is_missing_holds_up_neither_creation_nor_dkim_nor_mail_from() -> None:
    bounce = MailFrom(f"bounce.{DOMAIN}", MailFromBehavior.USE_DEFAULT_VALUE, REGION)
    desired = spec(configuration_set_name="nope", mail_from={REGION: bounce}, signing_enabled=False)
    async with aws_world() as world:
        runs = runs_in(world)
        attempt = await runs.run(desired)
        facts = await runs.facts()
        assert failures(attempt) == {"configuration-set": Reason.CONFIGURATION_SET_NOT_FOUND}
        assert not attempt.ended
        assert len(facts.dkim.tokens) == 3
        assert facts.mail_from is not None
        assert not facts.dkim.signing_enabled
        assert world.calls()["CreateEmailIdentity"] == 2, "with the set, and without"

        world.somebody_else().create_configuration_set(ConfigurationSetName="nope")
        assert failures(await runs.run(desired)) == {}
        assert (await runs.facts()).configuration_set_name == "nope"


async def test_a_sender_that_left_the_spec_may_send_no_more_whatever_else_of_the_change_is_refused() -> None:
    first, second = "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"
    async with aws_world() as world:
        runs = runs_in(world)
        both = {REGION: (policy(GENERATED_POLICY, first, second), policy("p1", second))}
        assert failures(await runs.run(spec(policies=both))) == {}
        one = {REGION: (policy(GENERATED_POLICY, first),)}
        world.sandbox.faults.add(Fault(FaultKind.ERROR, operation="TagResource", status=500))
        change = spec(policies=one, configuration_set_name="nope", tags={"team": "a", OWNER_TAG: str(OWNER)})
        attempt = await runs.run(change)
        assert REGION in attempt.ended, "the first thing that SES did not answer to ends the run"
        assert second not in json.dumps(dict((await runs.facts()).policies))


async def test_a_sender_that_left_may_send_no_more_though_ses_refuses_the_one_that_came() -> None:
    stays, leaves = "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"
    async with aws_world() as world:
        runs = runs_in(world)
        await runs.run(spec(policies={REGION: (policy(GENERATED_POLICY, stays, leaves),)}))
        broken = policy(GENERATED_POLICY, stays, "arn:aws:iam::333333333333:root", Version="1999-01-01")
        assert list(failures(await runs.run(spec(policies={REGION: (broken,)})))) == [f"policy:{GENERATED_POLICY}"]
        found = (await runs.facts()).policies[GENERATED_POLICY]
        assert stays in found
        assert leaves not in found


async def test_a_policy_that_is_refused_leaves_the_others() -> None:
    async with aws_world() as world:
        runs = runs_in(world)
        broken = policy("broken", "arn:aws:iam::111111111111:root", Version="1999-01-01")
        good = policy("good", "arn:aws:iam::111111111111:root")
        attempt = await runs.run(spec(policies={REGION: (broken, good)}))
        assert list(failures(attempt)) == ["policy:broken"]
        assert list((await runs.facts()).policies) == ["good"]


async def test_a_topic_that_is_refused_leaves_the_other_topic_the_policies_and_all_settings() -> None:
    topics = {REGION: {BOUNCE: Topic("bounces", include_headers=True), DELIVERY: Topic(ARN, include_headers=True)}}
    desired = spec(topics=topics, policies={REGION: (policy("p2", "arn:aws:iam::111111111111:root"),)})
    async with aws_world() as world:
        runs = runs_in(world)
        attempt = await runs.run(desired)
        assert failures(attempt) == {TOPIC[BOUNCE].key: Reason.INVALID_SPEC}
        found = await runs.topics()
        assert found[DELIVERY] == Topic(ARN, include_headers=True)
        assert found[BOUNCE] == Topic(), f"{TOPIC_HEADERS[BOUNCE].key} needs its topic"
        assert list((await runs.facts()).policies) == ["p2"]


async def test_topics_that_may_not_be_read_are_the_only_thing_that_is_left_undone() -> None:
    operation = "GetIdentityNotificationAttributes"
    async with aws_world() as world:
        runs = runs_in(world)
        await runs.run(spec())
        world.sandbox.faults.add(Fault(FaultKind.ERROR, operation=operation, status=403, code="AccessDenied"))
        runs.regions.forget((await world.account()).account_id, DOMAIN, [REGION])
        attempt = await runs.run(spec(topics={REGION: {BOUNCE: Topic(ARN)}}, signing_enabled=False))
        assert failures(attempt) == {"topics": Reason.ACCESS_DENIED}
        assert world.calls()[operation] == 1
        assert not (await runs.facts()).dkim.signing_enabled


async def test_time_outs_and_credentials_end_the_run_in_the_region() -> None:
    changed = spec(signing_enabled=False, configuration_set_name="nope", feedback_forwarding=False)
    puts = ("PutEmailIdentityConfigurationSetAttributes", "PutEmailIdentityFeedbackAttributes")
    for fault in (
        Fault(FaultKind.LOST_RESPONSE, operation="PutEmailIdentityDkimAttributes"),
        Fault(FaultKind.ERROR, operation="PutEmailIdentityDkimAttributes", status=403, code="InvalidClientTokenId"),
    ):
        async with aws_world() as world:
            runs = runs_in(world)
            await runs.run(spec())
            world.sandbox.faults.add(fault)
            attempt = await runs.run(changed)
            assert attempt.ended == {REGION}
            assert list(failures(attempt)) == ["signing"]
            assert not any(world.calls()[operation] for operation in puts)

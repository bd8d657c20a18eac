"""Which sending-authorization policies are set, changed and removed, and which are somebody else's and stay."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.meta import OWNER_TAG, POLICIES_MARK
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.sending import GENERATED_POLICY
from ses_operator.aws.ses.answers import identity_facts
from ses_operator.core.features.marks import POLICY_DIGEST, first_marks, has_mark, wanted_marks
from ses_operator.core.features.sending_policy import grants
from ses_operator.core.model.mark_tags import digest
from ses_operator.core.model.policies.policy_documents import WantedPolicy
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.plan import inventory_of, plan_identity
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present, Read
from ses_operator.core.state.steps import CreatePolicy, DeletePolicy, RestartVerification, SesStep, UpdatePolicy
from ses_operator.core.status.explanation import RegionCase, explain
from unit.strategies import DOMAIN, OWNER, POLICY_NAMES, desires, wanted
from unit.world import NOW, World, fresh_dkim, next_plan, steps_of, without_marks

REGION = "eu-west-1"
OURS = WantedPolicy("partner", '{"Id":"ours"}')
THEIRS = '{"Id":"theirs"}'
KNOWN = Inventory(frozenset({REGION}), policies=frozenset({f"{REGION}/partner"}))


def standing(**policies: str) -> IdentityFacts:
    """A verified identity of ours with these policies."""
    dkim = replace(fresh_dkim(REGION, 2048), status=VerificationStatus.SUCCESS)
    return IdentityFacts(VerificationStatus.SUCCESS, dkim, tags={OWNER_TAG: str(OWNER)}, policies=policies)


def asking(*policies: WantedPolicy) -> Desired:
    return wanted(policies={REGION: policies})


def steps(desired: Desired, facts: IdentityFacts, inventory: Inventory) -> tuple[SesStep, ...]:
    """The steps, marks aside. The policies of the inventory have marks on the identity."""
    names = [entry.removeprefix(f"{REGION}/") for entry in inventory.policies]
    marks = {POLICIES_MARK: " ".join(digest(name, POLICY_DIGEST) for name in names)} if names else {}
    facts = replace(facts, tags={**(facts.tags or {}), **marks})
    plan = plan_identity(desired, Observed(regions={REGION: Read(facts)}), Inventory(), NOW)
    return without_marks(plan.regions[REGION].steps)


@dataclass(frozen=True, slots=True)
class Case:
    title: str
    desired: Desired
    facts: IdentityFacts
    inventory: Inventory
    steps: tuple[SesStep, ...]


GENERATED = WantedPolicy(GENERATED_POLICY, '{"Id":"generated"}')
CASES = (
    Case(
        "a policy that is missing is created",
        asking(OURS),
        standing(),
        KNOWN,
        (CreatePolicy(REGION, DOMAIN, "partner", OURS.document),),
    ),
    Case(
        "a policy of ours that somebody changed is put right",
        asking(OURS),
        standing(partner=THEIRS),
        KNOWN,
        (UpdatePolicy(REGION, DOMAIN, "partner", OURS.document),),
    ),
    Case(
        "a policy that says the same in another layout is left",
        asking(OURS),
        standing(partner='{ "Id" : "ours" }'),
        KNOWN,
        (),
    ),
    Case("a policy of ours that left the spec goes", asking(), standing(partner=OURS.document), KNOWN,
         (DeletePolicy(REGION, DOMAIN, "partner"),)),
    Case("a policy of somebody else's stays", asking(), standing(partner=THEIRS), Inventory(), ()),
    Case(
        "a policy of ours in another region makes none of ours here",
        asking(),
        standing(partner=THEIRS),
        Inventory(policies=frozenset({"us-east-1/partner"})),
        (),
    ),
    Case("a policy of somebody else's is not overwritten", asking(OURS), standing(partner=THEIRS), Inventory(), ()),
    Case(
        "the generated policy is ours by its name, and changed",
        asking(GENERATED),
        standing(**{GENERATED_POLICY: THEIRS}),
        Inventory(),
        (UpdatePolicy(REGION, DOMAIN, GENERATED_POLICY, GENERATED.document),),
    ),
    Case(
        "the generated policy is ours by its name, and removed",
        asking(),
        standing(**{GENERATED_POLICY: THEIRS}),
        Inventory(),
        (DeletePolicy(REGION, DOMAIN, GENERATED_POLICY),),
    ),
    Case(
        "a policy that cannot be set leaves what is there, and holds up no other",
        asking(WantedPolicy("partner", fault="it has no Statement"), GENERATED),
        standing(partner=OURS.document),
        KNOWN,
        (CreatePolicy(REGION, DOMAIN, GENERATED_POLICY, GENERATED.document),),
    ),
    Case(
        "what goes makes room before what comes",
        asking(GENERATED),
        standing(partner=OURS.document, **{f"other-{n}": THEIRS for n in range(19)}),
        KNOWN,
        (
            DeletePolicy(REGION, DOMAIN, "partner"),
            CreatePolicy(REGION, DOMAIN, GENERATED_POLICY, GENERATED.document),
        ),
    ),
    Case(
        "a policy for which others leave no room is not tried",
        asking(OURS),
        standing(**{f"other-{n}": THEIRS for n in range(20)}),
        KNOWN,
        (),
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_steps_of_policies(case: Case) -> None:
    assert steps(case.desired, case.facts, case.inventory) == case.steps


PROBLEMS: tuple[tuple[str, Desired, IdentityFacts, Reason, str], ...] = (
    (
        "a policy that cannot be set",
        asking(WantedPolicy("partner", fault="it has no Statement")),
        standing(),
        Reason.POLICY_INVALID,
        "eu-west-1: spec.policies[partner]: it has no Statement",
    ),
    (
        "senders that do not fit",
        asking(WantedPolicy(GENERATED_POLICY, fault="it has 5000 bytes")),
        standing(),
        Reason.POLICY_INVALID,
        "eu-west-1: spec.authorizedSenders: it has 5000 bytes",
    ),
    (
        "a name that is taken",
        asking(OURS),
        standing(partner=THEIRS),
        Reason.POLICY_CONFLICT,
        "Remove it in SES, or choose another name in spec.policies[partner]",
    ),
    (
        "policies of others that leave no room",
        asking(OURS, GENERATED),
        standing(**{f"other-{n}": THEIRS for n in range(20)}),
        Reason.QUOTA_EXCEEDED,
        "Remove 2 in SES, or from spec.policies",
    ),
)


@pytest.mark.parametrize(
    ("desired", "facts", "reason", "words"), [p[1:] for p in PROBLEMS], ids=[p[0] for p in PROBLEMS]
)
def test_what_is_in_the_way_is_said(desired: Desired, facts: IdentityFacts, reason: Reason, words: str) -> None:
    (problem,) = grants(desired, REGION, facts, Inventory()).problems.values()
    assert problem is not None
    assert problem.reason is reason
    assert words in str(problem)


def test_the_policies_of_an_identity_are_read_with_the_rest_of_it() -> None:
    """API reference, GetEmailIdentity: Policies, "A map of policy names to policies"."""
    assert identity_facts({"Policies": {"partner": THEIRS}}, REGION).policies == {"partner": THEIRS}
    assert identity_facts({}, REGION).policies == {}


def test_only_what_the_author_alone_can_change_stalls() -> None:
    assert Reason.POLICY_INVALID.stalls
    assert not Reason.POLICY_CONFLICT.stalls


def test_a_policy_that_was_there_with_just_our_document_is_satisfied_and_not_ours() -> None:
    facts, desired = standing(partner=OURS.document), asking(OURS)
    assert grants(desired, REGION, facts, Inventory()).problems == {}
    assert wanted_marks(desired, REGION, facts) == {}
    assert steps(asking(), facts, Inventory()) == ()


def test_policies_come_after_everything_that_leads_to_verification() -> None:
    dkim = replace(fresh_dkim(REGION, 1024), status=VerificationStatus.FAILED)
    facts = replace(standing(), verification_status=VerificationStatus.FAILED, dkim=dkim)
    inventory = KNOWN
    world = World({REGION: facts}, frozenset())
    observed = world.observed(asking(OURS), inventory)
    published = replace(
        world, records=frozenset(entry.record for entry in observed.dns.records) if observed.dns else frozenset()
    )
    planned = steps_of(next_plan(published, asking(OURS), inventory))
    assert isinstance(planned[-1], CreatePolicy)
    assert any(isinstance(step, RestartVerification) for step in planned[:-1])


def test_what_hinders_verification_is_said_before_that_ses_asks_for_it() -> None:
    waits = Problem(Reason.WAITING_FOR_VERIFICATION, "SES takes the policy partner when it is verified")
    pending = IdentityFacts(VerificationStatus.PENDING, fresh_dkim(REGION, 2048), tags={OWNER_TAG: str(OWNER)})
    for facts, words in (
        (pending, "Waiting for SES to find the DKIM records"),
        (standing(), "takes the policy partner"),
    ):
        observed = Observed(regions={REGION: Present(facts)})
        said = explain(RegionCase(asking(OURS), REGION, observed, RegionPlan(problems={"policy:partner": waits})))
        assert said is not None
        assert words in said.message


def test_what_an_annotation_says_is_no_proof() -> None:
    """An older list, or a creation that was refused: the policy was there before, and is another's."""
    observed = Observed(regions={REGION: Read(standing(partner=THEIRS))})
    for desired in (asking(OURS), asking()):
        assert without_marks(plan_identity(desired, observed, KNOWN, NOW).regions[REGION].steps) == ()


def test_a_policy_of_another_that_comes_between_is_not_marked_as_ours() -> None:
    create = first_marks(asking(OURS), REGION)
    assert has_mark("partner", create), "no one else can have set anything on an identity that is just being made"
    assert not has_mark("partner", wanted_marks(asking(OURS), REGION, standing(partner=THEIRS)))


def reconcile(world: World, desired: Desired, inventory: Inventory, most_steps: int) -> tuple[World, Inventory]:
    """As the operator does it: the inventory stands before each round of steps. Until nothing is left, or a crash."""
    for _ in range(20):
        observed = world.observed(desired, inventory)
        plan = plan_identity(desired, observed, inventory, NOW)
        if plan.is_empty:
            return world, inventory
        inventory |= inventory_of(desired, ["Z1"], observed.regions, inventory)
        for step in steps_of(plan):
            if most_steps == 0:
                return world, inventory
            world, most_steps = world.do(step), most_steps - 1
        if plan.dns is not None:
            world = world.publish(plan.dns)
    raise AssertionError("the plan does not come to an end")


@given(
    desires(),
    desires(),
    st.integers(0, 12),
    st.dictionaries(st.sampled_from([name for name in POLICY_NAMES if name != GENERATED_POLICY]), st.just(THEIRS)),
)
def test_policies_of_others_are_never_touched_whatever_is_wanted_and_wherever_it_crashes(
    first: Desired, second: Desired, at: int, theirs: dict[str, str]
) -> None:
    region = first.regions[0]
    world = World({region: standing(**theirs)})
    second = replace(
        second, regions=first.regions, mail_from={}, policies={r: second.policies.get(r, ()) for r in first.regions}
    )
    crashed, inventory = reconcile(world, first, Inventory(), at)
    between = crashed.identities[region].policies
    after, inventory = reconcile(crashed, second, inventory, 1_000)
    last = after.identities[region].policies
    assert theirs.items() <= between.items()
    assert theirs.items() <= last.items()
    assert last.keys() - theirs.keys() == {policy.name for policy in second.policies[region]} - theirs.keys()

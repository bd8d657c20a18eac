"""A step that is refused ends those that need it, and no other; what takes rights away comes first; and all of it is said."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ses_operator.api.base.meta import OWNER_TAG, POLICIES_MARK
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import AdoptionPolicy
from ses_operator.api.identity.sending import GENERATED_POLICY
from ses_operator.core.features.marks import POLICY_DIGEST
from ses_operator.core.model.mark_tags import digest
from ses_operator.core.model.policies.policy_documents import WantedPolicy
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.schedule import SHORTEST_RETRY
from ses_operator.core.model.ses import IdentityFacts, NotificationType, Topic, VerificationStatus
from ses_operator.core.planning.plan import plan_identity, reads_to_make
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.planning.repairs import refused_key
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Absent, Observed, Present
from ses_operator.core.state.steps import (
    CreateIdentity,
    CreatePolicy,
    DeletePolicy,
    SesStep,
    TagIdentity,
    UpdatePolicy,
    WithdrawRights,
)
from ses_operator.core.status.explanation import RegionCase, explain
from ses_operator.core.status.report import ReportInput, is_provisioned
from ses_operator.core.status.requeue import requeue_after
from unit.strategies import DOMAIN, OWNER, desires, wanted
from unit.world import NOW, World, converge, covering, fresh_dkim

REGION, OTHER = "eu-west-1", "us-east-1"
NO_SET = Problem(Reason.CONFIGURATION_SET_NOT_FOUND, "there is no configuration set nope", region=REGION)
DENIED = Problem(Reason.ACCESS_DENIED, "the operator may not do this", region=REGION)
ALL = covering(wanted(policies={REGION: tuple(WantedPolicy(name, "{}") for name in ("p1", "p2"))}))


def standing(**changes: object) -> IdentityFacts:
    dkim = replace(fresh_dkim(REGION, 2048), status=VerificationStatus.SUCCESS)
    facts = IdentityFacts(VerificationStatus.SUCCESS, dkim, tags={OWNER_TAG: str(OWNER)}, topics={})
    return replace(facts, **changes)  # type: ignore[arg-type]


def refused(*keys: str, problem: Problem = DENIED, ends: bool = False) -> Attempt:
    attempt = Attempt()
    for key in keys:
        attempt = attempt.failed(REGION, key, problem, ends=ends)
    return attempt


def planned(desired: Desired, facts: IdentityFacts | None, attempt: Attempt | None = None) -> RegionPlan:
    observed = Observed({REGION: Present(facts) if facts else Absent()})
    return plan_identity(desired, observed, ALL, NOW, attempt or Attempt()).regions[REGION]


def keys(steps: tuple[SesStep, ...]) -> list[str]:
    return [step.key for step in steps]


EVERYTHING = wanted(
    configuration_set_name="nope",
    signing_enabled=False,
    mail_from={REGION: MailFrom(f"bounce.{DOMAIN}", MailFromBehavior.USE_DEFAULT_VALUE, REGION)},
    tags={"team": "a", OWNER_TAG: str(OWNER)},
    topics={REGION: {NotificationType.BOUNCE: Topic("arn:b", include_headers=True), NotificationType.DELIVERY: Topic("arn:d")}},
    policies={REGION: (WantedPolicy(GENERATED_POLICY, '{"Id":"senders"}'), WantedPolicy("p2", "{}"))},
)  # fmt: skip


def test_a_configuration_set_that_is_missing_at_creation_holds_up_nothing_but_itself() -> None:
    create, *rest = planned(EVERYTHING, None).steps
    assert isinstance(create, CreateIdentity)
    assert create.configuration_set_name == "nope", "one call carries it"
    assert refused_key(create, NO_SET) == "configuration-set"
    assert refused_key(create, DENIED) == "create"

    again = planned(EVERYTHING, None, refused("configuration-set", problem=NO_SET))
    assert again.steps[0] == replace(create, configuration_set_name=None)
    assert keys(again.steps[1:]) == keys(tuple(rest)), "and it is not asked for a second time in this run"
    assert again.problem == NO_SET


def test_a_creation_that_is_refused_is_all_that_is_tried() -> None:
    plan = planned(EVERYTHING, None, refused("create"))
    assert plan.steps == ()
    assert plan.problem == DENIED


def test_rights_that_were_withdrawn_go_before_anything_else_is_tried() -> None:
    fewer = replace(EVERYTHING, policies={REGION: (WantedPolicy(GENERATED_POLICY, '{"Id":"a"}'),)})
    facts = standing(policies={GENERATED_POLICY: '{"Id":"a and b"}', "p1": "{}"})
    facts = replace(facts, tags={**(facts.tags or {}), POLICIES_MARK: digest("p1", POLICY_DIGEST)})
    withdrawn = planned(fewer, facts).steps
    assert withdrawn[:2] == (
        DeletePolicy(REGION, DOMAIN, "p1"),
        UpdatePolicy(REGION, DOMAIN, GENERATED_POLICY, '{"Id":"a"}'),
    )
    others = {*keys(withdrawn[2:])}
    assert {"signing", "mail-from", "configuration-set", "tags", "topic:Bounce"} <= others
    assert keys(planned(fewer, facts, refused(*others)).steps) == ["policy:p1", f"policy:{GENERATED_POLICY}"]


def document(*accounts: str) -> str:
    statements = [{"Effect": "Allow", "Principal": {"AWS": [name]}, "Action": "ses:SendEmail"} for name in accounts]
    return json.dumps({"Statement": statements}, separators=(",", ":"))


def test_rights_are_withdrawn_before_others_are_given_by_the_same_policy() -> None:
    change = wanted(policies={REGION: (WantedPolicy(GENERATED_POLICY, document("a", "fresh")),)})
    update = UpdatePolicy(REGION, DOMAIN, GENERATED_POLICY, document("a", "fresh"))

    withdraw = WithdrawRights(REGION, DOMAIN, GENERATED_POLICY, document("a"))
    assert planned(change, standing(policies={GENERATED_POLICY: document("a", "b")})).steps == (withdraw, update)
    after = planned(change, standing(policies={GENERATED_POLICY: document("a")}))
    assert after.steps == (update,), "what has been withdrawn is not withdrawn again"
    after = planned(change, standing(policies={GENERATED_POLICY: document("a", "b")}), refused(withdraw.key))
    assert after.steps == (update,), "it takes them away too, if SES takes it"


def test_a_policy_of_which_nothing_may_stay_is_removed_before_it_is_made_again() -> None:
    change = wanted(policies={REGION: (WantedPolicy(GENERATED_POLICY, document("fresh")),)})
    facts = standing(policies={GENERATED_POLICY: document("b")})
    create = CreatePolicy(REGION, DOMAIN, GENERATED_POLICY, document("fresh"))
    assert planned(change, facts).steps == (WithdrawRights(REGION, DOMAIN, GENERATED_POLICY, None), create)
    assert planned(change, facts, refused(f"withdraw:{GENERATED_POLICY}")).steps == ()


def test_a_policy_that_is_refused_leaves_the_other_policies_and_settings() -> None:
    all_of_it = keys(planned(EVERYTHING, standing()).steps)
    left = keys(planned(EVERYTHING, standing(), refused(f"policy:{GENERATED_POLICY}")).steps)
    assert left == [key for key in all_of_it if key != f"policy:{GENERATED_POLICY}"]
    assert "policy:p2" in left


def test_a_topic_that_is_refused_ends_its_headers_and_leaves_the_other_topic_and_the_policies() -> None:
    left = keys(planned(EVERYTHING, standing(), refused("topic:Bounce")).steps)
    assert not {"topic:Bounce", "topic-headers:Bounce"} & {*left}
    assert {"topic:Delivery", "policy:p2", "signing"} <= {*left}


def test_topics_that_may_not_be_read_hold_up_topics_alone_and_are_not_asked_for_again() -> None:
    unread, attempt = standing(topics=None), refused("topics")
    assert not reads_to_make(EVERYTHING, Observed({REGION: Present(unread)}), Inventory(), attempt)
    plan = planned(EVERYTHING, unread, attempt)
    assert plan.problem == DENIED
    assert {"signing", "mail-from", "policy:p2"} <= {*keys(plan.steps)}
    assert not any(key.startswith("topic") for key in keys(plan.steps))


def test_whoever_may_not_take_an_identity_over_changes_nothing_of_it() -> None:
    adopting, theirs = replace(EVERYTHING, adoption=AdoptionPolicy.IF_UNOWNED), standing(tags={})
    first, *rest = planned(adopting, theirs).steps
    assert isinstance(first, TagIdentity)
    assert rest
    assert planned(adopting, theirs, refused("tags")).steps == ()
    assert planned(EVERYTHING, standing(), refused("tags")).steps, "of one that is ours, tags are a setting like others"


def test_where_the_run_has_ended_nothing_more_is_tried_and_the_other_regions_go_on() -> None:
    desired = replace(EVERYTHING, regions=(REGION, OTHER))
    observed = Observed({REGION: Present(standing()), OTHER: Present(standing())})
    late = Problem(Reason.THROTTLED, "later", region=REGION)
    plan = plan_identity(desired, observed, ALL, NOW, refused("signing", problem=late, ends=True))
    assert (plan.regions[REGION].steps, plan.regions[REGION].problem) == ((), late)
    assert plan.regions[OTHER].steps


def test_all_that_was_refused_is_said_what_only_the_author_can_change_first() -> None:
    attempt = refused("signing").failed(REGION, "configuration-set", NO_SET, ends=False)
    observed = Observed({REGION: Present(standing())})
    plan = plan_identity(EVERYTHING, observed, ALL, NOW, attempt)
    said = explain(RegionCase(EVERYTHING, REGION, observed, plan.regions[REGION]))
    assert said is not None
    gravest, other = (NO_SET, DENIED) if NO_SET.reason.stalls else (DENIED, NO_SET)
    assert said.reason is gravest.reason
    assert said.message == f"{gravest.message}. Also: {other.message}"
    case = ReportInput.of(
        EVERYTHING, observed, plan, account="default", account_id="1", partition="aws", suspended=None
    )
    assert not is_provisioned(case, REGION)
    assert requeue_after(case, NOW) == SHORTEST_RETRY


def test_the_same_said_of_several_is_said_once() -> None:
    plan = planned(EVERYTHING, standing(), refused("topic:Bounce", "topic:Delivery"))
    said = explain(RegionCase(EVERYTHING, REGION, Observed({REGION: Present(standing())}), plan))
    assert said == DENIED


@given(desires(), desires(), st.data())
def test_a_refusal_leaves_every_step_that_does_not_need_it(
    first: Desired, second: Desired, data: st.DataObject
) -> None:
    inventory = covering(first, second)
    observed = converge(World(), first, inventory).observed(second, inventory)
    whole = plan_identity(second, observed, inventory, NOW)
    assume(whole.ses_steps)
    region = data.draw(st.sampled_from(sorted(whole.ses_steps)))
    step = data.draw(st.sampled_from(whole.ses_steps[region]))
    attempt = Attempt().failed(region, step.key, DENIED, ends=False)

    left = plan_identity(second, observed, inventory, NOW, attempt)

    plan = whole.regions[region]
    out = {step.key}
    for other in plan.steps:
        if plan.needs.get(other.key, frozenset()) & out:
            out.add(other.key)
    assert left.regions[region].steps == tuple(each for each in plan.steps if each.key not in out)
    assert DENIED in left.regions[region].problems.values()
    assert {name: steps for name, steps in left.ses_steps.items() if name != region} == {
        name: steps for name, steps in whole.ses_steps.items() if name != region
    }


@given(desires(), desires())
def test_only_creation_adoption_topics_and_withdrawals_are_needed_by_others_and_each_key_is_one_step(
    first: Desired, second: Desired
) -> None:
    inventory = covering(first, second)
    plan = plan_identity(second, converge(World(), first, inventory).observed(second, inventory), inventory, NOW)
    for region_plan in plan.regions.values():
        found = keys(region_plan.steps)
        assert len(found) == len(set(found))
        for key, needs in region_plan.needs.items():
            assert found.index(key) > max(found.index(need) for need in needs), "in an order in which they can be tried"
            assert needs <= {"create", "tags"} or key.startswith(("topic-headers:", "policy:"))


@pytest.mark.parametrize("ends", [False, True])
def test_an_attempt_knows_what_was_refused_and_where_it_is_over(ends: bool) -> None:
    attempt = refused("signing", ends=ends).failed(OTHER, "tags", NO_SET, ends=False)
    assert attempt.failures == {REGION: {"signing": DENIED}, OTHER: {"tags": NO_SET}}
    assert attempt.ended == (frozenset({REGION}) if ends else frozenset())

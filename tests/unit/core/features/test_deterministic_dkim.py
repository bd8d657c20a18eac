"""Deterministic Easy DKIM: parents first, replicas after them, and nothing that is in use deleted to get round SES."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.dkim import PARENT_REGIONS
from ses_operator.api.identity.kind import AdoptionPolicy, DeletionPolicy, SesIdentity, SesIdentitySpec
from ses_operator.core.features.deterministic_dkim import REPLICATION_ERRORS
from ses_operator.core.model.dkim_source import DeterministicChoice, DkimChoice, EasyDkim, ReplicaDkim
from ses_operator.core.model.keys import Installation
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import Purpose
from ses_operator.core.model.ses import VerificationInfo, VerificationStatus
from ses_operator.core.planning.deletion import blockers, plan_deletion
from ses_operator.core.planning.plan import Plan, plan_identity, surplus_policy, wanted_records
from ses_operator.core.planning.region_plan import RegionPlan
from ses_operator.core.state.attempt import Attempt
from ses_operator.core.state.desired import Desired, MailFromBehavior, desired_identity
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present, RegionView, Remembered, Unread
from ses_operator.core.state.steps import DeleteIdentity, SesStep, Surplus, TagIdentity, UntagIdentity, WithdrawRecords
from ses_operator.core.status.explanation import RegionCase, explain
from ses_operator.core.status.report import ReportInput, readiness
from ses_operator.core.status.status import identity_status, remembered
from unit.strategies import DOMAIN, MAIL_FROM_STYLES, OWNER, mail_from, own_key, wanted
from unit.world import NOW, World, covering, next_plan, seen_by_ses, steps_of

A, B, C = "eu-west-1", "us-east-1", "us-west-2"
OWN_KEYS = OWN_KEY, _ = own_key("s1", "a"), own_key("s2", "b")
MOST_CALLS = 200
"""More than any life takes, with SES looking after each."""
SUCCESS, FAILED = VerificationStatus.SUCCESS, VerificationStatus.FAILED


def deed(*regions: str, parent: str = A, key_length: int = 2048) -> Desired:
    return wanted(regions=tuple(sorted(regions)), dkim=DeterministicChoice(parent, EasyDkim(key_length)))


def easy(*regions: str) -> Desired:
    return wanted(regions=tuple(sorted(regions)))


@st.composite
def modes(draw: st.DrawFn) -> Desired:
    """Easy DKIM, DEED or BYODKIM with either of two keys, in some of the regions, with what else has to do with records."""
    regions = draw(st.lists(st.sampled_from([A, B, C]), min_size=1, unique=True))
    choices: tuple[DkimChoice, ...] = (EasyDkim(2048), DeterministicChoice(regions[0], EasyDkim(2048)), *OWN_KEYS)
    style, first = draw(st.sampled_from(MAIL_FROM_STYLES)), draw(st.sampled_from(regions))
    return replace(
        easy(*regions),
        dkim=draw(st.sampled_from(choices)),
        signing_enabled=draw(st.booleans()),
        mail_from=mail_from(style, MailFromBehavior.USE_DEFAULT_VALUE, tuple(regions), first),
        first_region=first,
    )


def lives(world: World, desired: Desired, inventory: Inventory) -> Iterator[tuple[World, SesStep | None]]:
    """The world after each single call, with SES looking in between, until nothing is left to do; and what SES was told."""
    for _ in range(MOST_CALLS):
        plan = next_plan(world, desired, inventory)
        step = next(iter(steps_of(plan)), None)
        if step is not None:
            world = world.do(step)
        elif plan.dns is not None:
            world = world.publish(plan.dns)
        elif world == seen_by_ses(world):
            return
        world = seen_by_ses(world)
        yield world, step
    raise AssertionError("the plan does not come to an end")


def settle(world: World, desired: Desired, inventory: Inventory, most_steps: int = MOST_CALLS) -> World:
    """The world after so many calls, or when there is nothing more to do."""
    for count, (after, _) in enumerate(lives(world, desired, inventory), start=1):
        world = after
        if count >= most_steps:
            break
    return world


def dkim_names(world: World, region: str) -> set[str]:
    return {f"{token}._domainkey.{DOMAIN}" for token in world.identities[region].dkim.tokens}


def problem_of(plan: Plan, region: str) -> Problem:
    problem = plan.regions[region].problem
    assert problem is not None, f"{region} should have a problem"
    return problem


def test_replicas_are_made_after_the_parent_is_verified_and_publish_nothing_of_their_own() -> None:
    spec = deed(A, B, C)
    inventory = covering(spec)
    first = next_plan(World(), spec, inventory)
    assert [step.region for step in steps_of(first)] == [A]
    assert problem_of(first, B).reason is Reason.WAITING_FOR_PARENT
    world = settle(World(), spec, inventory)
    assert {region: facts.dkim.parent_region for region, facts in world.identities.items()} == {A: None, B: A, C: A}
    assert all(facts.verification_status is SUCCESS for facts in world.identities.values())
    records = [record for record in world.records if record.purpose is Purpose.DKIM]
    assert {record.name for record in records} == dkim_names(world, A)
    assert {record.regions for record in records} == {(A, B, C)}
    assert next_plan(world, spec, inventory) == Plan({region: RegionPlan() for region in (A, B, C)})


@given(modes(), modes(), st.integers(1, 12))
def test_from_any_crash_the_way_to_another_mode_or_region_breaks_nothing(
    first: Desired, second: Desired, crash: int
) -> None:
    inventory = covering(first, second)
    before = world = settle(World(), first, inventory, most_steps=crash)
    for after, step in lives(before, second, inventory):  # World.do fails where SES would refuse
        world = after
        for region, facts in world.identities.items():
            if facts.dkim.status is SUCCESS:
                assert world.has_records_of(region), "what signs has its records"
        assert not isinstance(step, DeleteIdentity) or step.region not in second.regions, "what is wanted stays"
    plan = next_plan(world, second, inventory)
    stalled = {region for region, p in plan.regions.items() if p.problem and p.problem.reason is Reason.DKIM_CONFLICT}
    left = set(world.identities) - set(second.regions)
    if stalled:
        held = {problem_of(plan, region).reason for region in left}
        assert held <= {Reason.DELETION_BLOCKED}, "what is left over is the parent of replicas that stay"
    else:
        assert set(world.identities) == set(second.regions)
        assert world == settle(World(), second, inventory), "the same as from nothing"


@given(modes(), st.integers(1, 12))
def test_deletion_ends_with_nothing_left_from_any_crash(spec: Desired, crash: int) -> None:
    inventory = covering(spec)
    world = settle(World(), spec, inventory, most_steps=crash)
    while (plan := plan_deletion(spec, world.observed(spec, inventory))).ses_steps:
        assert plan.dns is None, "the records go last"
        world = world.do(steps_of(plan)[0])
    assert (world.identities, plan.dns) == ({}, WithdrawRecords())


def settled(*regions: str, parent: str = A) -> World:
    spec = deed(*regions, parent=parent)
    return settle(World(), spec, covering(spec))


def refused(region: str, key: str) -> Attempt:
    """A run in which this step was refused."""
    return Attempt().failed(region, key, Problem(Reason.ACCESS_DENIED, "no right", region=region), ends=False)


def test_a_parent_waits_for_the_deletion_of_a_replica_that_does_not_go() -> None:
    spec = deed(A, B)
    observed = settled(A, B).observed(spec, covering(spec))
    plan = plan_deletion(spec, observed, refused(B, "delete"))
    assert (plan.ses_steps, plan.dns) == ({}, None)
    assert [problem.reason for problem in blockers(plan.regions)] == [Reason.ACCESS_DENIED, Reason.DELETION_BLOCKED]
    assert problem_of(plan, A).reason is Reason.DELETION_BLOCKED
    assert B in problem_of(plan, A).message


def test_of_regions_that_leave_what_keeps_the_replica_is_told_and_not_that_the_parent_waits() -> None:
    spec = easy(C)
    world = settle(settled(A, B), easy(A, B, C), covering(deed(A, B), spec))
    observed = world.observed(spec, covering(deed(A, B), spec))
    plan = plan_identity(spec, observed, covering(deed(A, B), spec), NOW, refused(B, "delete"))
    said = readiness(ReportInput(spec, observed, plan), None)
    assert said[ConditionType.READY].reason is Reason.ACCESS_DENIED


def test_under_retain_all_are_let_go_at_once() -> None:
    spec = replace(deed(A, B), deletion=DeletionPolicy.RETAIN)
    plan = plan_deletion(spec, settled(A, B).observed(spec, covering(spec)))
    assert [type(step) for step in steps_of(plan)] == [UntagIdentity, UntagIdentity]


def test_a_replica_taken_out_of_the_spec_goes_and_the_records_stay_for_the_others() -> None:
    spec = deed(A, B)
    inventory = covering(deed(A, B, C), spec)
    world = settle(settled(A, B, C), spec, inventory)
    assert set(world.identities) == {A, B}
    assert {record.name for record in world.records} == dkim_names(world, A)


def test_a_parent_taken_out_of_the_spec_stays_until_its_replicas_are_gone() -> None:
    spec = deed(B, C, parent=B)
    plan = next_plan(settled(A, B, C), spec, covering(deed(A, B, C), spec))
    assert steps_of(plan) == []
    assert problem_of(plan, A).reason is Reason.DELETION_BLOCKED


def test_a_replica_of_somebody_elses_holds_a_parent_that_is_to_go() -> None:
    world = settled(A, B)
    foreign = replace(world.identities[B], tags={})
    spec = easy(C)
    plan = next_plan(replace(world, identities={**world.identities, B: foreign}), spec, covering(deed(A, B), spec))
    assert problem_of(plan, A).reason is Reason.DELETION_BLOCKED
    assert not any(isinstance(step, DeleteIdentity) for step in steps_of(plan))


REPLACEMENTS = [
    ("Easy DKIM becomes a replica", easy(A, B), deed(A, B), B, "spec.dkim.mode to Easy"),
    ("a replica becomes Easy DKIM", deed(A, B), easy(A, B), B, f"spec.dkim.deterministic.parentRegion to {A}"),
    ("a replica becomes the parent", deed(A, B), deed(A, B, parent=B), B, f"parentRegion to {A}"),
    ("the parent becomes a replica", deed(A, B), deed(A, B, parent=B), A, f"parentRegion to {A}"),
    ("a replica gets another parent", deed(A, B, C), deed(A, B, C, parent=B), C, f"parentRegion to {A}"),
]


@pytest.mark.parametrize(
    ("before", "after", "region", "way_out"), [r[1:] for r in REPLACEMENTS], ids=[r[0] for r in REPLACEMENTS]
)
def test_what_ses_cannot_change_is_left_as_it_is_and_told_with_the_way_out(
    before: Desired, after: Desired, region: str, way_out: str
) -> None:
    inventory = covering(before, after)
    world = settle(World(), before, inventory)
    plan = next_plan(world, after, inventory)
    problem = problem_of(plan, region)
    assert (problem.reason, problem.reason.stalls) == (Reason.DKIM_CONFLICT, True)
    assert f"remove {region} from spec.regions" in problem.message
    assert way_out in problem.message
    assert plan.regions[region].steps == ()
    assert seen_by_ses(settle(world, after, inventory)).records >= world.records, "nothing that is needed goes"


def own(*regions: str) -> Desired:
    return replace(easy(*regions), dkim=OWN_KEY)


WAYS = {
    "from Easy DKIM": [easy(A, B), deed(A), deed(A, B)],
    "to Easy DKIM": [deed(A, B), easy(A), easy(A, B)],
    "to another parent": [deed(A, B, C), easy(A), easy(A, B), deed(B, parent=B), deed(A, B, C, parent=B)],
    "from a key of one's own": [own(A, B), deed(A), deed(A, B)],
    "to a key of one's own": [deed(A, B), own(A), own(A, B)],
}
"""docs/dkim.md, "Changing it on a domain that is in use"."""


@pytest.mark.parametrize("specs", WAYS.values(), ids=WAYS)
def test_the_documented_ways_need_nobody_at_ses_and_can_be_sent_from_throughout(specs: list[Desired]) -> None:
    inventory, world = covering(*specs), settle(World(), specs[0], covering(specs[0]))
    for spec in specs[1:]:
        for after, _ in lives(world, spec, inventory):
            world = after
            assert any(facts.verification_status is SUCCESS for facts in world.identities.values())
        verified = {region for region, facts in world.identities.items() if facts.verification_status is SUCCESS}
        assert verified == set(spec.regions), "each step comes to its end"
    last = specs[-1]
    replicas = {region for region, facts in world.identities.items() if facts.dkim.parent_region is not None}
    assert replicas == {region for region in last.regions if isinstance(last.dkim_in(region), ReplicaDkim)}
    assert world == settle(World(), last, covering(last)), "the same as from nothing"


def test_a_replica_that_was_found_with_another_parent_is_not_adopted() -> None:
    found = settled(A, B, parent=B).identities[A]
    spec = deed(A, C, parent=C)
    observed = Observed(regions={A: Present(replace(found, tags={}))})
    spec = replace(spec, adoption=AdoptionPolicy.IF_UNOWNED)
    problem = problem_of(plan_identity(spec, observed, covering(spec), NOW), A)
    assert problem.reason is Reason.DKIM_CONFLICT
    assert "delete it in SES, or set spec.dkim.deterministic.parentRegion to us-east-1" in problem.message


def test_a_replica_that_was_found_with_the_right_parent_is_adopted_by_its_tag_alone() -> None:
    found = settled(A, B).identities[B]
    spec = replace(deed(A, B), adoption=AdoptionPolicy.IF_UNOWNED)
    observed = Observed(regions={B: Present(replace(found, tags={}))})
    assert [type(step) for step in steps_of(plan_identity(spec, observed, covering(spec), NOW))] == [TagIdentity]


def test_a_parent_that_cannot_be_read_is_waited_for_and_keeps_the_records() -> None:
    spec, world = deed(A, B, C), settled(A, B)
    observed = world.observed(spec, covering(spec))
    known = world.identities[A].dkim
    silent = replace(
        observed,
        regions={**observed.regions, A: Unread(Problem(Reason.REGION_UNREACHABLE, "no answer"))},
        remembered={A: Remembered(known.tokens, known.signing_hosted_zone)},
    )
    assert problem_of(plan_identity(spec, silent, covering(spec), NOW), C).reason is Reason.WAITING_FOR_PARENT
    assert {record.name for record in wanted_records(spec, silent)} == dkim_names(world, A)
    assert surplus_policy(spec, silent) is Surplus.KEEP


def test_records_lead_where_the_parents_do_whoever_cannot_be_read() -> None:
    spec, world = deed(A, B), settled(A, B)
    heard = world.observed(spec, covering(spec))
    parent, replica = world.identities[A].dkim, world.identities[B]
    told = Present(replace(replica, dkim=replace(replica.dkim, signing_hosted_zone="dkim.replica.amazonses.com")))
    heard = replace(heard, regions={A: heard.regions[A], B: told}, remembered={})
    case = ReportInput.of(spec, heard, Plan(), account="default", account_id="1", partition="aws", suspended=None)
    given = {"metadata": {"name": "mail"}, "spec": {"domain": DOMAIN, "regions": [A, B]}}
    identity = SesIdentity.model_validate(given)
    identity = identity.model_copy(update={"status": identity_status(identity, case, None, NOW)})
    expected = {f"{token}.{parent.signing_hosted_zone}" for token in parent.tokens}

    silence = Unread(Problem(Reason.REGION_UNREACHABLE, "no answer"))
    sights: tuple[dict[str, RegionView], ...] = (
        {A: silence, B: told},
        {A: silence, B: silence},
        {A: heard.regions[A], B: silence},
    )
    for regions in sights:
        held = frozenset(record.id for record in wanted_records(spec, heard))
        seen = replace(heard, regions=regions, remembered=remembered(identity), held=held)
        assert {value for record in wanted_records(spec, seen) for value in record.values} == expected


def test_a_key_length_is_the_parents() -> None:
    spec = deed(A, B, key_length=1024)
    world = settled(A, B)
    steps = steps_of(next_plan(world, spec, covering(spec)))
    assert [(step.action, step.region) for step in steps] == [("SetKeyLength", A)]


def test_parents_are_where_ses_replicates_from() -> None:
    origins = get_session().get_service_model("sesv2").shape_for("DkimSigningAttributesOrigin").enum  # type: ignore[attr-defined]
    regions = [
        name.removeprefix("AWS_SES_").lower().replace("_", "-") for name in origins if name.startswith("AWS_SES_")
    ]
    assert sorted(regions) == list(PARENT_REGIONS)


@pytest.mark.parametrize("error", [*REPLICATION_ERRORS, ""])
def test_a_replica_that_ses_cannot_verify_says_why_and_how_to_begin_anew(error: str) -> None:
    spec, world = deed(A, B), settled(A, B)
    facts = replace(
        world.identities[B], verification_status=FAILED, verification_info=VerificationInfo(error_type=error or None)
    )
    observed = replace(world.observed(spec, covering(spec)), regions={B: Present(facts)})
    plan = plan_identity(spec, observed, covering(spec), NOW)
    assert plan.regions[B].steps == (), "SES has no restart for a replica"
    problem = explain(RegionCase(spec, B, observed, plan.regions[B]))
    assert problem is not None
    assert (problem.reason, problem.reason.stalls) == (Reason.REPLICATION_FAILED, False)
    assert "{" not in problem.message
    assert str(problem).startswith(f"{B}: SES ")
    assert f"remove {B} from spec.regions" in problem.message


def test_every_replication_error_of_ses_has_words() -> None:
    shape = get_session().get_service_model("sesv2").shape_for("VerificationError")
    known = shape.metadata["enum"]
    assert {error for error in known if error.startswith("REPLICATION_")} == REPLICATION_ERRORS.keys()


SPEC = {"domain": DOMAIN, "regions": [A, B], "dkim": {"mode": "Deterministic", "deterministic": {"parentRegion": B}}}


def test_the_spec_says_which_region_has_the_key() -> None:
    spec = SesIdentitySpec.model_validate(SPEC)
    desired = desired_identity(Installation(OWNER.installation_id), OWNER.key, spec, SesAccountSpec(), None)
    assert {region: desired.dkim_in(region) for region in (A, B)} == {A: ReplicaDkim(B), B: EasyDkim(2048)}

"""A setting that somebody else keeps changing back: counted, named, put right ever more slowly, and over when it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.conditions import Condition, ConditionStatus, ConditionType
from ses_operator.api.identity_status import SesIdentityStatus
from ses_operator.api.meta import OWNER_TAG
from ses_operator.api.reasons import Reason
from ses_operator.core.contention import (
    FIGHT,
    LONGEST_PAUSE,
    MAX_REPAIRS,
    QUIET,
    SHORTEST_PAUSE,
    after_publication,
    after_steps,
    known_repairs,
    pause,
    paused,
    stood,
    told,
)
from ses_operator.core.footprint import Footprint
from ses_operator.core.observed import Observed, Present, Repair
from ses_operator.core.plan import Plan, plan_identity, wanted_records
from ses_operator.core.problems import Problem
from ses_operator.core.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.rehearsal import rehearse
from ses_operator.core.ses import IdentityFacts, VerificationStatus
from ses_operator.core.steps import RestartVerification, SesStep, SetMailFrom
from ses_operator.core.transitions import new_contests
from unit.strategies import DOMAIN, OWNER, wanted
from unit.world import NOW, fresh_dkim

REGION, OTHER = "eu-west-1", "us-east-1"
SIGNING_ON = f"switch DKIM signing on in {REGION}"


def identity(*, signing: bool = True) -> IdentityFacts:
    dkim = replace(fresh_dkim(REGION, 2048), status=VerificationStatus.SUCCESS, signing_enabled=signing)
    return IdentityFacts(VerificationStatus.SUCCESS, dkim, tags={OWNER_TAG: str(OWNER)})


def drifted(repairs: tuple[Repair, ...] = ()) -> Observed:
    return Observed({REGION: Present(identity(signing=False))}, repairs=repairs)


def plan(observed: Observed, now: datetime) -> Plan:
    return plan_identity(wanted(), observed, Footprint(), now)


def fought(times: int) -> tuple[Repair, ...]:
    """The memory after so many repairs, a minute apart, the last one now."""
    repairs: tuple[Repair, ...] = ()
    for number in range(times):
        before, now = drifted(repairs), NOW - timedelta(minutes=times - 1 - number)
        steps = plan_identity(wanted(), drifted(), Footprint(), now).ses_steps
        repairs = after_steps(before, before, steps, now)
    return repairs


def test_the_first_times_drift_is_put_right_at_once() -> None:
    for times in range(FIGHT):
        assert [str(step) for step in plan(drifted(fought(times)), NOW).regions[REGION].steps] == [SIGNING_ON]


def test_from_the_third_time_on_it_stands_for_a_while_and_is_named_with_both_values() -> None:
    (repair,) = fought(FIGHT)
    assert (repair.setting, repair.found, repair.count, repair.region) == (SIGNING_ON, "off", 3, REGION)

    held = plan(drifted((repair,)), NOW)

    problem = held.regions[REGION].problem
    assert problem is not None
    assert held.ses_steps == {}
    assert (problem.reason, problem.retry_after) == (Reason.CONTESTED, SHORTEST_PAUSE.total_seconds())
    assert f'"{SIGNING_ON}" was done 3 times and found again as it was not to be: off' in problem.message
    assert plan(drifted((repair,)), NOW + SHORTEST_PAUSE).ses_steps


def test_what_is_not_contested_goes_on() -> None:
    observed = replace(drifted(fought(FIGHT)), regions={REGION: Present(replace(identity(signing=False), tags={}))})
    desired = wanted(tags={OWNER_TAG: str(OWNER), "team": "a"})
    observed = replace(
        observed, regions={REGION: Present(replace(identity(signing=False), tags={OWNER_TAG: str(OWNER)}))}
    )
    steps = plan_identity(desired, observed, Footprint(), NOW).regions[REGION].steps
    assert [str(step) for step in steps] == [f"set the tags team in {REGION}"]


@given(st.integers(0, 1000))
def test_the_pause_grows_and_has_an_end(count: int) -> None:
    assert SHORTEST_PAUSE <= pause(count) <= pause(count + 1) <= LONGEST_PAUSE


def test_it_is_over_when_nothing_had_to_be_put_right_for_a_while_or_the_configuration_is_another() -> None:
    status = SesIdentityStatus(applied_configuration="a", repairs=told(fought(FIGHT)))
    assert known_repairs(status, "a", NOW + QUIET - timedelta(seconds=1)) == fought(FIGHT)
    assert known_repairs(status, "a", NOW + QUIET) == ()
    assert known_repairs(status, "b", NOW) == ()


def test_only_what_stood_before_is_put_right_and_not_set_for_the_first_time() -> None:
    def status(holds: ConditionStatus, reason: str) -> SesIdentityStatus:
        condition = Condition(
            type=ConditionType.PROVISIONED, status=holds, reason=reason, message="", last_transition_time=NOW
        )
        return SesIdentityStatus(applied_configuration="a", conditions=(condition,))

    for holds, reason, expected in (
        (ConditionStatus.TRUE, Reason.SUCCEEDED, True),
        (ConditionStatus.FALSE, Reason.CONTESTED, True),
        (ConditionStatus.FALSE, Reason.PROGRESSING, False),
    ):
        assert stood(status(holds, reason), "a", ConditionType.PROVISIONED) is expected
        assert not stood(status(holds, reason), "b", ConditionType.PROVISIONED)


def test_what_failed_was_not_put_right_and_restarts_are_no_repairs() -> None:
    before = Observed({REGION: Present(identity(signing=False))})
    failed = replace(before, failures={REGION: Problem(Reason.THROTTLED, "later")})
    assert after_steps(before, failed, plan(before, NOW).ses_steps, NOW) == ()
    steps: dict[str, tuple[SesStep, ...]] = {REGION: (RestartVerification(REGION, DOMAIN),)}
    assert after_steps(before, before, steps, NOW) == ()
    new = {REGION: (SetMailFrom(REGION, DOMAIN, "a", "REJECT_MESSAGE"),)}
    assert [repair.found for repair in after_steps(before, before, new, NOW)] == ["none"]


def test_records_that_somebody_keeps_removing_wait_too_unless_something_else_is_to_be_done() -> None:
    observed = Observed({REGION: Present(identity())})
    first, *others = wanted_records(wanted(), observed)
    removed = PublishedRecord(first, RecordState.MISSING, "not there")
    dns = DnsObservation((removed, *(PublishedRecord(record, RecordState.PUBLISHED) for record in others))).marked()
    for _ in range(FIGHT):
        observed = replace(observed, dns=dns, repairs=after_publication(observed, dns, NOW))

    held = plan(observed, NOW)

    assert held.dns is None
    assert held.dns_problem is not None
    assert f'"publish {first}" was done 3 times' in held.dns_problem.message
    assert plan(observed, NOW + SHORTEST_PAUSE).dns is not None
    more = replace(dns, records=(removed, replace(removed, record=others[0]))).marked()
    assert plan(replace(observed, dns=more), NOW).dns is not None
    assert plan(replace(observed, dns=replace(dns, surplus=("CNAME old",))), NOW).dns is not None


def test_a_dry_run_knows_no_pauses() -> None:
    assert len(rehearse(wanted(), drifted(fought(FIGHT)), Footprint(), NOW).steps) == 1


def test_an_event_tells_of_it_once() -> None:
    second, third, fourth = (told(fought(times)) or () for times in (2, 3, 4))
    assert new_contests((), second) == ()
    assert [event.reason for event in new_contests(second, third)] == [Reason.CONTESTED]
    assert new_contests(third, fourth) == ()


def test_the_memory_has_an_end() -> None:
    observed = Observed({REGION: Present(identity(signing=False))})
    for number in range(MAX_REPAIRS + 10):
        steps = {REGION: (SetMailFrom(REGION, DOMAIN, f"n{number}", "REJECT_MESSAGE"),)}
        observed = replace(observed, repairs=after_steps(observed, observed, steps, NOW))
    assert len(observed.repairs) == MAX_REPAIRS
    assert paused("something else", observed.repairs, NOW) is None

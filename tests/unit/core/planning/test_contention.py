"""A setting that another client keeps changing back: counted, named, corrected less and less often, and over when it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.core.features.mail_from import MAIL_FROM, MailFromValue
from ses_operator.core.model.dkim_source import EasyDkim
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, SigningOrigin, VerificationStatus
from ses_operator.core.planning.contention import (
    CONTESTED_AFTER,
    LONGEST_PAUSE,
    MAX_REPAIRS,
    QUIET,
    SHORTEST_PAUSE,
    LastApplied,
    after_publication,
    after_steps,
    known_repairs,
    pause,
    paused,
    told,
)
from ses_operator.core.planning.plan import Plan, plan_identity, wanted_records
from ses_operator.core.state.attempt import Attempt, Repair
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present, Remembered, Unread
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import CreatePolicy, PutSetting, RestartVerification, SesStep, SetDkimSource
from ses_operator.core.state.waits import Wait
from ses_operator.core.status.explanation import RegionCase, explain
from ses_operator.core.status.report import ReportInput, verdicts
from ses_operator.core.status.requeue import requeue_after
from ses_operator.core.status.status import identity_status
from ses_operator.core.status.transitions import new_contests
from unit.strategies import DOMAIN, OWNER, own_key, wanted
from unit.world import NOW, fresh_dkim, without_marks

REGION, OTHER = "eu-west-1", "us-east-1"
SIGNING_ON = f"switch DKIM signing on in {REGION}"
EVERYWHERE = LastApplied(frozenset({REGION, OTHER}))


def identity(*, signing: bool = True) -> IdentityFacts:
    dkim = replace(fresh_dkim(REGION, 2048), status=VerificationStatus.SUCCESS, signing_enabled=signing)
    return IdentityFacts(VerificationStatus.SUCCESS, dkim, tags={OWNER_TAG: str(OWNER)})


DRIFTED = Observed({REGION: Present(identity(signing=False))})


def plan(observed: Observed, now: datetime, repairs: tuple[Repair, ...] = ()) -> Plan:
    return plan_identity(wanted(), observed, Inventory(), now, Attempt(repairs=repairs))


def fought(times: int) -> tuple[Repair, ...]:
    """The memory after so many repairs, a minute apart, the last one now."""
    repairs: tuple[Repair, ...] = ()
    for number in range(times):
        now = NOW - timedelta(minutes=times - 1 - number)
        steps = plan_identity(wanted(), DRIFTED, Inventory(), now).ses_steps
        repairs = after_steps(repairs, DRIFTED, steps, EVERYWHERE, now)
    return repairs


def test_the_first_times_drift_is_put_right_at_once() -> None:
    for times in range(CONTESTED_AFTER):
        assert [str(step) for step in plan(DRIFTED, NOW, fought(times)).regions[REGION].steps] == [SIGNING_ON]


def test_from_the_third_time_on_it_stands_for_a_while_and_is_named_with_both_values() -> None:
    (repair,) = fought(CONTESTED_AFTER)
    assert (repair.key, repair.found, repair.count, repair.region) == ("signing", "off", 3, REGION)

    held = plan(DRIFTED, NOW, (repair,))

    (problem,) = held.regions[REGION].pauses
    assert held.ses_steps == {}
    assert (problem.reason, problem.retry_after) == (Reason.CONTESTED, SHORTEST_PAUSE.total_seconds())
    assert (
        f"The operator had to {SIGNING_ON} (3 times), because another client changes it back each time (found: off)"
        in problem.message
    )
    assert plan(DRIFTED, NOW + SHORTEST_PAUSE, (repair,)).ses_steps


def test_what_is_not_contested_goes_on() -> None:
    desired, attempt = wanted(tags={OWNER_TAG: str(OWNER), "team": "a"}), Attempt(repairs=fought(CONTESTED_AFTER))
    steps = plan_identity(desired, DRIFTED, Inventory(), NOW, attempt).regions[REGION].steps
    assert [str(step) for step in without_marks(steps)] == [f"set the tags team in {REGION}"]


@given(st.integers(0, 1000))
def test_the_pause_grows_and_has_an_end(count: int) -> None:
    assert SHORTEST_PAUSE <= pause(count) <= pause(count + 1) <= LONGEST_PAUSE


def test_it_is_over_when_nothing_had_to_be_put_right_for_a_while_or_the_configuration_is_another() -> None:
    status = SesIdentityStatus(applied_configuration="a", repairs=told(fought(CONTESTED_AFTER)))
    assert known_repairs(status, "a", NOW + QUIET - timedelta(seconds=1)) == fought(CONTESTED_AFTER)
    assert known_repairs(status, "a", NOW + QUIET) == ()
    assert known_repairs(status, "b", NOW) == ()


BOTH = wanted(regions=(REGION, OTHER))


def reported(desired: Desired, observed: Observed, before: SesIdentityStatus | None = None) -> SesIdentityStatus:
    """What status says of this, after what it said before."""
    planned = plan_identity(desired, observed, Inventory(), NOW)
    case = ReportInput.of(
        desired, observed, planned, account="default", account_id="1", partition="aws", suspended=None
    )
    given = {"metadata": {"name": "mail"}, "spec": {"domain": DOMAIN, "regions": [*desired.regions]}}
    identity = SesIdentity.model_validate(given)
    if before is not None:
        identity = identity.model_copy(update={"status": before})
    return identity_status(identity, case, None, NOW)


def test_a_region_is_fought_over_whatever_lasts_in_another() -> None:
    denied = Observed({REGION: Present(identity()), OTHER: Unread(Problem(Reason.ACCESS_DENIED, "no", region=OTHER))})
    status = reported(BOTH, denied)
    assert LastApplied.of(status, BOTH.digest()).regions == {REGION}

    drift = replace(denied, regions={**denied.regions, REGION: Present(identity(signing=False))})
    steps = plan_identity(BOTH, drift, Inventory(), NOW).ses_steps
    assert [repair.done for repair in after_steps((), drift, steps, LastApplied.of(status, BOTH.digest()), NOW)] == [
        SIGNING_ON
    ]


def test_only_what_stood_before_is_put_right_and_not_set_for_the_first_time() -> None:
    lasting = Observed({REGION: Present(identity(signing=False)), OTHER: Present(identity())})
    new = reported(BOTH, lasting)
    assert LastApplied.of(new, BOTH.digest()).regions == {OTHER}
    steps = plan_identity(BOTH, lasting, Inventory(), NOW).ses_steps
    assert after_steps((), lasting, steps, LastApplied.of(new, BOTH.digest()), NOW) == ()


def test_what_stood_once_has_stood_until_something_else_is_asked_for() -> None:
    stands = Observed({REGION: Present(identity()), OTHER: Present(identity())})
    silent = Observed({REGION: Present(identity()), OTHER: Unread(Problem(Reason.THROTTLED, "later"))})
    status = reported(BOTH, silent, reported(BOTH, stands))
    assert LastApplied.of(status, BOTH.digest()).regions == {REGION, OTHER}

    changed = replace(BOTH, tags={**BOTH.tags, "team": "a"})
    assert LastApplied.of(status, changed.digest()) == LastApplied()
    assert LastApplied.of(reported(changed, stands, status), changed.digest()) == LastApplied()


def test_a_record_is_fought_over_whatever_is_in_the_way_of_another() -> None:
    observed = Observed({REGION: Present(identity())})
    first, second, *_ = wanted_records(wanted(), observed)
    dns = DnsObservation(
        (PublishedRecord(first, RecordState.PUBLISHED), PublishedRecord(second, RecordState.CONFLICT, "another's"))
    )
    status = reported(wanted(), replace(observed, dns=dns))
    last_applied = LastApplied.of(status, wanted().digest())
    assert last_applied.records == {str(first)}

    removed = DnsObservation(tuple(PublishedRecord(each, RecordState.MISSING) for each in (first, second))).marked()
    (repair,) = after_publication((), removed, last_applied, NOW)
    assert (repair.key, repair.done) == (str(first), f"publish {first}")
    again = after_publication((repair,), removed, LastApplied(), NOW)
    assert [each.count for each in again] == [2], "what was put right need not have been seen since"


S1 = own_key("s1", "a")


def test_a_key_that_is_switched_away_from_again_and_again_is_fought_over() -> None:
    easy = Observed({REGION: Present(identity())})
    to_own: dict[str, tuple[SesStep, ...]] = {REGION: (SetDkimSource(REGION, DOMAIN, S1),)}
    (repair,) = after_steps((), easy, to_own, EVERYWHERE, NOW)
    assert (repair.done, repair.found) == (f"sign with the DKIM key of the selector s1 in {REGION}", "Easy DKIM")

    external = replace(identity().dkim, origin=SigningOrigin.EXTERNAL, tokens=("s1",))
    own = Observed({REGION: Present(replace(identity(), dkim=external))})
    to_easy: dict[str, tuple[SesStep, ...]] = {REGION: (SetDkimSource(REGION, DOMAIN, EasyDkim(2048)),)}
    assert [each.found for each in after_steps((), own, to_easy, EVERYWHERE, NOW)] == ["the selector s1"]
    assert after_steps((), own, to_own, EVERYWHERE, NOW) == (), "a rotation under the same selector is nobody's fight"


def test_during_a_pause_all_else_is_said_of_the_region_too() -> None:
    pending = Present(replace(identity(signing=False), verification_status=VerificationStatus.FAILED))
    observed = Observed({REGION: pending})
    held = plan(observed, NOW, fought(CONTESTED_AFTER)).regions[REGION]
    assert (held.steps, held.problem, len(held.pauses)) == ((), None, 1)

    said = explain(RegionCase(wanted(), REGION, observed, held))

    assert said is not None
    assert said.reason is Reason.CONTESTED
    assert str(said).startswith(f"The operator had to {SIGNING_ON} (3 times)")
    assert f"Also: SES did not find the DKIM records of {DOMAIN} within 72 hours" in said.message


def test_a_problem_that_stalls_is_said_before_the_fight_and_neither_hides_the_other() -> None:
    lasting = Problem(Reason.INVALID_SPEC, "it is too long", region=REGION)
    held = replace(plan(DRIFTED, NOW, fought(CONTESTED_AFTER)).regions[REGION], problems={"mail-from": lasting})

    said = explain(RegionCase(wanted(), REGION, DRIFTED, held))
    assert said is not None
    assert said.reason is lasting.reason
    assert str(said).startswith(f"{REGION}: it is too long. Also: The operator had to {SIGNING_ON} (3 times)")

    refused_for_long = {"mail-from": Wait(NOW - timedelta(days=1), lasting.reason)}
    observed = replace(DRIFTED, remembered={REGION: Remembered(waits=refused_for_long)})
    case = ReportInput.of(
        wanted(), observed, Plan({REGION: held}), account="default", account_id="1", partition="aws", suspended=None
    )
    assert verdicts(case)[ConditionType.PROVISIONED].message == str(said)
    assert requeue_after(case, NOW) == SHORTEST_PAUSE.total_seconds()


def test_what_was_not_done_was_not_put_right_and_restarts_are_no_repairs() -> None:
    before = DRIFTED
    assert after_steps((), before, {REGION: ()}, EVERYWHERE, NOW) == ()
    steps: dict[str, tuple[SesStep, ...]] = {REGION: (RestartVerification(REGION, DOMAIN),)}
    assert after_steps((), before, steps, EVERYWHERE, NOW) == ()
    new = {REGION: (PutSetting(REGION, DOMAIN, MAIL_FROM, MailFromValue("a", "REJECT_MESSAGE")),)}
    assert [repair.found for repair in after_steps((), before, new, EVERYWHERE, NOW)] == ["none"]


def test_records_that_somebody_keeps_removing_wait_too_unless_something_else_is_to_be_done() -> None:
    observed = Observed({REGION: Present(identity())})
    first, *others = wanted_records(wanted(), observed)
    removed = PublishedRecord(first, RecordState.MISSING, "not there")
    dns = DnsObservation((removed, *(PublishedRecord(record, RecordState.PUBLISHED) for record in others))).marked()
    repairs: tuple[Repair, ...] = ()
    for _ in range(CONTESTED_AFTER):
        repairs = after_publication(repairs, dns, LastApplied(records=frozenset({str(first)})), NOW)
    observed = replace(observed, dns=dns)

    held = plan(observed, NOW, repairs)

    assert held.dns is None
    assert held.dns_problem is not None
    assert f"The operator had to publish {first} (3 times)" in held.dns_problem.message
    assert plan(observed, NOW + SHORTEST_PAUSE, repairs).dns is not None
    more = replace(dns, records=(removed, replace(removed, record=others[0]))).marked()
    assert plan(replace(observed, dns=more), NOW, repairs).dns is not None
    assert plan(replace(observed, dns=replace(dns, surplus=("CNAME old",))), NOW, repairs).dns is not None


def test_an_event_tells_of_it_once() -> None:
    second, third, fourth = (told(fought(times)) or () for times in (2, 3, 4))
    assert new_contests((), second) == ()
    assert [event.reason for event in new_contests(second, third)] == [Reason.CONTESTED]
    assert new_contests(third, fourth) == ()


def test_the_memory_has_an_end() -> None:
    repairs: tuple[Repair, ...] = ()
    for number in range(MAX_REPAIRS + 10):
        steps = {REGION: (CreatePolicy(REGION, DOMAIN, f"n{number}", "{}"),)}
        repairs = after_steps(repairs, DRIFTED, steps, EVERYWHERE, NOW)
    assert len(repairs) == MAX_REPAIRS
    assert paused("something else", REGION, repairs, NOW) is None

"""When an identity is looked at again: whatever is not done has a time, or the queue's backoff."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.migration import Disposition, FormerPlace
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.schedule import (
    CONFLICT_READ,
    LONGEST_LOOKUP,
    LOOKUP_PATIENCE,
    SHORTEST_RETRY,
    WATCH_READ,
)
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.plan import Plan, plan_identity, wanted_records
from ses_operator.core.state.observed import Observed, Present
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import PublishRecords, Surplus
from ses_operator.core.state.waits import DNS_WAIT, Wait
from ses_operator.core.status.report import ReportInput
from ses_operator.core.status.requeue import needs_backoff, requeue_after
from unit.strategies import OWNER, wanted
from unit.world import NOW, covering, fresh_dkim

REGION = "eu-west-1"
VERIFIED = IdentityFacts(
    VerificationStatus.SUCCESS,
    replace(fresh_dkim(REGION, 2048), status=VerificationStatus.SUCCESS),
    tags={OWNER_TAG: str(OWNER)},
)
IN_SYNC = DnsObservation(in_sync=True)


def verified(**changes: object) -> Observed:
    return replace(Observed({REGION: Present(VERIFIED)}, dns=IN_SYNC), **changes)  # type: ignore[arg-type]


def case(observed: Observed, plan: Plan | None = None, *, suspended: bool = False) -> ReportInput:
    desired = wanted()
    plan = plan or plan_identity(desired, observed, covering(desired), NOW)
    reason = Problem(Reason.SUSPENDED, "held back") if suspended else None
    return ReportInput.of(desired, observed, plan, account="default", account_id="1", partition="aws", suspended=reason)


def test_what_is_done_waits_for_an_event() -> None:
    done = case(verified())
    assert not needs_backoff(done)
    assert requeue_after(done, NOW) is None


def test_a_record_of_somebody_else_in_the_way_is_looked_at_again_before_the_sweep() -> None:
    (record, *_) = wanted_records(wanted(), verified())
    theirs = PublishedRecord(record, RecordState.CONFLICT, "taken")
    assert requeue_after(case(verified(dns=DnsObservation((theirs,), in_sync=True))), NOW) == CONFLICT_READ


@pytest.mark.parametrize("where", ["dns_failure", "dns"])
def test_a_publisher_that_says_when_is_asked_then(where: str) -> None:
    problem = Problem(Reason.PUBLISHING_RECORDS, "the DNSEndpoint is being deleted", 7.0)
    hindered = case(verified(**{where: problem if where == "dns_failure" else DnsObservation(problem=problem)}))
    assert not needs_backoff(hindered)
    assert requeue_after(hindered, NOW) == 7.0


@pytest.mark.parametrize("where", ["dns_failure", "dns"])
def test_a_publisher_that_does_not_say_when_is_asked_ever_less_often(where: str) -> None:
    problem = Problem(Reason.ACCESS_DENIED, "a right is missing")
    hindered = verified(**{where: problem if where == "dns_failure" else DnsObservation(problem=problem)})
    assert requeue_after(case(hindered), NOW) == SHORTEST_RETRY
    since = NOW - timedelta(seconds=100)
    assert requeue_after(case(replace(hindered, waits={DNS_WAIT: Wait(since, problem.reason)})), NOW) == 50.0


def test_steps_that_are_left_at_the_end_of_a_run_are_not_left_until_the_sweep() -> None:
    left = Plan(dns=PublishRecords((), Surplus.REMOVE))
    assert needs_backoff(case(verified(), left))
    assert not needs_backoff(case(verified(), left, suspended=True)), "it is not to be done now"


@pytest.mark.parametrize(
    ("fate", "seconds", "after"),
    [
        pytest.param(Disposition.WATCH, 60, WATCH_READ, id="ExternalDNS is about to take away what we need"),
        pytest.param(Disposition.WATCH, 2000, LONGEST_LOOKUP, id="it has not for long"),
        pytest.param(Disposition.KEEP, 400, 100.0, id="name servers are asked ever less often"),
        pytest.param(Disposition.KEEP, LOOKUP_PATIENCE + 1, None, id="somebody has to do something: the sweep looks"),
    ],
)
def test_a_place_where_records_went_before_is_looked_at_again(
    fate: Disposition, seconds: float, after: float | None
) -> None:
    place = FormerPlace("DNSEndpoint", "Why", "why", NOW - timedelta(seconds=seconds), fate)
    assert requeue_after(replace(case(verified()), former=(place,)), NOW) == after

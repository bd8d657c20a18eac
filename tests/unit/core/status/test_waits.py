"""Every wait has its own since when: how soon it is looked at again follows from that, whatever else is old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.dmarc import DmarcPolicy
from ses_operator.api.identity.status import RegionStatus, SesIdentityStatus
from ses_operator.core.features.mail_from import MAIL_FROM
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.record_values.dmarc import Dmarc
from ses_operator.core.model.records import dmarc_record
from ses_operator.core.model.schedule import (
    lookup_interval,
    mail_from_interval,
    read_interval,
    retry_interval,
)
from ses_operator.core.model.ses import IdentityFacts, MailFromFacts, VerificationStatus
from ses_operator.core.planning.expected import expected_memory
from ses_operator.core.planning.plan import Plan
from ses_operator.core.planning.region_plan import WHOLE_REGION, RegionPlan
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior
from ses_operator.core.state.observed import Observed, Present, Remembered
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.state.steps import PutSetting, RestartVerification, SetDkimSource, policy_key
from ses_operator.core.state.waits import DNS_WAIT, MAIL_FROM_WAIT, VERIFICATION, Wait
from ses_operator.core.status.report import ReportInput
from ses_operator.core.status.requeue import HELD_BY_OTHERS, ReadingLife, needs_backoff, requeue_after
from ses_operator.core.status.waits import known_waits, waits_in_status, waits_of
from unit.strategies import DOMAIN, OWNER, wanted
from unit.world import NOW, fresh_dkim

REGION = "eu-west-1"
OLD = NOW - timedelta(days=30)
VERIFIED = IdentityFacts(
    VerificationStatus.SUCCESS,
    replace(fresh_dkim(REGION, 2048), status=VerificationStatus.SUCCESS),
    tags={OWNER_TAG: str(OWNER)},
)
DENIED = Problem(Reason.ACCESS_DENIED, "a right is missing")
DMARC = dmarc_record(DOMAIN, Dmarc(DmarcPolicy.REJECT), (REGION,), 300)
NAME = f"bounce.{DOMAIN}"
IN_SYNC = DnsObservation(in_sync=True)


def published(record: object = DMARC, state: RecordState = RecordState.PENDING) -> DnsObservation:
    return DnsObservation((PublishedRecord(record, state),), in_sync=True)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Kind:
    """One thing that may be waited for: where, by which key and reason, the world in which it is, how soon it is looked at."""

    key: str
    reason: str
    interval: Callable[[float], float]
    region: str | None = REGION
    facts: IdentityFacts = VERIFIED
    problem: Problem | None = None
    dns: DnsObservation = IN_SYNC
    failure: Problem | None = None


def mail_from(status: VerificationStatus, domain: str = NAME) -> IdentityFacts:
    return replace(VERIFIED, mail_from=MailFromFacts(domain, status, "USE_DEFAULT_VALUE"))


PENDING = VerificationStatus.PENDING
KINDS = {
    "verification": Kind(VERIFICATION, "", read_interval, facts=replace(VERIFIED, verification_status=PENDING)),
    "another DKIM key": Kind(
        VERIFICATION, "", mail_from_interval, facts=replace(VERIFIED, dkim=replace(VERIFIED.dkim, status=PENDING))
    ),
    "MAIL FROM": Kind(MAIL_FROM_WAIT, Reason.WAITING_FOR_MAIL_FROM, mail_from_interval, facts=mail_from(PENDING)),
    "a sender that is refused": Kind(policy_key("partner"), DENIED.reason, retry_interval, problem=DENIED),
    "a setting that is refused": Kind(MAIL_FROM.key, DENIED.reason, retry_interval, problem=DENIED),
    "a key whose record is not seen": Kind(
        SetDkimSource.KEY, Reason.WAITING_FOR_DNS, lookup_interval, problem=Problem(Reason.WAITING_FOR_DNS, "not yet")
    ),
    "a region that does not answer": Kind(
        WHOLE_REGION, Reason.THROTTLED, retry_interval, problem=Problem(Reason.THROTTLED, "")
    ),
    **{
        f"held: {reason}": Kind(WHOLE_REGION, reason, read_interval, problem=Problem(reason, "theirs"))
        for reason in sorted(HELD_BY_OTHERS)
    },
    "a record for receivers": Kind(str(DMARC), "", lookup_interval, region=None, dns=published()),
    "a publisher that fails": Kind(DNS_WAIT, DENIED.reason, retry_interval, region=None, failure=DENIED),
}


def case_of(kind: Kind, age: float) -> ReportInput:
    """A world in which this is waited for since ``age`` seconds, and anything else is old."""
    old = {each.key: Wait(OLD, each.reason) for each in KINDS.values()}
    own = {kind.key: Wait(NOW - timedelta(seconds=age), kind.reason)}
    memory = Remembered(pending_since=OLD, verified_at=OLD, restarted_at=OLD, waits=old | own)
    observed = Observed({REGION: Present(kind.facts)}, {REGION: memory}, kind.dns, kind.failure, waits=old | own)
    plan = Plan({REGION: RegionPlan(problems={kind.key: kind.problem} if kind.problem else {})})
    desired = desired_now()
    return ReportInput.of(desired, observed, plan, account="default", account_id="1", partition="aws", suspended=None)


def desired_now() -> Desired:
    named = MailFrom(NAME, MailFromBehavior.USE_DEFAULT_VALUE, REGION)
    return replace(wanted(), regions=(REGION,), provider=DnsProvider.DNS_ENDPOINT, mail_from={REGION: named})


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(age=st.floats(0, 1e7))
def test_it_is_looked_at_by_its_own_age_whatever_else_is_old(kind: Kind, age: float) -> None:
    case = case_of(kind, age)
    after = requeue_after(case, NOW)
    assert after is not None
    assert after <= kind.interval(age) + 1
    assert not needs_backoff(case), "a backoff of the object would be that of its oldest failure"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_status_remembers_it_and_one_with_another_reason_begins_again(kind: Kind) -> None:
    case = case_of(kind, 600)
    status = SesIdentityStatus(regions=(RegionStatus(region=REGION),), waits=waits_in_status(case, NOW))
    assert known_waits(status, kind.region)[kind.key] == Wait(NOW - timedelta(seconds=600), kind.reason)

    other = {kind.key: Wait(OLD, "Another")}
    memory = {REGION: replace(case.observed.remembered[REGION], waits=other)}
    changed = replace(case, observed=replace(case.observed, remembered=memory, waits=other))
    assert waits_of(changed, NOW)[kind.region][kind.key].since == NOW


def test_what_is_done_is_waited_for_no_more() -> None:
    assert (
        waits_in_status(case_of(Kind("none", "", read_interval, dns=published(DMARC, RecordState.PUBLISHED)), 0), NOW)
        is None
    )


@given(told=st.floats(1, 1e6), old=st.floats(0, 1e8))
def test_what_ses_says_of_a_mail_from_domain_is_seen_in_time(told: float, old: float) -> None:
    """A domain that was set long after the identity was verified; SES says SUCCESS after ``told`` seconds."""
    long_ago = NOW - timedelta(seconds=old)
    step = PutSetting(REGION, DOMAIN, MAIL_FROM, None)
    before = Remembered(verified_at=long_ago, waits={MAIL_FROM_WAIT: Wait(long_ago, Reason.WAITING_FOR_MAIL_FROM)})
    waits = expected_memory(step, before, NOW).waits
    assert waits == {}, "what is waited for after the step has not been waited for before it"

    waits, read_at, view = {MAIL_FROM_WAIT: Wait(NOW)}, 0.0, Present(mail_from(PENDING))
    while read_at < told:
        read_at += ReadingLife(waits, NOW + timedelta(seconds=read_at)).left(view, 0.0)

    assert read_at - told <= (20 if told <= 40 else told / 2)


@given(st.floats(0, 1e6), st.floats(0, 1))
def test_when_a_reading_is_due_does_not_move_with_time(since: float, part: float) -> None:
    waits = {MAIL_FROM_WAIT: Wait(NOW - timedelta(seconds=since))}
    view = Present(mail_from(PENDING))
    due = ReadingLife(waits, NOW).left(view, 0.0)
    later = ReadingLife(waits, NOW + timedelta(seconds=due * part)).left(view, due * part)
    assert later == pytest.approx(due * (1 - part), abs=0.01)


@pytest.mark.parametrize("step", [RestartVerification(REGION, DOMAIN)])
def test_a_verification_that_is_started_again_is_waited_for_from_then_on(step: RestartVerification) -> None:
    before = Remembered(pending_since=OLD, waits={VERIFICATION: Wait(OLD)})
    assert VERIFICATION not in expected_memory(step, before, NOW).waits


def test_a_status_of_before_has_the_time_of_its_verification() -> None:
    status = SesIdentityStatus(regions=(RegionStatus(region=REGION, pending_since=OLD),))
    assert known_waits(status, REGION) == {VERIFICATION: Wait(OLD)}

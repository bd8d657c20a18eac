"""Which identities are told of by email, when, and in how many emails."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.account.notifications import Moment, Notifications
from ses_operator.api.base.conditions import Condition, ConditionStatus, ConditionType
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RegionDkimStatus, RegionStatus, SesIdentityStatus
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.rate_window import RateWindow
from ses_operator.core.notifications.selection import (
    NOTHING,
    DueEmail,
    Holding,
    Outlook,
    Survey,
    Waiting,
    due,
    in_turn,
    next_email,
    notified_after,
    notified_by,
    outlook,
    survey,
)

NOW = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALL = tuple(Moment)


def wanted(**members: Any) -> Notifications:
    return Notifications.model_validate(
        {"from": "ses@example.com", "to": ["team@example.com"], "region": "eu-west-1", **members}
    )


def status(
    reason: Reason = Reason.SUCCEEDED, *said: str, notified: str | None = None, since: datetime = NOW
) -> SesIdentityStatus:
    """Ready for SUCCEEDED, else not for this reason; ``said``: what SES says of each region."""
    said = said or (("SUCCESS",) if reason is Reason.SUCCEEDED else ("PENDING",))
    ready = Condition(
        type=ConditionType.READY,
        status=ConditionStatus.of(reason is Reason.SUCCEEDED),
        reason=reason,
        last_transition_time=since,
    )
    return SesIdentityStatus(
        conditions=(ready,),
        regions=tuple(RegionStatus(region=f"r{n}", verification_status=each) for n, each in enumerate(said)),
        verified_regions=f"{said.count('SUCCESS')}/{len(said)}",
        notified=notified,
    )


def identity(of: SesIdentityStatus) -> SesIdentity:
    manifest = {
        "metadata": {"name": "mail", "namespace": "team-a"},
        "spec": {"domain": "example.com", "regions": ["eu-west-1"]},
    }
    return SesIdentity.model_validate(manifest).model_copy(update={"status": of})


@pytest.mark.parametrize(
    ("of", "seen"),
    [
        (status(), []),
        (status(notified=NOTHING), [Moment.VERIFIED]),
        (status(notified="Stuck"), [Moment.VERIFIED]),
        (status(Reason.DNS_RECORD_MISSING), [None]),
        (status(Reason.DNS_RECORD_MISSING, "FAILED", "TEMPORARY_FAILURE"), [Moment.FAILED]),
        (status(Reason.VERIFICATION_REVOKED, "SUCCESS", "TEMPORARY_FAILURE"), [Moment.REVOKED]),
        (status(Reason.SUSPENDED), []),
        (status(Reason.SUSPENDED, "FAILED"), [Moment.FAILED]),
        (status(Reason.HANDED_OVER), []),
        (SesIdentityStatus(), []),
    ],
    ids=[
        "one that rests",
        "one that became verified",
        "one that was stuck and is ready again",
        "one that is not ready",
        "the worst region counts, whatever hinders another",
        "one that lost its verification",
        "one that is suspended on purpose",
        "what SES says while it is suspended",
        "one that belongs to somebody else now",
        "one that was never looked at",
    ],
)
def test_there_is_something_to_tell_of(of: SesIdentityStatus, seen: list[Moment | None]) -> None:
    assert [found.seen for found in outlook(identity(of))] == seen


def test_a_dkim_key_that_ses_gave_up_on_failed_though_the_identity_is_verified() -> None:
    lost = RegionStatus(region="r", verification_status="SUCCESS", dkim=RegionDkimStatus(status="FAILED"))
    of = status(Reason.VERIFICATION_FAILED).model_copy(update={"regions": (lost,)})
    assert [found.seen for found in outlook(identity(of))] == [Moment.FAILED]


def test_an_address_whose_links_have_run_out_failed() -> None:
    lost = RegionStatus(region="r", verification_status="PENDING", reason=Reason.VERIFICATION_EMAIL_EXPIRED)
    of = status(Reason.VERIFICATION_EMAIL_EXPIRED).model_copy(update={"regions": (lost,)})
    assert [found.seen for found in outlook(identity(of))] == [Moment.FAILED]


READY, PENDING = status(), status(Reason.WAITING_FOR_DNS)
FAILED = status(Reason.VERIFICATION_FAILED, "FAILED")


@pytest.mark.parametrize(
    ("before", "after", "moments", "notified"),
    [
        (SesIdentityStatus(), PENDING, ALL, NOTHING),
        (PENDING, PENDING, (), None),
        (READY, status(Reason.ACCESS_DENIED, "SUCCESS"), ALL, None),
        (status(Reason.WAITING_FOR_DNS, notified="Stuck"), PENDING, ALL, "Stuck"),
        (status(Reason.WAITING_FOR_DNS, notified="Stuck"), FAILED, ALL, NOTHING),
        (status(Reason.VERIFICATION_FAILED, "FAILED", notified="Failed"), FAILED, ALL, "Failed"),
        (status(Reason.WAITING_FOR_DNS, notified="Failed"), FAILED, ALL, NOTHING),
        (status(Reason.WAITING_FOR_DNS, notified=NOTHING), READY, ALL, NOTHING),
        (status(Reason.WAITING_FOR_DNS, notified=NOTHING), READY, (Moment.STUCK,), None),
        (READY, READY, ALL, None),
    ],
    ids=[
        "a new one that is not verified",
        "an account that tells nothing",
        "one that is verified and not ready for a moment",
        "what was told stays told",
        "a loss is news",
        "the same loss is not",
        "a loss that comes again is news",
        "that it is verified is still to be told",
        "where nobody wants to know, it is forgotten",
        "one that rests has nothing written",
    ],
)
def test_what_is_to_be_told_is_written_with_what_it_is_about(
    before: SesIdentityStatus, after: SesIdentityStatus, moments: tuple[Moment, ...], notified: str | None
) -> None:
    assert notified_after(before, after, moments).notified == notified


def seen(what: Moment | None, notified: str | None = NOTHING, age: timedelta = HOUR) -> Outlook:
    return Outlook("default", what, NOW - age, notified)


@pytest.mark.parametrize(
    ("found", "moments", "expected"),
    [
        (seen(None), ALL, Moment.STUCK),
        (seen(None, None), ALL, Moment.STUCK),
        (seen(None, age=HOUR - timedelta(seconds=1)), ALL, None),
        (seen(None, "Stuck"), ALL, None),
        (seen(None, "Failed"), ALL, None),
        (seen(None), (Moment.FAILED,), None),
        (seen(Moment.FAILED, age=timedelta(0)), ALL, Moment.FAILED),
        (seen(Moment.FAILED, "Stuck"), ALL, Moment.FAILED),
        (seen(Moment.FAILED, "Failed"), ALL, None),
        (seen(Moment.FAILED), (Moment.STUCK,), Moment.STUCK),
        (seen(Moment.FAILED, "Revoked"), ALL, Moment.FAILED),
        (seen(Moment.VERIFIED, "Stuck", timedelta(0)), ALL, Moment.VERIFIED),
        (seen(Moment.VERIFIED, "Stuck"), (Moment.STUCK,), None),
    ],
    ids=[
        "stuck after an hour",
        "stuck since before the account told anything",
        "not yet stuck",
        "told already",
        "worse was told already",
        "nobody wants to know",
        "failed, at once",
        "failed after it was stuck",
        "failed and told",
        "failed, where only what is stuck is told",
        "failed after it was revoked",
        "verified again",
        "verified, and nobody wants to know",
    ],
)
def test_it_is_due(found: Outlook, moments: tuple[Moment, ...], expected: Moment | None) -> None:
    assert due(found, wanted(moments=moments), NOW) is expected


def test_the_next_look_is_when_the_next_one_is_stuck() -> None:
    young = [(seen(None, age=timedelta(minutes=minutes)), [ObjectKey("a", f"m{minutes}")]) for minutes in (10, 50)]
    told = [(seen(None, "Stuck"), [ObjectKey("a", "told")])]
    assert survey([*young, *told], wanted(), NOW) == Survey((), 600.0)
    assert survey(told, wanted(), NOW) == Survey((), None)


def waiting(namespace: str, name: str, minutes: int = 0) -> Waiting:
    return Waiting(NOW - timedelta(minutes=minutes), ObjectKey(namespace, name), Moment.STUCK)


def test_nobodys_hundred_keep_anothers_one_waiting() -> None:
    many = [waiting("a", f"m{number:03}", minutes=200 - number) for number in range(100)]
    turn = in_turn([*many, waiting("b", "only")])
    assert [each.key.name for each in turn[:3]] == ["m000", "only", "m001"]


def tally(count: int, minutes: int = 0) -> RateWindow:
    return RateWindow().with_more(count, NOW - timedelta(minutes=minutes)) if count else RateWindow()


@pytest.mark.parametrize(
    ("count", "sent", "gathered", "expected"),
    [
        (0, tally(0), 0, Holding(17.0)),
        (3, tally(0), 0, 1),
        (3, tally(2), 0, 1),
        (3, tally(3), 0, Holding(300.0, gathers=True)),
        (3, tally(3), 100, Holding(200.0, gathers=True)),
        (3, tally(3), 300, 3),
        (3, tally(4, minutes=30), 0, Holding(31 * 60 - 30.0)),
        (3, tally(4, minutes=61), 0, 1),
    ],
    ids=[
        "nothing to tell",
        "the first of many alone",
        "one more alone",
        "the last of the hour is gathered",
        "and gathered further",
        "and tells of all",
        "nothing until there is room",
        "room again",
    ],
)
def test_the_last_email_of_the_hour_is_for_all(
    count: int, sent: RateWindow, gathered: int, expected: int | Holding
) -> None:
    found = Survey(tuple(waiting("a", f"m{number}") for number in range(count)), 17.0)
    plan = next_email(found, sent, wanted(maxPerHour=4), NOW, timedelta(seconds=gathered))
    assert plan == (expected if isinstance(expected, Holding) else DueEmail(found.waiting[:expected]))


def sent_over_time(arrivals: list[int], limit: int) -> Iterator[tuple[datetime, DueEmail]]:
    """What is sent while identities become stuck: ``arrivals`` each minute, looked at after as long as the plan says."""
    asked, now, count = wanted(maxPerHour=limit, digestAfter="60s"), NOW, RateWindow()
    left: list[Waiting] = []
    gathering: datetime | None = None
    for minute, new in enumerate(arrivals):
        left += [waiting(f"ns{number % 3}", f"m{minute}-{number}") for number in range(new)]
        while True:
            gathered = now - gathering if gathering else timedelta(0)
            plan = next_email(Survey(in_turn(left), None), count, asked, now, gathered)
            if isinstance(plan, Holding):
                gathering = (gathering or now) if plan.gathers else None
                break
            count, gathering = RateWindow.decode(count.with_more(1, now).encode()), None
            yield now, plan
            left = [each for each in left if each not in plan.about]
        now += timedelta(minutes=1)


@given(st.lists(st.integers(0, 12), max_size=150), st.integers(1, 6))
def test_no_hour_has_more_emails_than_it_may_and_nobody_is_told_of_twice(arrivals: list[int], limit: int) -> None:
    emails = list(sent_over_time(arrivals, limit))
    moments = [at for at, _ in emails]
    assert all(sum(start <= each < start + HOUR for each in moments) <= limit for start in moments)
    told = [each.key for _, email in emails for each in email.about]
    assert len(told) == len(set(told))


def test_all_are_told_of_in_the_end() -> None:
    told = [each.key for _, email in sent_over_time([40] + [0] * 5, 5) for each in email.about]
    assert len(told) == 40


REVOKED = status(Reason.VERIFICATION_REVOKED, "TEMPORARY_FAILURE")
TOLD_ON_ENTRY = {id(READY): Moment.VERIFIED, id(FAILED): Moment.FAILED, id(REVOKED): Moment.REVOKED}


@given(st.lists(st.sampled_from([READY, PENDING, FAILED, REVOKED])))
def test_each_change_of_a_life_is_told_once(life: list[SesIdentityStatus]) -> None:
    before, told = SesIdentityStatus(), []
    for step in life:
        after = notified_after(before, step, ALL)
        assert notified_after(after, step, ALL) == after, "what is written once is not written again"
        for found in outlook(identity(after)):
            if (moment := due(found, wanted(), NOW)) is not None:
                told.append(moment)
                after = after.model_copy(update={"notified": notified_by(moment)})
        assert all(due(found, wanted(), NOW) is None for found in outlook(identity(after)))
        before = after
    entries = [step for last, step in itertools.pairwise([READY, *life]) if step is not last]
    assert told == [TOLD_ON_ENTRY[id(step)] for step in entries if id(step) in TOLD_ON_ENTRY]

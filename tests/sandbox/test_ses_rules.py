"""The pure parts of the sandbox's SES: state machines, key lengths, tokens, schedules, comparisons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_sandbox.ses.protocol.pages import page_of
from ses_sandbox.ses.state.keylength import KeyLength, KeyLengthRefused, SigningKey
from ses_sandbox.ses.state.models import EASY, EXTERNAL, BringYourOwnKey, Dkim, Identity, IdentityType
from ses_sandbox.ses.state.tokens import dkim_tokens
from ses_sandbox.ses.state.verification import (
    DETECTION_PERIOD,
    DomainProgress,
    Progress,
    Status,
    VerificationError,
    after_check,
    after_domain_check,
    after_link_expiry,
    not_started,
    started,
)
from ses_sandbox.ses.verifier.lookups import Answer, AnswerKind, dkim_questions, judge, mail_from_question
from ses_sandbox.ses.verifier.schedule import CheckSchedule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SMALL, LARGE = KeyLength.RSA_1024_BIT, KeyLength.RSA_2048_BIT

TRANSITIONS = [
    ("pending and found", Status.PENDING, True, 1, Status.SUCCESS),
    ("pending and missing", Status.PENDING, False, 71, Status.PENDING),
    ("pending and missing for 72 hours", Status.PENDING, False, 72, Status.FAILED),
    ("pending and found at the last moment", Status.PENDING, True, 72, Status.SUCCESS),
    ("verified and found", Status.SUCCESS, True, 999, Status.SUCCESS),
    ("verified and missing", Status.SUCCESS, False, 999, Status.TEMPORARY_FAILURE),
    ("wavering and found", Status.TEMPORARY_FAILURE, True, 71, Status.SUCCESS),
    ("wavering and missing", Status.TEMPORARY_FAILURE, False, 71, Status.TEMPORARY_FAILURE),
    ("wavering and missing for 72 hours", Status.TEMPORARY_FAILURE, False, 72, Status.FAILED),
    ("failed and found", Status.FAILED, True, 1, Status.FAILED),
    ("never started and found", Status.NOT_STARTED, True, 1, Status.NOT_STARTED),
]


@pytest.mark.parametrize(
    ("status", "found", "hours", "expected"), [case[1:] for case in TRANSITIONS], ids=[case[0] for case in TRANSITIONS]
)
def test_what_is_looked_up_moves_between_its_states(status: Status, found: bool, hours: int, expected: Status) -> None:
    """API reference, DkimAttributes.Status; Developer Guide: 72 hours."""
    assert after_check(Progress(status, NOW), found=found, now=NOW + hours * HOUR).status is expected


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100)), max_size=30))
def test_failed_is_final_and_comes_only_after_72_hours_without_records(checks: list[tuple[bool, int]]) -> None:
    """Developer Guide: 72 hours; notes: "Restart after FAILED is documented only as restart the set-up"."""
    progress, now = started(NOW), NOW
    for found, hours in checks:
        now += hours * HOUR
        before, progress = progress, after_check(progress, found=found, now=now)
        if before.status is Status.FAILED:
            assert progress == before
        elif progress.status is Status.FAILED:
            assert not found
            assert now - before.since >= DETECTION_PERIOD


def test_a_changed_key_does_not_touch_a_verified_domain_until_dkim_failed() -> None:
    """notes: "sets DKIM to PENDING while VerificationStatus stays SUCCESS"."""
    progress = DomainProgress(Progress(Status.SUCCESS, NOW), started(NOW))
    progress = after_domain_check(progress, dkim_found=False, txt_found=False, now=NOW + 71 * HOUR)
    assert (progress.verification.status, progress.dkim.status) == (Status.SUCCESS, Status.PENDING)
    progress = after_domain_check(progress, dkim_found=False, txt_found=False, now=NOW + 72 * HOUR)
    assert (progress.verification.status, progress.dkim.status) == (Status.TEMPORARY_FAILURE, Status.FAILED)


def test_a_domain_proven_by_its_txt_record_needs_no_dkim() -> None:
    """SESv1 API reference, VerifyDomainIdentity."""
    progress = DomainProgress(started(NOW), started(NOW))
    progress = after_domain_check(progress, dkim_found=False, txt_found=True, now=NOW + HOUR)
    assert (progress.verification.status, progress.dkim.status) == (Status.SUCCESS, Status.PENDING)


@pytest.mark.parametrize(
    ("status", "hours", "expected"),
    [(Status.PENDING, 23, Status.PENDING), (Status.PENDING, 24, Status.FAILED), (Status.SUCCESS, 99, Status.SUCCESS)],
)
def test_a_link_runs_out_after_24_hours(status: Status, hours: int, expected: Status) -> None:
    """Developer Guide: "The link in the verification email expires after 24 hours"."""
    assert after_link_expiry(Progress(status, NOW), NOW + hours * HOUR).status is expected


def test_the_first_change_down_to_1024_is_allowed_within_24_hours_of_another() -> None:
    """Developer Guide, key length: "once in a 24-hour period, except for the first downgrade to 1024 in this period"."""
    key = SigningKey.generate(SMALL, NOW).change(LARGE, NOW + HOUR)
    key = key.change(SMALL, NOW + 2 * HOUR)
    with pytest.raises(KeyLengthRefused, match="24-hour"):
        key.change(LARGE, NOW + 3 * HOUR)
    key = key.change(LARGE, NOW + 26 * HOUR)
    assert key.change(SMALL, NOW + 27 * HOUR).next is SMALL


def test_the_length_in_force_is_refused_and_the_next_comes_into_force_when_verified() -> None:
    """notes: "the length already in force is refused"."""
    key = SigningKey.generate(LARGE, NOW)
    with pytest.raises(KeyLengthRefused, match="already"):
        key.change(LARGE, NOW + 48 * HOUR)
    changed = key.change(SMALL, NOW)
    assert (changed.current, changed.in_force().current) == (LARGE, SMALL)


@given(st.lists(st.tuples(st.sampled_from(KeyLength), st.integers(0, 30)), max_size=20))
def test_a_change_up_never_comes_within_24_hours_of_another_change(changes: list[tuple[KeyLength, int]]) -> None:
    """Developer Guide, key length."""
    key, now = SigningKey.generate(LARGE, NOW), NOW
    for wanted, hours in changes:
        now += hours * HOUR
        last = key.changed_at
        try:
            key = key.change(wanted, now)
        except KeyLengthRefused:
            continue
        assert wanted is SMALL or last is None or now - last >= timedelta(hours=24)


@given(st.from_regex(r"[a-z]{1,10}\.com", fullmatch=True), st.sampled_from(["eu-west-1", "us-east-1"]))
def test_tokens_depend_on_account_region_and_domain_alone(domain: str, region: str) -> None:
    """notes: "Recreating an identity gives the same tokens"."""
    tokens = dkim_tokens("1", region, domain)
    assert tokens == dkim_tokens("1", region, domain.upper())
    assert len({*tokens, *dkim_tokens("2", region, domain), *dkim_tokens("1", "ap-south-1", domain)}) == 9
    assert all(len(token) == 32 and token.isalnum() and token == token.lower() for token in tokens)


def domain(dkim: Progress, since: datetime = NOW) -> Identity:
    """A domain with Easy DKIM in a state."""
    return Identity(
        name="example.com",
        type=IdentityType.DOMAIN,
        account="1",
        region="eu-west-1",
        created_at=since,
        verification=dkim,
        dkim=Dkim(EASY, dkim, signing_enabled=True, tokens=("t1", "t2", "t3"), hosted_zone="dkim.amazonses.com"),
    )


@pytest.mark.parametrize(
    ("waited", "expected"),
    [
        (timedelta(), timedelta(seconds=30)),
        (timedelta(seconds=40), timedelta(seconds=30)),
        (timedelta(minutes=10), timedelta(minutes=5)),
        (timedelta(hours=5), timedelta(minutes=30)),
        (timedelta(hours=71, minutes=50), timedelta(minutes=10)),
    ],
)
def test_looks_at_what_is_pending_slow_down_and_never_miss_the_deadline(waited: timedelta, expected: timedelta) -> None:
    """The sandbox's own: SES does not say how often it looks, only until when."""
    assert CheckSchedule().next_check(domain(started(NOW)), NOW + waited) == NOW + waited + expected


def test_what_is_verified_is_looked_at_rarely_and_what_failed_never() -> None:
    """Developer Guide: verified domains are checked from time to time; notes: FAILED has to be set anew."""
    schedule = CheckSchedule(recheck=timedelta(hours=10))
    moment = schedule.next_check(domain(Progress(Status.SUCCESS, NOW)), NOW)
    assert moment is not None
    assert timedelta(hours=10) <= moment - NOW <= timedelta(hours=12)
    assert schedule.next_check(domain(Progress(Status.FAILED, NOW)), NOW) is None
    assert schedule.next_check(domain(not_started(NOW)), NOW) is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(AnswerKind.FOUND, ("t1.dkim.amazonses.com",)), None),
        (Answer(AnswerKind.FOUND, ("T1.DKIM.AmazonSES.com",)), None),
        (Answer(AnswerKind.FOUND, ("t2.dkim.amazonses.com",)), VerificationError.INVALID_VALUE),
        (Answer(AnswerKind.FOUND, ("t1.dkim.amazonses.com.example.com",)), VerificationError.INVALID_VALUE),
        (Answer(AnswerKind.NO_NAME), VerificationError.HOST_NOT_FOUND),
        (Answer(AnswerKind.NO_TYPE), VerificationError.TYPE_NOT_FOUND),
        (Answer(AnswerKind.SERVER_FAILURE), VerificationError.DNS_SERVER_ERROR),
    ],
)
def test_an_answer_is_judged(answer: Answer, error: VerificationError | None) -> None:
    """API reference, VerificationInfo.ErrorType."""
    dkim = domain(started(NOW)).dkim
    assert dkim is not None
    assert judge(dkim_questions("example.com", dkim)[0], answer) is error


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("p=ABC", True),
        ("v=DKIM1; k=rsa; p=A B\tC", True),
        ("v=DKIM1; p=abc", False),
        ('"p=ABC"', False),
        ("ABC", False),
    ],
)
def test_key_material_is_compared_exactly_but_for_white_space(value: str, right: bool) -> None:
    """RFC 6376, 3.6.1; notes: "lower-cased or quoted values kept"."""
    own = Dkim(EXTERNAL, started(NOW), signing_enabled=True, tokens=("s1",), own_key=BringYourOwnKey("s1", "ABC"))
    [question] = dkim_questions("example.com", own)
    assert (question.name, question.type) == ("s1._domainkey.example.com", "TXT")
    assert (judge(question, Answer(AnswerKind.FOUND, (value,))) is None) is right


def test_the_mail_from_question_asks_for_the_mx_of_its_own_name() -> None:
    """Developer Guide, "Using a custom MAIL FROM domain"."""
    question = mail_from_question("bounce.example.com")
    assert (question.name, question.type) == ("bounce.example.com", "MX")
    assert judge(question, Answer(AnswerKind.FOUND, ("10 feedback-smtp.eu-west-1.amazonses.com",))) is None


@given(st.sets(st.from_regex(r"[a-z]{1,6}", fullmatch=True), max_size=40), st.integers(1, 7))
def test_pages_together_are_the_whole_list(names: set[str], size: int) -> None:
    """API reference, ListEmailIdentities: NextToken."""
    ordered, collected, token = sorted(names), list[str](), None
    while True:
        page = page_of(ordered, lambda _: True, size, token)
        collected += page.names
        token = page.next_token
        if token is None:
            break
        assert len(page.names) == size
    assert collected == ordered

"""The emails about identities: what they say, and what cannot be made of them by who writes a name or a record."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.account.notifications import Moment
from ses_operator.api.base.conditions import Condition, ConditionStatus, ConditionType
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RegionStatus, SesIdentityStatus
from ses_operator.core.notifications.emails import MAX_SUBJECT, Email, News, Sender, digest, letter

NOW = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
SENDER = Sender("prod-eu", "production", "123456789012")
MESSAGE = "eu-west-1: CNAME a._domainkey.mail.example.com is missing; publish it"


def news(
    message: str = MESSAGE,
    moment: Moment = Moment.STUCK,
    *,
    name: str = "mail",
    reason: str = Reason.DNS_RECORD_MISSING,
) -> News:
    ready = Condition(
        type=ConditionType.READY,
        status=ConditionStatus.of(moment is Moment.VERIFIED),
        reason=reason,
        message=message,
        last_transition_time=NOW,
    )
    region = RegionStatus(region="eu-west-1", verification_status="PENDING", reason=reason, message=message)
    manifest = {
        "metadata": {"name": name, "namespace": "team-a"},
        "spec": {"domain": f"{name}.example.com", "regions": ["eu-west-1"]},
    }
    status = SesIdentityStatus(conditions=(ready,), regions=(region,))
    return News(SesIdentity.model_validate(manifest).model_copy(update={"status": status}), moment)


class Page(HTMLParser):
    """What a mail program makes of HTML: tags, attributes, and the text that is seen."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.seen = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.seen += data


def test_it_says_what_where_why_and_what_to_do_in_both_bodies() -> None:
    made = letter(SENDER, news())
    assert made.subject == "[prod-eu] mail.example.com is stuck (DNSRecordMissing)"
    for body in (made.text, Page(made.html).seen):
        for words in (
            MESSAGE,
            "SesIdentity team-a/mail",
            "eu-west-1",
            "2026-05-04T12:00:30Z",
            Reason.DNS_RECORD_MISSING.meaning,
            Reason.DNS_RECORD_MISSING.actor.value,
            "kubectl describe sesidentity mail --namespace team-a",
            "installation prod-eu, for SesAccount production (AWS account 123456789012)",
        ):
            assert words in body


def test_each_moment_has_its_own_subject() -> None:
    subjects = {letter(SENDER, news(moment=moment)).subject for moment in Moment}
    assert len(subjects) == len(Moment)
    assert letter(SENDER, news(moment=Moment.VERIFIED)).subject == "[prod-eu] mail.example.com is verified"


def test_a_digest_says_how_many_were_held_back_and_tells_of_the_first() -> None:
    listed = [news(name=f"m{number}") for number in range(3)]
    made = digest(SENDER, listed, {Moment.STUCK: 40, Moment.FAILED: 2})
    assert made.subject == "[prod-eu] 42 identities: 40 stuck, 2 failed"
    for body in (made.text, Page(made.html).seen):
        assert "42 were held back" in body
        assert all(f"m{number}.example.com" in body for number in range(3))
        assert "And 39 more" in body


def test_a_digest_that_tells_of_all_has_no_rest() -> None:
    assert "more" not in digest(SENDER, [news(), news(name="other")], {Moment.STUCK: 2}).text


def header(subject: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = subject  # raises ValueError for a line break
    return mail


HOSTILE = "</td><script>alert('x')</script><a href=\"https://evil.example\">\r\nBcc: all@example.com\u202e\x00&amp;"


def harmless(made: Email) -> None:
    header(made.subject)
    assert len(made.subject) <= MAX_SUBJECT
    assert "\r" not in made.text
    page = Page(made.html)
    assert page.tags <= {
        "html",
        "head",
        "meta",
        "title",
        "body",
        "h2",
        "dl",
        "dt",
        "dd",
        "b",
        "table",
        "tr",
        "td",
        "p",
        "small",
    }
    assert page.attributes <= {"lang", "charset", "border", "cellpadding"}
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", made.subject + made.text + made.html)


def test_what_others_wrote_is_shown_and_does_nothing() -> None:
    made = letter(SENDER, news(HOSTILE, reason="<b>Odd</b>\nX: y"))
    harmless(made)
    assert "<script>alert('x')</script>" in Page(made.html).seen
    assert "\nBcc:" not in made.text


@given(st.text(max_size=300), st.text(max_size=50), st.sampled_from(Moment))
def test_whatever_others_write_it_is_one_email_of_ours(message: str, reason: str, moment: Moment) -> None:
    told = news(message, moment, reason=reason)
    harmless(letter(SENDER, told))
    harmless(digest(SENDER, [told, told], {moment: 2}))

"""Records that move from one place to another: what becomes of the old place, for every pair of places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.migration import Disposition, FormerPlace, MigrationDecision, Move, Pending, Place, decide
from ses_operator.core.model.records import RecordId, RecordSet, dkim_records
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome, PublishedAt
from ses_operator.core.state.steps import Surplus
from unit.world import NOW

RECORDS = dkim_records("mail.example.com", "eu-west-1", ("a", "b", "c"), "dkim.amazonses.com", 300)
OURS = frozenset(record.id for record in RECORDS)
NONE: frozenset[RecordId] = frozenset()
ROUTE53, ENDPOINT, MANUAL = DnsProvider.ROUTE53, DnsProvider.DNS_ENDPOINT, DnsProvider.MANUAL

OLD_ZONE = PublishedAt("example.com", ("ns1.example.net",))
NEW_ZONE = PublishedAt("mail.example.com", ("ns7.example.net",))
TWIN = PublishedAt("example.com", ("ns7.example.net",))
IN_ZONE = Place("Route53/Z1", OLD_ZONE, OURS)
IN_ENDPOINT = Place("DNSEndpoint", holds=OURS)
Findings = Mapping[RecordId, LookupFinding]


def answered(zone: str, *servers: str, records: tuple[RecordSet, ...] = RECORDS) -> Findings:
    """Name servers answer all of the records, from this zone."""
    return {
        record.id: LookupFinding(
            record, FindingState.PUBLISHED, Reason.SUCCEEDED, "",
            Answer(Outcome.FOUND, record.values, zone=zone, servers=servers),
        )
        for record in records
    }  # fmt: skip


def missing(record: RecordSet) -> Findings:
    said = f"{record} is not there"
    return {
        record.id: LookupFinding(record, FindingState.MISSING, Reason.DNS_RECORD_MISSING, said, Answer(Outcome.NO_NAME))
    }


FROM_OLD = answered("example.com", "ns1.example.net")
FROM_NEW = answered("mail.example.com", "ns7.example.net")
FROM_TWIN = answered("example.com", "ns7.example.net")
FROM_ELSEWHERE = answered("mail.example.com", "ns.other.example")
ONE_MISSING = {**FROM_NEW, **missing(RECORDS[1])}


def move(old: Place, provider: DnsProvider, findings: Findings | None = None, **changes: object) -> Move:
    new = {
        ROUTE53: Place("Route53/Z2", NEW_ZONE, OURS),
        ENDPOINT: Place("DNSEndpoint"),
        MANUAL: Place(""),
    }[provider]
    made = Move(old, new, provider, RECORDS, Surplus.REMOVE, published=True, now=NOW, findings=findings)
    return replace(made, **changes)  # type: ignore[arg-type]


def emptied(place: Place) -> Place:
    return replace(place, holds=NONE)


def into(zone: PublishedAt, holds: frozenset[RecordId] = OURS) -> Place:
    return Place("Route53/Z2", zone, holds)


HOUR, TWO_DAYS = timedelta(hours=1), timedelta(days=2)


def waiting(move: Move, since: timedelta) -> Move:
    """The same when that which is said of it now has been said for so long."""
    return replace(move, said=FormerPlace(move.old.name, decide(move).pending or "", decide(move).message, NOW - since))


CASES: list[tuple[str, Move, Disposition, str]] = [
    # From zone to zone.
    ("zone to zone: published, nobody asked yet", move(IN_ZONE, ROUTE53), Disposition.ASK, ""),
    (
        "zone to zone: not all published",
        move(IN_ZONE, ROUTE53, published=False),
        Disposition.KEEP,
        "published in Route53/Z2",
    ),
    ("zone to zone: the old one is still asked", move(IN_ZONE, ROUTE53, FROM_OLD), Disposition.KEEP, "still answer"),
    (
        "zone to zone: one record is not answered",
        move(IN_ZONE, ROUTE53, ONE_MISSING),
        Disposition.KEEP,
        str(RECORDS[1]),
    ),
    (
        "zone to zone: a third zone is asked",
        move(IN_ZONE, ROUTE53, answered("com")),
        Disposition.KEEP,
        "not from mail.example",
    ),
    ("zone to zone: the new one, below it, is asked", move(IN_ZONE, ROUTE53, FROM_NEW), Disposition.WITHDRAW, ""),
    ("zone to zone: all is withdrawn", move(IN_ZONE, ROUTE53, FROM_NEW).emptied(), Disposition.FORGET, ""),
    (
        "zone to namesake: the old one is asked",
        move(IN_ZONE, ROUTE53, FROM_OLD, new=into(TWIN)),
        Disposition.KEEP,
        "elegate ",
    ),
    (
        "zone to namesake: the new one is asked",
        move(IN_ZONE, ROUTE53, FROM_TWIN, new=into(TWIN)),
        Disposition.KEEP,
        "48 hours",
    ),
    (
        "zone to namesake: the new one has been asked for two days",
        waiting(move(IN_ZONE, ROUTE53, FROM_TWIN, new=into(TWIN)), TWO_DAYS),
        Disposition.WITHDRAW,
        "",
    ),
    (
        "zone to the zone above: the old one may be in caches",
        move(Place("Route53/Z1", NEW_ZONE, OURS), ROUTE53, FROM_OLD, new=into(OLD_ZONE)),
        Disposition.KEEP,
        "48 hours",
    ),
    (
        "zone to namesake: they cannot be told apart",
        move(IN_ZONE, ROUTE53, answered("example.com"), new=into(TWIN)),
        Disposition.KEEP,
        "cannot be told",
    ),
    # From a zone to ExternalDNS.
    ("zone to ExternalDNS: in another zone", move(IN_ZONE, ENDPOINT, FROM_ELSEWHERE), Disposition.WITHDRAW, ""),
    (
        "zone to ExternalDNS: in the same zone",
        move(IN_ZONE, ENDPOINT, FROM_OLD),
        Disposition.KEEP,
        "annotate this object with ses-operator.io/withdraw-from=Route53/Z1",
    ),
    ("zone to ExternalDNS: nothing arrives", move(IN_ZONE, ENDPOINT, ONE_MISSING), Disposition.KEEP, str(RECORDS[1])),
    ("zone to ExternalDNS: requested", move(IN_ZONE, ENDPOINT, requested=True), Disposition.WITHDRAW, ""),
    (
        "zone to ExternalDNS: withdrawn as requested",
        move(IN_ZONE, ENDPOINT, FROM_OLD, requested=True).emptied(),
        Disposition.WATCH,
        "until ExternalDNS publishes it",
    ),
    (
        "zone to ExternalDNS: withdrawn, and published by it",
        waiting(move(emptied(IN_ZONE), ENDPOINT, FROM_OLD), HOUR),
        Disposition.FORGET,
        "",
    ),
    ("zone to ExternalDNS: it never held anything", move(emptied(IN_ZONE), ENDPOINT), Disposition.FORGET, ""),
    (
        "zone to ExternalDNS: with another DNS provider, the zone of one name",
        move(IN_ZONE, ENDPOINT, FROM_TWIN),
        Disposition.KEEP,
        "48 hours",
    ),
    # To people.
    ("zone to people: the same zone is asked", move(IN_ZONE, MANUAL, FROM_OLD), Disposition.RELEASE, ""),
    ("zone to people: nothing can be told", move(IN_ZONE, MANUAL, ONE_MISSING), Disposition.RELEASE, ""),
    ("zone to people: they have published elsewhere", move(IN_ZONE, MANUAL, FROM_ELSEWHERE), Disposition.WITHDRAW, ""),
    (
        "zone to people: they have moved the zone elsewhere",
        move(IN_ZONE, MANUAL, FROM_TWIN),
        Disposition.KEEP,
        "48 hours",
    ),
    ("ExternalDNS to people", move(IN_ENDPOINT, MANUAL, FROM_OLD), Disposition.RELEASE, ""),
    ("to people: let go", move(emptied(IN_ENDPOINT), MANUAL), Disposition.FORGET, ""),
    # From ExternalDNS to a zone.
    ("ExternalDNS to zone: it writes to another", move(IN_ENDPOINT, ROUTE53, FROM_OLD), Disposition.KEEP, "elegate "),
    ("ExternalDNS to zone: the zone is asked", move(IN_ENDPOINT, ROUTE53, FROM_NEW), Disposition.KEEP, "48 hours"),
    (
        "ExternalDNS to zone: the zone is asked, where ExternalDNS itself wrote",
        move(IN_ENDPOINT, ROUTE53, FROM_NEW, new=into(NEW_ZONE, NONE)),
        Disposition.WITHDRAW,
        "",
    ),
    ("ExternalDNS to zone: requested", move(IN_ENDPOINT, ROUTE53, requested=True), Disposition.WITHDRAW, ""),
    ("ExternalDNS to zone: all there is ours", move(emptied(IN_ENDPOINT), ROUTE53), Disposition.FORGET, ""),
    (
        "ExternalDNS to zone: it wrote the same one",
        waiting(move(emptied(IN_ENDPOINT), ROUTE53, new=into(NEW_ZONE, NONE)), HOUR),
        Disposition.WATCH,
        f"into Route53/Z2: {RECORDS[0]}",
    ),
    (
        "ExternalDNS to zone: it leaves what it wrote",
        waiting(move(emptied(IN_ENDPOINT), ROUTE53, new=into(NEW_ZONE, frozenset({RECORDS[0].id}))), 2 * HOUR),
        Disposition.FORGET,
        str(RECORDS[1]),
    ),
    # Whatever the pair.
    (
        "a region cannot tell its records",
        move(IN_ZONE, ROUTE53, FROM_NEW, surplus=Surplus.KEEP),
        Disposition.KEEP,
        "every region",
    ),
    (
        "a region cannot tell its records, and it is requested",
        move(IN_ZONE, ENDPOINT, requested=True, surplus=Surplus.KEEP),
        Disposition.KEEP,
        "every region",
    ),
]


@pytest.mark.parametrize(("move", "fate", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_fate_of_an_old_place(move: Move, fate: Disposition, words: str) -> None:
    decision = decide(move)
    assert decision.fate is fate
    assert words in decision.message
    assert bool(decision.message) is (fate in {Disposition.KEEP, Disposition.WATCH} or bool(words)), (
        "who waits is told why"
    )


answers = st.sampled_from([FROM_OLD, FROM_NEW, FROM_TWIN, FROM_ELSEWHERE, ONE_MISSING, {}])


@given(st.sampled_from([IN_ZONE, IN_ENDPOINT]), st.sampled_from(DnsProvider), answers, st.booleans())
def test_nothing_is_withdrawn_unasked_before_every_record_is_answered_from_elsewhere(
    old: Place, provider: DnsProvider, findings: Findings, published: bool
) -> None:
    decision = decide(move(old, provider, findings, published=published))
    if decision.fate is Disposition.WITHDRAW:
        assert findings.keys() >= OURS
        assert all(finding.state is FindingState.PUBLISHED for finding in findings.values())
        assert old.zone is None or findings != FROM_OLD


@given(st.sampled_from(DnsProvider), answers | st.none(), st.booleans())
def test_an_old_place_comes_to_its_end_when_nothing_of_ours_is_there(
    provider: DnsProvider, findings: Findings | None, requested: bool
) -> None:
    for old in (IN_ZONE, IN_ENDPOINT):
        assert decide(move(emptied(old), provider, findings, requested=requested)) == MigrationDecision(
            Disposition.FORGET
        )


def test_the_caches_of_resolvers_are_waited_for_without_a_look_in_between() -> None:
    assert decide(waiting(move(IN_ZONE, ROUTE53, FROM_TWIN, new=into(TWIN)), HOUR)).retry_after == 47 * 3600.0


def test_what_has_been_said_for_long_is_no_patience_for_what_is_said_now() -> None:
    long_kept = replace(waiting(move(IN_ZONE, ROUTE53, FROM_OLD, new=into(TWIN)), TWO_DAYS), findings=FROM_TWIN)
    assert decide(long_kept).retry_after == 48 * 3600.0
    gone = replace(waiting(move(IN_ENDPOINT, ROUTE53, ONE_MISSING), TWO_DAYS), new=into(NEW_ZONE, NONE)).emptied()
    assert decide(gone).fate is Disposition.WATCH


def test_the_time_of_a_reason_is_kept_until_there_is_another_whatever_the_words() -> None:
    first = FormerPlace("Route53/Z1", Pending.NOT_PUBLISHED, "waiting", NOW - HOUR)
    before = {first.place: first}
    assert replace(first, since=NOW).follows(before).since == NOW - HOUR
    assert replace(first, since=NOW, message="in other words").follows(before).since == NOW - HOUR
    assert replace(first, since=NOW, reason=Pending.STILL_DELEGATED).follows(before).since == NOW
    assert replace(first, since=NOW).follows({}).since == NOW

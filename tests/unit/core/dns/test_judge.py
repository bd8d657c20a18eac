"""Whether a record is published: the same for every provider, and what is advised keeps what others have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.fields import DnsProvider
from ses_operator.core.dns.judge import JUDGES, RecordVerdict, Served, advice, is_for, judge, matches
from ses_operator.core.dns.ledger import Seal
from ses_operator.core.dns.lookup.diagnosis import diagnose
from ses_operator.core.dns.lookup.record_case import RecordCase
from ses_operator.core.dns.lookup.record_evidence import with_findings
from ses_operator.core.dns.zone_plan import plan_publication
from ses_operator.core.dns.zone_sets import ZoneSet, zone_view
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.record_values import txt
from ses_operator.core.model.record_values.dmarc import weakens
from ses_operator.core.model.record_values.spf import Spf, is_spf
from ses_operator.core.model.records import Purpose, RecordSet, RecordType
from ses_operator.core.state.answers import Answer, FindingState, Outcome
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from unit.served import DMARC, DOMAIN, ROWS, SPF, VERIFICATION, Row
from unit.strategies import wanted
from unit.zones import KEYS

SEAL = Seal(DOMAIN, "Z1", KEYS)
OWNER = Owner("test", ObjectKey("team-a", "mail"))
row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())

_mechanisms = st.sampled_from(
    [
        "include:amazonses.com", "?include:amazonses.com", "-include:amazonses.com", "include:_spf.google.com", "a", "mx",
        "ip4:192.0.2.0/24", "-ip4:192.0.2.1", "-all", "~all", "?all", "+all", "redirect=_spf.example.net",
        "redirect=amazonses.com", "x=y",
    ]
)  # fmt: skip
policies = st.lists(_mechanisms, max_size=5, unique=True).map(lambda terms: " ".join(["v=spf1", *terms]))
_texts = st.one_of(
    policies,
    st.sampled_from([value for row in ROWS.values() if row.record.type is RecordType.TXT for value in row.values]),
)
_served = st.one_of(
    st.sampled_from([(row.record, row.values) for row in ROWS.values() if not row.alias]),
    st.tuples(
        st.sampled_from([row.record for row in ROWS.values() if row.record.type is RecordType.TXT]),
        st.lists(_texts, min_size=1, max_size=3, unique=True).map(lambda texts: tuple(sorted(texts))),
    ),
)


def as_route53(record: RecordSet, values: tuple[str, ...], alias: str = "") -> RecordState:
    """The verdict of a publisher that reads the zone, about what another client has there."""
    kind = "CNAME" if alias else record.type.value
    shown = tuple(map(txt.quote, values)) if kind == "TXT" else (alias,) if alias else values
    view = zone_view([ZoneSet(record.name, kind, 60, shown)])
    (published,) = plan_publication(OWNER, SEAL, [record], view).records
    return published.state


def as_seen(record: RecordSet, answer: Answer, provider: DnsProvider) -> RecordState:
    """The verdict of a provider that only name servers know about, and of SES's own evidence none."""
    observed = Observed(dns=DnsObservation((PublishedRecord(record, RecordState.PENDING),), in_sync=True))
    finding = diagnose(RecordCase(record, answer))
    heard = with_findings(wanted(provider=provider), observed, {record.id: finding})
    assert heard.dns is not None
    return heard.dns.records[0].state


def answer_of(row: Row) -> Answer:
    if row.alias:
        return Answer(Outcome.OTHER_TYPE, (row.alias,), DOMAIN, behind=row.behind)
    return Answer(Outcome.FOUND, tuple(sorted(row.values)), DOMAIN)


@row
def test_the_verdict_about_what_is_served(row: Row) -> None:
    assert judge(row.record, row.served) is row.verdict


@row
def test_every_provider_comes_to_the_same_verdict(row: Row) -> None:
    seen = {as_seen(row.record, answer_of(row), provider) is RecordState.PUBLISHED for provider in DnsProvider}
    assert seen == {row.is_published}
    at_route53 = as_route53(row.record, row.values, row.alias)
    if row.alias:
        # Only name servers know the end of a CNAME: the publisher leaves it to them, unless no one follows it.
        assert at_route53 is (RecordState.CONFLICT if row.verdict is RecordVerdict.HIDDEN else RecordState.PENDING)
    else:
        assert at_route53 is (RecordState.PUBLISHED if row.is_published else RecordState.CONFLICT)


@given(_served)
def test_the_verdict_does_not_depend_on_the_provider(served: tuple[RecordSet, tuple[str, ...]]) -> None:
    record, values = served
    answer = Answer(Outcome.FOUND, tuple(sorted(values)), DOMAIN)
    verdicts = {as_seen(record, answer, provider) is RecordState.PUBLISHED for provider in DnsProvider}
    assert verdicts == {as_route53(record, values) is RecordState.PUBLISHED} == {matches(record, values)}


@row
def test_the_way_out_is_said_by_the_zone_s_plan_and_by_the_look_up(row: Row) -> None:
    if row.is_published or row.alias:
        return
    shown = tuple(map(txt.quote, row.values)) if row.record.type is RecordType.TXT else row.values
    view = zone_view([ZoneSet(row.record.name, row.record.type.value, 60, shown)])
    (conflict,) = plan_publication(OWNER, SEAL, [row.record], view).records
    assert row.advice in conflict.message
    assert row.advice in advice(row.record, tuple(sorted(row.values)))


@given(policies)
def test_what_is_advised_about_an_spf_policy_lets_ses_send_and_takes_nothing_from_it(text: str) -> None:
    policy = Spf.parse(text)
    assert policy is not None
    amended = policy.amended()
    assert amended.lets_ses_send or amended.faults
    kept = [term for term in policy.terms if not term.endswith("include:amazonses.com")]
    assert [term for term in amended.terms if not term.endswith("include:amazonses.com")] == kept
    assert amended.amended() == amended


@given(st.lists(policies, min_size=2, max_size=3, unique=True))
def test_one_policy_for_several_has_what_each_names_and_the_strictest_end(texts: list[str]) -> None:
    said = advice(SPF, texts)
    if "Correct" in said:
        return
    kept = said.removeprefix("Keep only ").split()
    for text in texts:
        assert {term for term in text.split() if not term.endswith(("all", "include:amazonses.com"))} <= set(kept)
    ends = [end for end in ("-all", "~all", "?all", "+all") if any(end in text.split() for text in texts)]
    assert [term for term in kept if term.endswith("all")] == ends[:1]


@given(st.sampled_from(["none", "quarantine", "reject"]), st.sampled_from(["none", "quarantine", "reject"]))
def test_what_is_advised_about_a_dmarc_policy_never_makes_it_weaker(p: str, sp: str) -> None:
    found = f"v=DMARC1; p={p}; sp={sp}; rua=mailto:d@example.com"
    said = advice(DMARC, [found])
    if weakens(found, DMARC.values[0]):
        assert "Change it to" not in said
        assert "Make spec.dmarc as strict" in said


@given(st.lists(_texts, min_size=1, max_size=3, unique=True))
def test_texts_for_other_purposes_are_never_to_be_removed(texts: list[str]) -> None:
    said = advice(SPF, texts)
    if not any(map(is_spf, texts)):
        assert "keep the others" in said


def test_every_record_that_the_operator_wants_has_a_judge() -> None:
    assert {(row.record.purpose, row.record.type) for row in ROWS.values()} == set(JUDGES)
    assert {purpose for purpose, _ in JUDGES} == set(Purpose)


@row
def test_nothing_is_missing_and_no_evidence_about_a_cname_is_no_verdict(row: Row) -> None:
    assert judge(row.record, Served()) is RecordVerdict.MISSING
    at_a_cname = judge(row.record, Served(alias="elsewhere.example.net"))
    assert at_a_cname in (RecordVerdict.ALIAS, RecordVerdict.HIDDEN)


@row
def test_a_wanted_value_serves_beside_texts_for_other_purposes(row: Row) -> None:
    if row.record.type is RecordType.TXT:
        assert not is_for(row.record, VERIFICATION)
        assert matches(row.record, (*row.record.values, VERIFICATION))


def test_a_policy_on_which_no_name_server_answers_is_unreachable() -> None:
    row = replace(ROWS["a CNAME to the right key"], behind=None)
    finding = diagnose(RecordCase(row.record, answer_of(row)))
    assert finding.state is FindingState.UNREACHABLE
    assert "it is a CNAME to elsewhere.example.net, about which no name server answers" in finding.message

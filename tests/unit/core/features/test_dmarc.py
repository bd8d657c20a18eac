"""DMARC policies: what is written, what counts as the same, who else has to consent, and what need not be waited for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.conditions import Condition, ConditionStatus, ConditionType
from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.dmarc import Alignment, DmarcPolicy, DmarcSpec
from ses_operator.api.identity.status import DnsStatus, RecordStatus, SesIdentityStatus
from ses_operator.core.dns.judge import matches
from ses_operator.core.dns.lookup.record_evidence import seen_by_ses, with_findings, worth_a_look
from ses_operator.core.model.record_values.dmarc import Dmarc, is_dmarc, report_authorizations, says_the_same
from ses_operator.core.model.records import Purpose, RecordSet, RecordType, dmarc_record
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.planning.plan import all_published, wanted_records
from ses_operator.core.state.answers import Answer, FindingState, LookupFinding, Outcome
from ses_operator.core.state.observed import Absent, Observed, Present
from ses_operator.core.state.publication import DnsObservation, PublishedRecord, RecordState
from ses_operator.core.status.stability import is_stable
from unit.strategies import DOMAIN, dmarcs, wanted
from unit.world import NOW, World, converge, covering, fresh_dkim

REGION = "eu-west-1"
REJECT = Dmarc(DmarcPolicy.REJECT)
NAME = f"_dmarc.{DOMAIN}"

TEXTS = {
    "nothing but a policy": (REJECT, "v=DMARC1; p=reject"),
    "a policy for subdomains": (
        Dmarc(DmarcPolicy.NONE, subdomain_policy=DmarcPolicy.REJECT), "v=DMARC1; p=none; sp=reject",
    ),
    "a policy for subdomains that is the same": (
        Dmarc(DmarcPolicy.NONE, subdomain_policy=DmarcPolicy.NONE), "v=DMARC1; p=none",
    ),
    "a share of the mail": (Dmarc(DmarcPolicy.QUARANTINE, percentage=0), "v=DMARC1; p=quarantine; pct=0"),
    "strict alignment": (
        Dmarc(DmarcPolicy.REJECT, dkim=Alignment.STRICT, spf=Alignment.STRICT), "v=DMARC1; p=reject; adkim=s; aspf=s",
    ),
    "reports": (
        Dmarc(DmarcPolicy.NONE, rua=("mailto:a@example.com", "mailto:b@example.net!10m"), ruf=("mailto:c@example.com",)),
        "v=DMARC1; p=none; rua=mailto:a@example.com,mailto:b@example.net!10m; ruf=mailto:c@example.com",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("dmarc", "text"), TEXTS.values(), ids=TEXTS.keys())
def test_a_policy_is_written_with(dmarc: Dmarc, text: str) -> None:
    assert dmarc.text == text


def test_an_omitted_member_has_its_default() -> None:
    assert Dmarc.of(DmarcSpec(policy=DmarcPolicy.REJECT)) == REJECT


@given(dmarcs())
def test_every_policy_is_a_dmarc_record_that_says_the_same_as_itself(dmarc: Dmarc) -> None:
    assert is_dmarc(dmarc.text)
    assert says_the_same(dmarc.text, dmarc.text)


@given(dmarcs(), dmarcs())
def test_two_policies_say_the_same_only_if_nothing_but_order_and_defaults_differ(one: Dmarc, other: Dmarc) -> None:
    def meaning(dmarc: Dmarc) -> object:
        return replace(
            dmarc,
            subdomain_policy=dmarc.subdomain_policy or dmarc.policy,
            rua=tuple(sorted(dmarc.rua)),
            ruf=tuple(sorted(dmarc.ruf)),
        )

    assert says_the_same(one.text, other.text) == (meaning(one) == meaning(other))


@given(dmarcs(), st.randoms(use_true_random=False))
def test_order_and_blanks_of_tags_make_no_difference(dmarc: Dmarc, random: object) -> None:
    first, policy, *others = dmarc.text.split("; ")
    random.shuffle(others)  # type: ignore[attr-defined]
    assert says_the_same(dmarc.text, " ;".join((first, policy.replace("=", " = "), *others)) + ";")


SAME = {
    "defaults written out": ("v=DMARC1; p=reject", "v=DMARC1;p=reject;sp=reject;pct=100;adkim=r;aspf=r;ri=86400;fo=1"),
    "values in another case": ("v=DMARC1; p=reject", "v=DMARC1; p=Reject"),
    "the domain of an address in another case": (
        "v=DMARC1; p=none; rua=mailto:a@example.com", "v=DMARC1; p=none; rua=mailto:a@Example.COM",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_it_is_the_same_with(one: str, other: str) -> None:
    assert says_the_same(one, other)
    assert says_the_same(other, one)


DIFFERENT = {
    "another policy": "v=DMARC1; p=none",
    "another policy for subdomains": "v=DMARC1; p=reject; sp=none",
    "a share": "v=DMARC1; p=reject; pct=50",
    "reports": "v=DMARC1; p=reject; rua=mailto:a@example.com",
    "no policy": "v=DMARC1",
    "a tag twice": "v=DMARC1; p=reject; p=reject",
    "something that is no tag": "v=DMARC1; p=reject; hello",
    "a version in another case": "v=dmarc1; p=reject",
    "the version not at first": "p=reject; v=DMARC1",
    "another text": "v=spf1 -all",
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_it_is_not_the_same_with(other: str) -> None:
    assert not says_the_same(REJECT.text, other)


def test_other_texts_may_stand_beside_the_policy_but_no_other_policy() -> None:
    record = dmarc_record(DOMAIN, REJECT, [REGION], 300)
    assert matches(record, ["v=DMARC1;p=reject", "note"])
    assert not matches(record, ["v=DMARC1; p=reject", "v=DMARC1; p=none"])
    assert not matches(record, ["note"])


EXTERNAL = {
    "the domain itself": ("mailto:d@mail.example.com", None),
    "a name below the domain": ("mailto:d@dmarc.mail.example.com", None),
    "a name above the domain": ("mailto:d@Example.com!5m", None),
    "another organization": (
        "mailto:d@Example.net!10m",
        (
            "The owner of example.net has to publish this record; without it, receivers send no DMARC reports about "
            "mail.example.com there"
        ),
    ),
    "a name beside the domain": (
        "mailto:d@dmarc.example.com",
        (
            "The owner of dmarc.example.com has to publish this record; without it, receivers send no DMARC reports about "
            "mail.example.com there. It is not needed if both names belong to one registered domain"
        ),
    ),
}


@pytest.mark.parametrize(("address", "message"), EXTERNAL.values(), ids=EXTERNAL.keys())
def test_reports_are_authorised_by(address: str, message: str | None) -> None:
    found = report_authorizations(DOMAIN, Dmarc(DmarcPolicy.NONE, rua=(address,), ruf=(address,)))
    assert [each.message for each in found] == ([message] if message else [])
    assert all(each.name == f"{DOMAIN}._report._dmarc.{each.host}" for each in found)


def test_nothing_is_published_before_an_identity_is_known_to_be_ours() -> None:
    desired = wanted(dmarc=REJECT)
    theirs = IdentityFacts(VerificationStatus.SUCCESS, fresh_dkim(REGION, 2048), tags={})
    for view in (Absent(), Present(theirs)):
        assert wanted_records(desired, Observed(regions={REGION: view})) == ()


def test_one_record_serves_all_regions() -> None:
    desired = wanted(regions=("eu-west-1", "us-east-1"), dmarc=REJECT)
    world = converge(World(), desired, covering(desired))
    found = [record for record in world.records if record.purpose is Purpose.DMARC]
    assert found == [RecordSet(NAME, RecordType.TXT, (REJECT.text,), 300, Purpose.DMARC, ("eu-west-1", "us-east-1"))]


def observed(state: RecordState) -> Observed:
    desired = wanted(dmarc=REJECT)
    world = converge(World(), desired, covering(desired))
    verified = replace(
        world.identities[REGION],
        verification_status=VerificationStatus.SUCCESS,
        dkim=replace(fresh_dkim(REGION, 2048), status=VerificationStatus.SUCCESS),
    )
    seen = replace(world, identities={REGION: verified}).observed(desired, covering(desired))
    assert seen.dns is not None
    records = tuple(
        replace(entry, state=state if entry.record.purpose is Purpose.DMARC else RecordState.PUBLISHED)
        for entry in seen.dns.records
    )
    return replace(seen, dns=replace(seen.dns, records=records, in_sync=True))


def dmarc_of(seen: Observed) -> PublishedRecord:
    assert seen.dns is not None
    return next(entry for entry in seen.dns.records if entry.record.purpose is Purpose.DMARC)


def test_ses_never_looks_at_it() -> None:
    seen = observed(RecordState.PENDING)
    assert not seen_by_ses(seen, dmarc_of(seen).record)


@pytest.mark.parametrize("provider", DnsProvider)
def test_name_servers_are_asked_where_the_publisher_cannot_tell(provider: DnsProvider) -> None:
    seen = observed(RecordState.PENDING)
    asked = worth_a_look(wanted(dmarc=REJECT, provider=provider), seen)
    assert bool(asked) == (provider is not DnsProvider.ROUTE53)


@pytest.mark.parametrize(("provider", "said"), [(DnsProvider.DNS_ENDPOINT, True), (DnsProvider.MANUAL, False)])
def test_an_older_value_that_external_dns_will_not_change_is_explained(provider: DnsProvider, said: bool) -> None:
    seen = observed(RecordState.PENDING)
    record = dmarc_of(seen).record
    answer = Answer(Outcome.FOUND, ("v=DMARC1; p=none",))
    finding = LookupFinding(record, FindingState.DIFFERENT, Reason.DNS_RECORD_WRONG, f"{record}: it is old", answer)
    told = dmarc_of(with_findings(wanted(dmarc=REJECT, provider=provider), seen, {record.id: finding}))
    assert told.state is RecordState.DIFFERENT
    assert told.message.startswith(f"{record}: it is old")
    assert ("ExternalDNS up to version 0.21 never changes a TXT record" in told.message) == said


@pytest.mark.parametrize("state", RecordState)
def test_what_others_have_put_in_its_place_holds_up_no_move_of_the_other_records(state: RecordState) -> None:
    assert all_published(observed(state)) == (state is not RecordState.PENDING)


def test_another_record_in_conflict_does() -> None:
    seen = observed(RecordState.PUBLISHED)
    assert seen.dns is not None
    records = tuple(replace(entry, state=RecordState.CONFLICT) for entry in seen.dns.records)
    assert not all_published(replace(seen, dns=DnsObservation(records, in_sync=True)))


def status(
    *records: tuple[Purpose, RecordState], reason: Reason, since: timedelta = timedelta(minutes=1)
) -> SesIdentityStatus:
    state = ConditionStatus.TRUE if reason is Reason.SUCCEEDED else ConditionStatus.FALSE
    published = Condition(
        type=ConditionType.DNS_PUBLISHED, status=state, reason=reason, message="", last_transition_time=NOW - since,
        observed_generation=1,
    )  # fmt: skip
    dns = DnsStatus(
        records=tuple(
            RecordStatus(name="x", type="TXT", values=("y",), purpose=purpose, state=state)
            for purpose, state in records
        )
    )
    return SesIdentityStatus(conditions=(published,), dns=dns)


PUBLISHED_DKIM = (Purpose.DKIM, RecordState.PUBLISHED)
CONFLICT, WAITING = Reason.DNS_RECORD_CONFLICT, Reason.WAITING_FOR_DNS
LONG = timedelta(hours=73)
STEADY = {
    "all is published": (status(PUBLISHED_DKIM, reason=Reason.SUCCEEDED), True),
    "somebody else's DMARC policy stands": (
        status(PUBLISHED_DKIM, (Purpose.DMARC, RecordState.CONFLICT), reason=CONFLICT), True,
    ),
    "a DMARC policy may come in a moment": (
        status(PUBLISHED_DKIM, (Purpose.DMARC, RecordState.MISSING), reason=WAITING), False,
    ),
    "a DMARC policy has been missing for three days": (
        status(PUBLISHED_DKIM, (Purpose.DMARC, RecordState.MISSING), reason=WAITING, since=LONG), True,
    ),
    "a DMARC policy has been another for three days": (
        status(PUBLISHED_DKIM, (Purpose.DMARC, RecordState.DIFFERENT), reason=WAITING, since=LONG), True,
    ),
    "an SPF record is in conflict": (
        status((Purpose.SPF, RecordState.CONFLICT), (Purpose.DMARC, RecordState.CONFLICT), reason=CONFLICT), False,
    ),
    "a record of DKIM is on its way beside a DMARC policy in conflict": (
        status((Purpose.DKIM, RecordState.PENDING), (Purpose.DMARC, RecordState.CONFLICT), reason=CONFLICT), False,
    ),
    "the zone could not be read, and the records are as of before": (
        status((Purpose.DMARC, RecordState.CONFLICT), reason=Reason.ACCESS_DENIED, since=LONG), False,
    ),
    "the zone could not be read, and all was published before": (
        status(PUBLISHED_DKIM, reason=Reason.DNS_RECORD_CONFLICT, since=LONG), False,
    ),
    "no status yet": (SesIdentityStatus(), False),
}  # fmt: skip


@pytest.mark.parametrize(("found", "steady"), STEADY.values(), ids=STEADY.keys())
def test_nothing_is_left_to_wait_for_when(found: SesIdentityStatus, steady: bool) -> None:
    assert is_stable(found, NOW) == steady

"""What is said of a record, for each answer of the name servers. Each name of a case is what went wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.judge import matches
from ses_operator.core.dns.lookup.diagnosis import diagnose, diagnose_all
from ses_operator.core.dns.lookup.record_case import RecordCase
from ses_operator.core.model.records import SPF_VALUE, Purpose, RecordSet, RecordType
from ses_operator.core.state.answers import Answer, FindingState, Outcome, Probes, PublishedAt

ZONE = "example.com"
SERVERS = ("ns1.example.net", "ns2.example.net")
DKIM = RecordSet(
    "a._domainkey.example.com", RecordType.CNAME, ("a.dkim.amazonses.com",), 300, Purpose.DKIM, ("eu-west-1",)
)
MX = RecordSet(
    "bounce.example.com",
    RecordType.MX,
    ("10 feedback-smtp.eu-west-1.amazonses.com",),
    300,
    Purpose.MAIL_FROM,
    ("eu-west-1",),
)
SPF = RecordSet("bounce.example.com", RecordType.TXT, (SPF_VALUE,), 300, Purpose.SPF, ("eu-west-1",))
DMARC = RecordSet("_dmarc.example.com", RecordType.TXT, ("v=DMARC1; p=reject",), 300, Purpose.DMARC, ("eu-west-1",))
KEY = RecordSet("s1._domainkey.example.com", RecordType.TXT, ("p=MIGfMA0",), 300, Purpose.DKIM, ("eu-west-1",))


def answer(outcome: Outcome, *values: str, zone: str = ZONE, servers: tuple[str, ...] = SERVERS) -> Answer:
    return Answer(outcome, tuple(sorted(values)), zone, "ns1.example.net", servers)


def found(*values: str) -> Answer:
    return answer(Outcome.FOUND, *values)


NOT_THERE = answer(Outcome.NO_NAME)
NO_SUCH_TYPE = answer(Outcome.NO_DATA)

PUBLISHED = {
    "the CNAME as it is wanted": (DKIM, found("a.dkim.amazonses.com")),
    "the CNAME in another case": (DKIM, found("A.dkim.AmazonSES.com")),
    "the MX as it is wanted": (MX, found("10 Feedback-smtp.eu-west-1.amazonses.com")),
    "the SPF policy as it is wanted": (SPF, found(SPF_VALUE)),
    "an SPF policy that lets others send, too": (SPF, found("v=spf1 include:amazonses.com ip4:192.0.2.0/24 -all")),
    "the SPF policy beside other texts": (SPF, found(SPF_VALUE, "google-site-verification=x")),
    "a DMARC policy that says the same": (DMARC, found("v=DMARC1;p=reject;pct=100")),
    "a key": (KEY, found("p=MIGfMA0")),
}


@pytest.mark.parametrize(("wanted", "seen"), PUBLISHED.values(), ids=PUBLISHED.keys())
def test_a_record_that_serves_its_purpose_is_published(wanted: RecordSet, seen: Answer) -> None:
    finding = diagnose(RecordCase(wanted, seen))
    assert (finding.state, finding.reason, finding.message) == (FindingState.PUBLISHED, Reason.SUCCEEDED, "")


MISSING, DIFFERENT, UNREACHABLE = FindingState.MISSING, FindingState.DIFFERENT, FindingState.UNREACHABLE
AT_ROUTE53 = PublishedAt(ZONE, ("ns-1.awsdns-01.com", "ns-2.awsdns-02.net"))

WRONG = {
    "the name servers answer SERVFAIL": (
        RecordCase(DKIM, answer(Outcome.SERVER_FAILURE)),
        UNREACHABLE,
        Reason.DNS_SERVER_FAILURE,
        "the name servers of example.com fail (SERVFAIL). Check that they hold the zone and can load it",
    ),
    "an answer is refused because its signatures are broken": (
        RecordCase(DKIM, answer(Outcome.BOGUS)),
        UNREACHABLE,
        Reason.DNS_SERVER_FAILURE,
        "DNSSEC is broken, so that resolvers refuse the answer (SERVFAIL). Check that the DS record",
    ),
    "the resolvers of the cluster know no such domain": (
        RecordCase(DKIM, answer(Outcome.NO_NAME, zone="")),
        MISSING,
        Reason.DNS_NOT_DELEGATED,
        "example.com does not exist in DNS. Register the domain",
    ),
    "no name server answers": (
        RecordCase(DKIM, answer(Outcome.TIMEOUT)),
        UNREACHABLE,
        Reason.DNS_SERVER_FAILURE,
        "no name server of example.com answers (ns1.example.net, ns2.example.net)",
    ),
    "the name servers do not hold the zone": (
        RecordCase(DKIM, answer(Outcome.REFUSED)),
        UNREACHABLE,
        Reason.DNS_NOT_DELEGATED,
        "refuse to answer (ns1.example.net, ns2.example.net), because they do not hold the zone",
    ),
    "the domain is not registered": (
        RecordCase(DKIM, answer(Outcome.NO_NAME, zone="com")),
        MISSING,
        Reason.DNS_NOT_DELEGATED,
        "example.com does not exist in DNS. Register the domain",
    ),
    "the DMARC policy is another": (
        RecordCase(DMARC, found("v=DMARC1; p=none")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "has the value v=DMARC1; p=none. Change it to v=DMARC1; p=reject",
    ),
    "there are two DMARC policies": (
        RecordCase(DMARC, found("v=DMARC1; p=reject", "v=DMARC1; p=none")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "has 2 values that begin with v=DMARC1, so receivers ignore them all. Keep only v=DMARC1; p=reject",
    ),
    "the DMARC policy lost its underscore": (
        RecordCase(DMARC, NOT_THERE, Probes(without_underscore="dmarc.example.com")),
        MISSING,
        Reason.DNS_RECORD_MISSING,
        "is at dmarc.example.com instead, without the underscore of _dmarc. Publish it with the underscore",
    ),
    "the record is nowhere": (
        RecordCase(DKIM, NOT_THERE),
        MISSING,
        Reason.DNS_RECORD_MISSING,
        "is missing in example.com. Publish it with the value a.dkim.amazonses.com",
    ),
    "the record is nowhere, and the name servers are inside of a network": (
        RecordCase(DKIM, replace(NOT_THERE, addresses=("10.0.0.2", "fd00::53"))),
        MISSING,
        Reason.DNS_RECORD_MISSING,
        "name servers that show the public one in spec.dns.nameservers of the SesAccount",
    ),
    "there is no such type at the name, which need not be there": (
        RecordCase(MX, NO_SUCH_TYPE),
        MISSING,
        Reason.DNS_RECORD_MISSING,
        "is missing in example.com. Publish it with the value 10 feedback-smtp.eu-west-1.amazonses.com",
    ),
    "the zone is delegated to other name servers than those of the hosted zone": (
        RecordCase(DKIM, NOT_THERE, published_at=AT_ROUTE53),
        MISSING,
        Reason.DNS_NOT_DELEGATED,
        (
            "was written to a zone with other name servers (ns-1.awsdns-01.com, ns-2.awsdns-02.net) than example.com is "
            "delegated "
            "to (ns1.example.net, ns2.example.net)"
        ),
    ),
    "the zone of the subdomain is not delegated": (
        RecordCase(DKIM, NOT_THERE, published_at=PublishedAt("mail.example.com", ("ns-1.awsdns-01.com",))),
        MISSING,
        Reason.DNS_NOT_DELEGATED,
        "was written to zone mail.example.com, which is not delegated: name servers know only example.com",
    ),
    "the subdomain is a zone of its own": (
        RecordCase(DKIM, NOT_THERE, published_at=PublishedAt("com")),
        MISSING,
        Reason.DNS_NOT_DELEGATED,
        "was written to zone com, but example.com is a zone of its own",
    ),
    "a wildcard answers": (
        RecordCase(SPF, found("anything"), Probes(wildcard=("anything",))),
        MISSING,
        Reason.DNS_RECORD_MISSING,
        "is missing; a wildcard record answers anything in its place",
    ),
    "a wildcard answers with addresses": (
        RecordCase(DKIM, NO_SUCH_TYPE, Probes(addresses=("192.0.2.1",), wildcard_addresses=("192.0.2.1",))),
        MISSING,
        Reason.DNS_RECORD_MISSING,
        "a wildcard record answers 192.0.2.1 in its place",
    ),
    "a CNAME stands where the MX should": (
        RecordCase(MX, answer(Outcome.OTHER_TYPE, "elsewhere.example.net")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "is hidden by a CNAME to elsewhere.example.net",
    ),
    "the MX has two values": (
        RecordCase(MX, found(*MX.values, "20 mail.example.com")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "has 2 values (10 feedback-smtp.eu-west-1.amazonses.com, 20 mail.example.com), but SES accepts exactly one",
    ),
    "there are two SPF policies": (
        RecordCase(SPF, found(SPF_VALUE, "v=spf1 -all")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "has 2 values that begin with v=spf1",
    ),
    "the quotation marks became a part of the text": (
        RecordCase(SPF, found(f'"{SPF_VALUE}"')),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        f"published with quotation marks in its value. Enter {SPF_VALUE} without them",
    ),
    "the quotation marks became a part of the target": (
        RecordCase(DKIM, found(r"\"a.dkim.amazonses.com\"")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "published with quotation marks in its value",
    ),
    "the closing dot became a part of the text": (
        RecordCase(SPF, found(f"{SPF_VALUE}.")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "published with the closing dot as part of its value",
    ),
    "the closing dot became a part of the target": (
        RecordCase(DKIM, found(r"a.dkim.amazonses.com\.")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "published with the closing dot as part of its value",
    ),
    "the zone's name was appended to the target": (
        RecordCase(DKIM, found("a.dkim.amazonses.com.example.com")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        (
            "the DNS provider appended the zone's name (a.dkim.amazonses.com.example.com). Enter "
            "a.dkim.amazonses.com with a closing dot"
        ),
    ),
    "a key was lower-cased": (
        RecordCase(KEY, found("p=migfma0")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "upper and lower case count. Enter exactly p=MIGfMA0",
    ),
    "the MX is that of another region": (
        RecordCase(MX, found("10 feedback-smtp.us-east-1.amazonses.com")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        (
            "has the value of another region, us-east-1 (10 feedback-smtp.us-east-1.amazonses.com). Enter 10 "
            "feedback-smtp.eu-west-1.amazonses.com"
        ),
    ),
    "the target is in the signing zone of another region": (
        RecordCase(DKIM, found("a.dkim.af-south-1.amazonses.com")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "points to the signing zone of another region or identity",
    ),
    "the target is the token of another region": (
        RecordCase(DKIM, found("b.dkim.amazonses.com")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "points to the DKIM token of another region or identity",
    ),
    "the MX has another preference": (
        RecordCase(MX, found("20 feedback-smtp.eu-west-1.amazonses.com")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "has another preference (20 feedback-smtp.eu-west-1.amazonses.com)",
    ),
    "the value is something else": (
        RecordCase(DKIM, found("elsewhere.example.net")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "has the value elsewhere.example.net. Change it to a.dkim.amazonses.com",
    ),
    "the SPF policy does not let SES send": (
        RecordCase(SPF, found("v=spf1 -all")),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "has the value v=spf1 -all. Change it to v=spf1 include:amazonses.com -all",
    ),
    "the CNAME is proxied": (
        RecordCase(DKIM, NO_SUCH_TYPE, Probes(addresses=("192.0.2.1", "192.0.2.2"))),
        DIFFERENT,
        Reason.DNS_RECORD_WRONG,
        "is answered with addresses (192.0.2.1, 192.0.2.2), because the DNS provider proxies or flattens it",
    ),
    "the zone's name stands twice in the name": (
        RecordCase(DKIM, NOT_THERE, Probes(doubled_suffix="a._domainkey.example.com.example.com")),
        MISSING,
        Reason.DNS_RECORD_MISSING,
        (
            "is at a._domainkey.example.com.example.com instead: the DNS provider appends the zone's name itself. Enter the name "
            "as a._domainkey"
        ),
    ),
    "the underscore was stripped": (
        RecordCase(DKIM, NOT_THERE, Probes(without_underscore="a.domainkey.example.com")),
        MISSING,
        Reason.DNS_RECORD_MISSING,
        "is at a.domainkey.example.com instead, without the underscore of _domainkey",
    ),
    "name and value were exchanged": (
        RecordCase(DKIM, NOT_THERE, Probes(value_as_name="a.dkim.amazonses.com.example.com")),
        MISSING,
        Reason.DNS_RECORD_MISSING,
        (
            "has name and value swapped: its value is the name (a.dkim.amazonses.com.example.com). Enter a._domainkey as "
            "the name and "
            "a.dkim.amazonses.com as the value"
        ),
    ),
}


@pytest.mark.parametrize(("case", "state", "reason", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said_with_the_record_and_what_to_do(
    case: RecordCase, state: FindingState, reason: Reason, sentence: str
) -> None:
    finding = diagnose(case)
    assert (finding.state, finding.reason) == (state, reason)
    assert finding.message.startswith(f"{case.wanted} ")
    assert sentence in finding.message


def test_a_record_that_is_served_is_published_wherever_it_was_written() -> None:
    finding = diagnose(RecordCase(DKIM, found(*DKIM.values), published_at=AT_ROUTE53))
    assert finding.state is FindingState.PUBLISHED


def test_name_servers_are_the_same_in_any_case_and_with_closing_dots() -> None:
    at = PublishedAt(ZONE, ("NS1.example.NET.",))
    assert diagnose(RecordCase(DKIM, NOT_THERE, published_at=at)).reason is Reason.DNS_RECORD_MISSING


SAME = {
    "by name": (PublishedAt(ZONE, ("NS1.example.net.",)), PublishedAt(ZONE, ("ns1.example.net", "ns2.example.net"))),
    "by address": (
        PublishedAt(ZONE, ("ns-1.awsdns-01.com",), ("192.0.2.1", "2001:db8::1")),
        PublishedAt(ZONE, ("ns1.example.com",), ("2001:db8::1",)),
    ),
    "as far as is known": (PublishedAt(ZONE), PublishedAt(ZONE, ("ns1.example.net",))),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_name_servers_are_the_same(one: PublishedAt, other: PublishedAt) -> None:
    assert not one.has_other_servers(other)
    assert not other.has_other_servers(one)


def test_name_servers_of_other_names_and_addresses_are_others() -> None:
    one = PublishedAt(ZONE, ("ns1.example.net",), ("192.0.2.1",))
    assert one.has_other_servers(PublishedAt(ZONE, ("ns2.example.net",), ("192.0.2.2",)))
    assert one.has_other_servers(PublishedAt(ZONE, ("ns2.example.net",)))


def test_a_name_server_with_a_public_address_is_not_inside() -> None:
    seen = replace(NOT_THERE, addresses=("10.0.0.2", "198.51.100.7", "9.9.9.9"))
    assert "nameservers" not in diagnose(RecordCase(DKIM, seen)).message


def another_regions(record: RecordSet, region: str, label: str) -> RecordSet:
    return replace(
        record, name=f"{label}._domainkey.example.com", values=(f"{label}.dkim.amazonses.com",), regions=(region,)
    )


def test_a_region_of_which_no_record_is_there_while_anothers_are_is_named() -> None:
    there = [another_regions(DKIM, "eu-west-1", label) for label in ("a", "b", "c")]
    not_there = [another_regions(DKIM, "us-east-1", label) for label in ("d", "e", "f")]
    findings = diagnose_all(
        [RecordCase(record, found(*record.values)) for record in there]
        + [RecordCase(record, NOT_THERE) for record in not_there]
    )
    assert findings[3].message == (
        "CNAME d._domainkey.example.com is missing: only the records of eu-west-1 are published, but us-east-1 has DKIM "
        "tokens of "
        "its own. Publish this one too, with the value d.dkim.amazonses.com"
    )


def test_one_missing_record_of_a_region_that_is_half_there_is_just_missing() -> None:
    one, other = (another_regions(DKIM, "eu-west-1", label) for label in ("a", "b"))
    findings = diagnose_all([RecordCase(one, found(*one.values)), RecordCase(other, NOT_THERE)])
    assert "is missing in example.com" in findings[1].message


def test_a_cause_that_is_known_is_not_hidden_behind_another_regions_records() -> None:
    one, other = another_regions(DKIM, "eu-west-1", "a"), another_regions(DKIM, "us-east-1", "b")
    probes = Probes(without_underscore="b.domainkey.example.com")
    findings = diagnose_all([RecordCase(one, found(*one.values)), RecordCase(other, NOT_THERE, probes)])
    assert "without the underscore" in findings[1].message


def test_nothing_found_matches_nothing() -> None:
    assert not any(matches(record, ()) for record in (DKIM, MX, SPF, KEY))

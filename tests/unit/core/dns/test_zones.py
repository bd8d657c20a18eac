"""Which hosted zone holds a domain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.zone_sets import ZoneSet, zone_view
from ses_operator.core.dns.zones import Cut, choose_zone, cuts_above, part_domain, zones_in_question
from ses_operator.core.model.problems import Problem
from ses_operator.core.state.publication import DnsZone

CORP = DnsZone("Z1", "example.com")
MAIL = DnsZone("Z2", "mail.example.com")
TWIN = DnsZone("Z3", "example.com")
AS_ROLE = DnsZone("Z1", "example.com", "arn:aws:iam::210987654321:role/dns")


@pytest.mark.parametrize(
    ("domain", "configured", "listed", "chosen"),
    [
        pytest.param("a.example.com", [], [CORP], CORP, id="a parent's zone"),
        pytest.param("example.com", [], [CORP], CORP, id="the domain's own zone"),
        pytest.param("a.mail.example.com", [], [CORP, MAIL], MAIL, id="the longest match"),
        pytest.param("a.mail.example.com", [CORP], [MAIL], MAIL, id="the longest, though another is configured"),
        pytest.param("a.example.com", [TWIN], [CORP], TWIN, id="of two of one name the one that is configured"),
        pytest.param("a.example.com", [AS_ROLE], [CORP], AS_ROLE, id="configured with a role, and listed as well"),
    ],
)
def test_the_zone_of_a_domain_is(
    domain: str, configured: list[DnsZone], listed: list[DnsZone], chosen: DnsZone
) -> None:
    assert choose_zone(domain, configured, listed) == chosen


@pytest.mark.parametrize(
    ("configured", "listed", "ours", "chosen"),
    [
        pytest.param([], [CORP, TWIN], {"Z1"}, CORP, id="of two of one name the one that has the ledger"),
        pytest.param([CORP, TWIN], [], {"Z3"}, TWIN, id="of two that are configured, too"),
        pytest.param([], [CORP, MAIL], {"Z1"}, CORP, id="a nearer one that appears does not take over"),
        pytest.param([], [CORP, MAIL], {"Z1", "Z2"}, MAIL, id="with a ledger in both the nearest"),
        pytest.param([MAIL], [CORP], {"Z1"}, MAIL, id="one that is configured takes over"),
        pytest.param([TWIN], [CORP], {"Z1"}, TWIN, id="one of the same name that is configured, too"),
    ],
)
def test_what_the_ledger_says_outranks_a_search_and_nothing_else(
    configured: list[DnsZone], listed: list[DnsZone], ours: set[str], chosen: DnsZone
) -> None:
    assert choose_zone("a.mail.example.com", configured, listed, ours) == chosen


_zones = st.lists(st.sampled_from([CORP, MAIL, TWIN, DnsZone("Z4", "example.org")]), unique=True)


@given(_zones, _zones, st.sets(st.sampled_from(["Z1", "Z2", "Z3"])), st.sets(st.sampled_from(["Z1", "Z2", "Z3"])))
def test_only_the_ledgers_in_question_are_needed(
    configured: list[DnsZone], listed: list[DnsZone], ours: set[str], remembered: set[str]
) -> None:
    """Whatever the others hold, the choice is the same: an identity believes to have a ledger where it has one."""
    believed = ours | remembered
    read = {zone.hosted_zone_id for zone in zones_in_question("a.mail.example.com", configured, listed, believed)}
    assert choose_zone("a.mail.example.com", configured, listed, ours & read) == choose_zone(
        "a.mail.example.com", configured, listed, ours
    )


VIEW = zone_view(
    [
        ZoneSet("example.com", "NS", 300, ("ns1.example.net.",)),
        ZoneSet("_domainkey.example.com", "NS", 300, ("NS1.dkim.example.", "ns2.dkim.example.")),
        ZoneSet("a._domainkey.example.com", "NS", 300, ("ns.hidden.example.",)),
        ZoneSet("x.bounce.example.com", "NS", 300, ("ns.x.example.",)),
    ]
)


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("a._domainkey.example.com", "_domainkey.example.com"),
        ("_domainkey.example.com", "_domainkey.example.com"),
        ("b.x.bounce.example.com", "x.bounce.example.com"),
        ("bounce.example.com", None),
        ("example.com", None),
        ("_domainkey.example.org", None),
    ],
)
def test_a_name_is_delegated_where_the_topmost_ns_records_are(name: str, cut: str | None) -> None:
    assert [found.name for found in cuts_above(VIEW, "example.com", [name])] == ([cut] if cut else [])


def test_a_delegation_names_its_servers_in_one_spelling() -> None:
    (cut,) = cuts_above(VIEW, "example.com", ["a._domainkey.example.com", "b._domainkey.example.com"])
    assert cut == Cut("_domainkey.example.com", frozenset({"ns1.dkim.example", "ns2.dkim.example"}))


def test_the_ledger_of_a_part_is_in_the_zone_of_the_part() -> None:
    assert part_domain("mail.example.com", CORP) == "mail.example.com"
    assert (
        part_domain("mail.example.com", DnsZone("Z5", "_domainkey.mail.example.com")) == "_domainkey.mail.example.com"
    )


@pytest.mark.parametrize("domain", ["example.org", "badexample.com", "com"])
def test_a_domain_that_no_zone_holds_is_told_what_to_do(domain: str) -> None:
    problem = choose_zone(domain, [], [CORP, MAIL])
    assert isinstance(problem, Problem)
    assert problem.reason is Reason.HOSTED_ZONE_NOT_FOUND
    assert f"No public hosted zone holds {domain}" in problem.message


@pytest.mark.parametrize(("configured", "listed"), [([], [CORP, TWIN]), ([CORP, TWIN], [])])
def test_two_zones_of_one_name_are_ambiguous_and_named(configured: list[DnsZone], listed: list[DnsZone]) -> None:
    problem = choose_zone("a.example.com", configured, listed)
    assert isinstance(problem, Problem)
    assert problem.reason is Reason.HOSTED_ZONE_AMBIGUOUS
    assert "Z1, Z3" in problem.message

"""Which hosted zone holds a domain."""

from __future__ import annotations

import pytest

from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.zones import choose_zone
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

"""Who may use an account for what, and what is asked of them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.account.guardrails import Guardrails
from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentitySpec
from ses_operator.api.identity.status import WarningStatus
from ses_operator.api.schema.admission import RULES
from ses_operator.core.admission.acceptance import Admission, admit, admit_to_zone
from ses_operator.core.admission.guardrails import GUARDRAILS, violations
from ses_operator.core.admission.tenancy import AdmissionRequest, Namespace
from ses_operator.core.features.keys.dkim_keys import NEW_KEY_BITS, key_bits, new_key, read_key
from ses_operator.core.model.dkim_source import OwnKey
from ses_operator.core.model.name_rights import precision
from ses_operator.core.status.transitions import EventType, new_warnings
from unit.admission_cases import CASES, DOCUMENT_CASES, GRANTS, TEAM_A, TEAM_B, Case

OWN_KEY = {"mode": "BYODKIM", "byodkim": {"selector": "s1", "privateKeySecretRef": {"name": "dkim"}}}


def request(case: Case) -> AdmissionRequest:
    return AdmissionRequest(
        Namespace(case.namespace, case.labels),
        SesIdentitySpec.model_validate(case.identity_spec),
        "production",
        SesAccountSpec.model_validate(case.account),
    )


def asks(account: Any, domain: str = "mail.example.com", name: str = "team-a", **more: Any) -> AdmissionRequest:
    """A request of a namespace whose labels are not known."""
    identity = {"domain": domain, "regions": ["eu-west-1"], **more}
    return AdmissionRequest(
        Namespace(name),
        SesIdentitySpec.model_validate(identity),
        "production",
        SesAccountSpec.model_validate(account),
    )


@pytest.mark.parametrize("case", [*CASES, *DOCUMENT_CASES], ids=lambda case: case.title)
def test_the_account_decides_about(case: Case) -> None:
    admission = admit(request(case))
    problem = admission.problem or admit_to_zone(request(case), "Z1")
    assert (problem.reason if problem else None) == case.refused
    assert tuple(warning.reason for warning in admission.warnings) == case.warned


def test_the_rules_say_the_same_whether_another_holds_the_grant_or_nobody() -> None:
    of_another = admit(asks(GRANTS, "mail.team-b.example.com")).problem
    of_nobody = admit(asks(GRANTS, "mail.team-z.example.org")).problem
    assert of_another is not None
    assert of_nobody is not None
    assert of_another.message == of_nobody.message.replace("mail.team-z.example.org", "mail.team-b.example.com")


@pytest.mark.parametrize(("bits", "held"), [(None, False), (1024, True), (1536, True), (2048, False)])
@pytest.mark.parametrize("action", ["Enforce", "Warn"])
def test_a_key_of_the_customers_is_measured_where_it_is_known(bits: int | None, *, held: bool, action: str) -> None:
    asked = asks({"guardrails": {"dkim": {"action": action}}}, dkim=OWN_KEY)
    admission = admit(replace(asked, key_bits=bits))
    assert (admission.problem is not None) == (held and action == "Enforce")
    assert len(admission.warnings) == (held and action == "Warn")
    if admission.problem is not None:
        assert admission.problem.reason is Reason.DKIM_REQUIRED
        assert admission.problem.message == (
            "SesAccount production requires a DKIM key of at least 2048 bits (guardrail dkim); the key in the Secret dkim "
            f"has {bits}: "
            "put a longer one there and choose another spec.dkim.byodkim.selector"
        )


def test_each_guardrail_is_told_once() -> None:
    asked = asks({"guardrails": {"dkim": {"action": "Warn"}}}, dkim={**OWN_KEY, "signingEnabled": False})
    assert [warning.reason for warning in admit(replace(asked, key_bits=1024)).warnings] == [Reason.DKIM_REQUIRED]


def test_the_length_of_a_key_is_that_of_its_public_half() -> None:
    key = read_key("s1", new_key())
    assert isinstance(key, OwnKey)
    assert key_bits(key.public_key) == NEW_KEY_BITS


def test_all_guardrails_that_are_not_met_are_told_at_once_with_the_field_to_change() -> None:
    guardrails = {"mailFrom": {}, "minimumRegions": {"count": 2}, "dmarc": {"minimumPolicy": "none", "action": "Warn"}}
    admission = admit(asks({"guardrails": guardrails}))
    assert admission.problem is not None
    assert admission.problem.reason is Reason.TOO_FEW_REGIONS
    assert "spec.regions" in admission.problem.message
    assert "spec.mailFrom" in admission.problem.message
    assert [warning.reason for warning in admission.warnings] == [Reason.DMARC_TOO_WEAK]


@pytest.mark.parametrize("case", [*CASES, *DOCUMENT_CASES], ids=lambda case: case.title)
def test_every_guardrail_names_the_field_to_change(case: Case) -> None:
    for violation in violations(request(case).identity, request(case).account):
        assert re.search(r"\bspec\.[a-zA-Z]+", violation.message("production"))


def test_the_apiserver_can_be_asked_about_every_guardrail() -> None:
    members = {field.alias for field in Guardrails.model_fields.values()}
    assert {rule.guardrail for rule in RULES if rule.guardrail} == members
    assert len(members) == len(GUARDRAILS)


def test_every_guardrail_has_a_case_that_breaks_it() -> None:
    broken = {reason for case in CASES for reason in case.warned}
    assert len(broken) == len(GUARDRAILS)


LABELLED = {"matchLabels": {"mail": "yes"}}


@pytest.mark.parametrize(
    ("tenancy", "reason"),
    [
        pytest.param({"namespaces": LABELLED}, Reason.NAMESPACE_LABELS_UNKNOWN, id="only labels can tell"),
        pytest.param(
            {"namespaces": {**TEAM_A, **LABELLED}}, Reason.NAMESPACE_LABELS_UNKNOWN, id="the name will not do"
        ),
        pytest.param({"namespaces": {**TEAM_B, **LABELLED}}, Reason.NAMESPACE_NOT_ALLOWED, id="the name is another"),
        pytest.param({"namespaces": TEAM_A}, None, id="the name suffices"),
        pytest.param(
            {
                "grants": [
                    {"name": "l", "domains": ["*.example.com"], "namespaces": LABELLED},
                    {"name": "n", "domains": ["*.example.com"], "namespaces": TEAM_A},
                ]
            },
            None,
            id="one of two grants is by name",
        ),
        pytest.param(
            {"grants": [{"name": "l", "domains": ["*.example.com"], "namespaces": LABELLED}]},
            Reason.NAMESPACE_LABELS_UNKNOWN,
            id="the grant is by label",
        ),
    ],
)
def test_unknown_labels_keep_out_where_they_matter_and_do_not_stall(tenancy: Any, reason: Reason | None) -> None:
    problem = admit(asks({"tenancy": tenancy})).problem
    assert (problem.reason if problem else None) == reason
    assert not Reason.NAMESPACE_LABELS_UNKNOWN.stalls


ZONES = {
    "dns": {
        "zones": [
            {"name": "a", "hostedZoneID": "Z1", "namespaces": TEAM_A, "allowedDomains": ["*.team-a.example.com"]},
            {"name": "b", "hostedZoneID": "Z1", "allowedDomains": ["*.team-b.example.com", "mail.example.com"]},
            {"name": "open", "hostedZoneID": "Z2"},
            {"name": "labelled", "hostedZoneID": "Z3", "namespaces": LABELLED},
        ]
    }
}


@pytest.mark.parametrize(
    ("domain", "zone", "named", "reason"),
    [
        pytest.param("m.team-a.example.com", "Z1", None, None, id="a name that one entry allows"),
        pytest.param("mail.example.com", "Z1", None, None, id="a name that another entry of the zone allows"),
        pytest.param("example.com", "Z1", None, Reason.ZONE_NOT_ALLOWED, id="a name that none allows"),
        pytest.param("m.team-b.example.com", "Z1", "a", Reason.ZONE_NOT_ALLOWED, id="the entry that is named decides"),
        pytest.param("anything.example.org", "Z2", None, None, id="a zone without restrictions"),
        pytest.param("anything.example.org", "Z9", None, None, id="a zone that the account does not list"),
        pytest.param("x.example.com", "Z3", None, Reason.NAMESPACE_LABELS_UNKNOWN, id="labels that are not known"),
    ],
)
def test_a_zone_takes_the_names_and_namespaces_that_it_is_open_to(
    domain: str, zone: str, named: str | None, reason: Reason | None
) -> None:
    dns: dict[str, Any] = {"dns": {"route53": {"zoneRef": {"name": named}}}} if named else {}
    problem = admit_to_zone(asks(ZONES, domain, **dns), zone)
    assert (problem.reason if problem else None) == reason


def test_a_zone_is_closed_to_a_namespace_that_it_does_not_name() -> None:
    problem = admit_to_zone(asks(ZONES, "m.team-a.example.com", name="team-b"), "Z1")
    assert problem is not None
    assert problem.reason is Reason.ZONE_NOT_ALLOWED
    assert "team-a" not in problem.message.replace("m.team-a.example.com", "")


def test_a_warning_is_told_when_it_comes_and_not_again() -> None:
    warning = WarningStatus(reason=Reason.TOO_FEW_REGIONS, message="add 1 to spec.regions")
    (told,) = new_warnings((), (warning,))
    assert (told.type, told.reason) == (EventType.WARNING, Reason.TOO_FEW_REGIONS)
    assert new_warnings((warning,), (warning,)) == ()
    assert new_warnings((warning,), ()) == ()


LABELS = st.lists(st.sampled_from(["a", "b", "team-a", "example", "com"]), min_size=2, max_size=5).map(".".join)


@given(domain=LABELS, above=LABELS)
def test_a_pattern_names_itself_before_any_wildcard_and_a_longer_wildcard_before_a_shorter(
    domain: str, above: str
) -> None:
    exact, longer, shorter = (precision(p, f"{domain}.{above}") for p in (f"{domain}.{above}", f"*.{above}", "*.com"))
    assert exact > longer > 0
    assert longer >= shorter
    assert precision(f"*.{domain}", domain) == 0


@given(domain=LABELS)
def test_an_account_without_rules_lets_everybody_in(domain: str) -> None:
    assert admit(asks({}, domain)) == Admission()

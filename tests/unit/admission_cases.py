"""What namespaces ask of accounts, and what comes of it: one table for the pure rules and for the apiserver's admission.

A case is what stands in YAML: the spec of a SesAccount, the namespace with its labels, the spec of a SesIdentity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ses_operator.api.base.reasons import Reason

Spec = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """``refused`` None: let in. ``warned``: of what. Everything that a rule does not look at has a plain value."""

    title: str
    account: Spec
    identity: Spec = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = "team-a"
    refused: Reason | None = None
    warned: tuple[Reason, ...] = ()

    @property
    def identity_spec(self) -> dict[str, Any]:
        spec = {"domain": "mail.example.com", "regions": ["eu-west-1"], **self.identity}
        return {member: value for member, value in spec.items() if value is not None}


def _for(**labels: str) -> Spec:
    return {"tenancy": {"namespaces": {"matchLabels": labels}}}


def _expecting(key: str, operator: str, *values: str) -> Spec:
    requirement = {"key": key, "operator": operator, **({"values": list(values)} if values else {})}
    return {"tenancy": {"namespaces": {"matchExpressions": [requirement]}}}


ADDRESS = {"domain": None, "email": "Me@Mail.example.com"}
TEAM_A, TEAM_B = {"matchNames": ["team-a"]}, {"matchNames": ["team-b"]}
GRANTS = {
    "tenancy": {
        "grants": [
            {
                "name": "platform",
                "domains": ["example.com", "*.example.com"],
                "namespaces": {"matchNames": ["platform"]},
            },
            {"name": "a", "domains": ["*.team-a.example.com", "team-a.example.com"], "namespaces": TEAM_A},
            {"name": "b", "domains": ["*.team-b.example.com", "x.team-a.example.com"], "namespaces": TEAM_B},
            {"name": "shared", "domains": ["*.shared.example.com"], "namespaces": {"matchLabels": {"mail": "yes"}}},
            {"name": "shared-too", "domains": ["*.shared.example.com"], "namespaces": TEAM_B},
            {"name": "short", "domains": ["*.ab.cd", "a.ab.cd"], "namespaces": {}},
        ]
    }
}


def _grant(title: str, domain: str, namespace: str, *, refused: bool = False, **labels: str) -> Case:
    reason = Reason.DOMAIN_NOT_GRANTED if refused else None
    return Case(title, GRANTS, {"domain": domain}, labels, namespace, reason)


HOLDS = {
    "tenancy": {
        "grants": [
            {"name": "org", "domains": ["example.org"], "namespaces": {"matchNames": ["platform"]}},
            {"name": "a", "domains": ["team-a.example.org", "*.team-a.example.org"], "namespaces": TEAM_A},
            {"name": "labelled", "domains": ["*.l.example.org"], "namespaces": {"matchLabels": {"mail": "yes"}}},
        ]
    }
}
"""A domain without a wildcard, and names below it that others have."""


def _mail_from(title: str, subdomain: str, *, refused: bool = False, scope: str = "Shared", **more: Any) -> Case:
    """MAIL FROM of the team that has the domain alone."""
    asked = {"domain": "example.org", "mailFrom": {"subdomain": subdomain, "scope": scope}, **more.pop("identity", {})}
    reason = Reason.DOMAIN_NOT_GRANTED if refused else None
    return Case(title, more.pop("account", HOLDS), asked, more.pop("labels", {}), "platform", reason)


MAIL_FROM_CASES = (
    _mail_from("MAIL FROM at a name that no one else has", "bounce"),
    _mail_from("MAIL FROM at names that no one else has", "bounce", scope="PerRegion"),
    _mail_from("MAIL FROM at a name that another has", "team-a", refused=True),
    _mail_from("MAIL FROM below a name that another has", "bounce.team-a", refused=True),
    _mail_from("MAIL FROM with a region at the end of a name that another has", "team-a", scope="PerRegion"),
    _mail_from("MAIL FROM in a region, below no name that another has", "b.team-a", scope="PerRegion"),
    _mail_from(
        "MAIL FROM at the name that another has for one of the regions",
        "b",
        refused=True,
        scope="PerRegion",
        identity={"regions": ["eu-west-1", "us-east-1"]},
        account={
            "tenancy": {
                "grants": [
                    {"name": "org", "domains": ["example.org"], "namespaces": {}},
                    {"name": "b", "domains": ["b-us-east-1.example.org"], "namespaces": TEAM_A},
                ]
            }
        },
    ),
    _mail_from(
        "MAIL FROM below a wildcard of another",
        "bounce",
        refused=True,
        account={
            "tenancy": {
                "grants": [
                    {"name": "org", "domains": ["example.org"], "namespaces": {}},
                    {"name": "all", "domains": ["*.example.org"], "namespaces": TEAM_A},
                ]
            }
        },
    ),
    _mail_from(
        "MAIL FROM below a wildcard of two",
        "bounce",
        account={
            "tenancy": {
                "grants": [
                    {"name": "org", "domains": ["example.org"], "namespaces": {}},
                    {"name": "all", "domains": ["*.example.org"], "namespaces": TEAM_A},
                    {"name": "too", "domains": ["*.example.org"], "namespaces": {"matchNames": ["platform"]}},
                ]
            }
        },
    ),
    _mail_from("MAIL FROM at a name granted by a label", "x.l", labels={"mail": "yes"}),
    _mail_from("MAIL FROM at a name granted to another label", "x.l", refused=True, labels={"mail": "no"}),
)


def _in_zone(title: str, subdomain: str, *entries: Spec, refused: bool = False) -> Case:
    """MAIL FROM in the hosted zone that the identity chooses by name."""
    zones = [{"hostedZoneID": "Z1", **entry} for entry in entries]
    asked = {
        "domain": "example.org",
        "mailFrom": {"subdomain": subdomain, "scope": "Shared"},
        "dns": {"route53": {"zoneRef": {"name": "org"}}},
    }
    reason = Reason.ZONE_NOT_ALLOWED if refused else None
    return Case(title, {"dns": {"zones": zones}}, asked, {}, "platform", reason)


ORG = {"name": "org", "allowedDomains": ["example.org"]}
OF_TEAM_A = {"name": "a", "allowedDomains": ["team-a.example.org"], "namespaces": TEAM_A}
ZONE_CASES = (
    _in_zone("a name below a domain that the zone allows", "bounce", ORG, OF_TEAM_A),
    _in_zone("a name in the zone that is another's", "team-a", ORG, OF_TEAM_A, refused=True),
    _in_zone("a name that is another's in another zone", "team-a", ORG, {**OF_TEAM_A, "hostedZoneID": "Z2"}),
    _in_zone("a name that an open entry has", "team-a", ORG, {**OF_TEAM_A, "namespaces": {}}),
    _in_zone(
        "a name that the entry allows too",
        "team-a",
        {**ORG, "allowedDomains": ["example.org", "*.example.org"]},
        OF_TEAM_A,
    ),
    _in_zone("a zone that is open to all names", "team-a", {"name": "org"}, OF_TEAM_A),
    _in_zone("a zone for others", "bounce", {**ORG, "namespaces": TEAM_A}, refused=True),
    _in_zone("a zone for other names", "bounce", {**ORG, "allowedDomains": ["example.com"]}, refused=True),
)
"""The zone is known from the object alone, and so the apiserver can judge too."""

TENANCY_CASES = (
    Case("without rules everybody may ask for anything", {}),
    Case("a namespace with the label", _for(mail="yes"), labels={"mail": "yes", "more": "1"}),
    Case(
        "a namespace with another value", _for(mail="yes"), labels={"mail": "no"}, refused=Reason.NAMESPACE_NOT_ALLOWED
    ),
    Case("a namespace without the label", _for(mail="yes"), refused=Reason.NAMESPACE_NOT_ALLOWED),
    Case("a namespace by name", {"tenancy": {"namespaces": TEAM_A}}),
    Case("a namespace of another name", {"tenancy": {"namespaces": TEAM_B}}, refused=Reason.NAMESPACE_NOT_ALLOWED),
    Case("an empty selector", {"tenancy": {"namespaces": {}}}),
    Case("In, with it", _expecting("stage", "In", "dev", "test"), labels={"stage": "test"}),
    Case(
        "In, with another",
        _expecting("stage", "In", "dev"),
        labels={"stage": "prod"},
        refused=Reason.NAMESPACE_NOT_ALLOWED,
    ),
    Case("NotIn, with another", _expecting("stage", "NotIn", "dev"), labels={"stage": "prod"}),
    Case("NotIn, without the label", _expecting("stage", "NotIn", "dev")),
    Case(
        "NotIn, with it",
        _expecting("stage", "NotIn", "dev"),
        labels={"stage": "dev"},
        refused=Reason.NAMESPACE_NOT_ALLOWED,
    ),
    Case("Exists, with the label", _expecting("stage", "Exists"), labels={"stage": ""}),
    Case("Exists, without the label", _expecting("stage", "Exists"), refused=Reason.NAMESPACE_NOT_ALLOWED),
    Case("DoesNotExist, without the label", _expecting("stage", "DoesNotExist")),
    Case(
        "DoesNotExist, with the label",
        _expecting("stage", "DoesNotExist"),
        labels={"stage": "x"},
        refused=Reason.NAMESPACE_NOT_ALLOWED,
    ),
    _grant("the exact name", "team-a.example.com", "team-a"),
    _grant("a name below a wildcard", "mail.team-a.example.com", "team-a"),
    _grant("a name far below a wildcard", "a.b.c.team-a.example.com", "team-a"),
    _grant("a longer wildcard decides against a shorter one", "mail.team-a.example.com", "platform", refused=True),
    _grant("a shorter wildcard where no longer one matches", "other.example.com", "platform"),
    _grant("the exact name decides against a wildcard", "x.team-a.example.com", "team-a", refused=True),
    _grant("the exact name below another's wildcard", "x.team-a.example.com", "team-b"),
    _grant("a wildcard does not hold the name above it", "team-b.example.com", "team-b", refused=True),
    _grant("a wildcard ends at a dot", "mail.xteam-b.example.com", "team-b", refused=True),
    Case("an address of a domain that is granted", GRANTS, {"domain": None, "email": "Me@Team-A.example.com"}),
    _grant("a domain that nobody is granted", "example.org", "team-a", refused=True),
    _grant("one of two grants of the same, by name", "m.shared.example.com", "team-b"),
    _grant("one of two grants of the same, by label", "m.shared.example.com", "team-c", mail="yes"),
    _grant("neither of two grants of the same", "m.shared.example.com", "team-c", refused=True),
    _grant("an exact name as long as a wildcard", "a.ab.cd", "team-c"),
    Case(
        "the namespace is asked about before the domain",
        {"tenancy": {"namespaces": TEAM_B, "grants": GRANTS["tenancy"]["grants"]}},
        refused=Reason.NAMESPACE_NOT_ALLOWED,
    ),
)


def _guarded(
    title: str, member: str, guardrail: Spec, identity: Spec, reason: Reason | None, **more: Any
) -> list[Case]:
    """The same, enforced and warned of."""
    warned = {**guardrail, "action": "Warn"}
    return [
        Case(title, {"guardrails": {member: guardrail}, **more}, identity, refused=reason),
        Case(
            f"{title}, as a warning",
            {"guardrails": {member: warned}, **more},
            identity,
            warned=(reason,) if reason else (),
        ),
    ]


TAGS = {"keys": ["owner", "cost-centre"]}
REGIONS = {"regions": ["eu-west-1", "eu-central-1"]}
QUARANTINE = {"minimumPolicy": "quarantine"}


def _dmarc(title: str, dmarc: Spec, *, weak: bool, least: str = "quarantine") -> list[Case]:
    reason = Reason.DMARC_TOO_WEAK if weak else None
    return _guarded(title, "dmarc", {"minimumPolicy": least}, {"dmarc": dmarc}, reason)


def _sender(*principals: str, **more: Any) -> Spec:
    return {"authorizedSenders": [{"name": "partner", "principals": list(principals), **more}]}


COGNITO, PARTNER = "email.cognito-idp.amazonaws.com", "arn:aws:iam::111122223333:root"

GUARDRAIL_CASES = (
    *_guarded("a domain where domains are asked for", "domainsOnly", {}, {}, None),
    *_guarded("an address where domains are asked for", "domainsOnly", {}, ADDRESS, Reason.DOMAIN_IDENTITY_REQUIRED),
    *_guarded("an address where mail has to be signed", "dkim", {}, ADDRESS, None),
    *_guarded("an address where MAIL FROM is asked for", "mailFrom", {}, ADDRESS, None),
    *_guarded("all required tags", "requiredTags", TAGS, {"tags": {"owner": "a", "cost-centre": "42"}}, None),
    *_guarded("no tags", "requiredTags", TAGS, {}, Reason.REQUIRED_TAG_MISSING),
    *_guarded("one of the tags", "requiredTags", TAGS, {"tags": {"owner": "a"}}, Reason.REQUIRED_TAG_MISSING),
    *_guarded(
        "an empty tag", "requiredTags", TAGS, {"tags": {"owner": "", "cost-centre": "42"}}, Reason.REQUIRED_TAG_MISSING
    ),
    *_guarded(
        "a tag of blanks",
        "requiredTags",
        TAGS,
        {"tags": {"owner": " ", "cost-centre": "4"}},
        Reason.REQUIRED_TAG_MISSING,
    ),
    *_guarded(
        "a tag by default of the account",
        "requiredTags",
        TAGS,
        {"tags": {"owner": "a"}},
        None,
        defaultTags={"cost-centre": "1"},
    ),
    *_guarded(
        "a tag of the account made empty",
        "requiredTags",
        {"keys": ["owner"]},
        {"tags": {"owner": ""}},
        Reason.REQUIRED_TAG_MISSING,
        defaultTags={"owner": "a"},
    ),
    *_guarded("an allowed region", "allowedRegions", REGIONS, {}, None),
    *_guarded(
        "a region that is not allowed",
        "allowedRegions",
        REGIONS,
        {"regions": ["eu-west-1", "us-east-1"]},
        Reason.REGION_NOT_ALLOWED,
    ),
    *_guarded("two regions", "minimumRegions", {"count": 2}, {"regions": ["eu-west-1", "eu-west-2"]}, None),
    *_guarded("one region", "minimumRegions", {"count": 2}, {}, Reason.TOO_FEW_REGIONS),
    *_guarded("DKIM by default", "dkim", {}, {}, None),
    *_guarded("DKIM off", "dkim", {}, {"dkim": {"signingEnabled": False}}, Reason.DKIM_REQUIRED),
    *_guarded("a short DKIM key", "dkim", {}, {"dkim": {"keySize": 1024}}, Reason.DKIM_REQUIRED),
    *_guarded("a short DKIM key that will do", "dkim", {"minimumKeySize": 1024}, {"dkim": {"keySize": 1024}}, None),
    *_guarded("with a MAIL FROM domain", "mailFrom", {}, {"mailFrom": {"subdomain": "bounce"}}, None),
    *_guarded("without a MAIL FROM domain", "mailFrom", {}, {}, Reason.MAIL_FROM_REQUIRED),
    *_guarded("no DMARC", "dmarc", QUARANTINE, {}, Reason.DMARC_TOO_WEAK),
    *_dmarc("DMARC none where none will do", {"policy": "none"}, weak=False, least="none"),
    *_dmarc("DMARC none", {"policy": "none"}, weak=True),
    *_dmarc("DMARC quarantine", {"policy": "quarantine"}, weak=False),
    *_dmarc("DMARC reject", {"policy": "reject"}, weak=False),
    *_dmarc("DMARC quarantine where reject is asked for", {"policy": "quarantine"}, weak=True, least="reject"),
    *_dmarc("DMARC that leaves subdomains out", {"policy": "reject", "subdomainPolicy": "none"}, weak=True),
    *_dmarc("DMARC reject for a part of the mail", {"policy": "reject", "percentage": 10}, weak=False),
    *_dmarc("DMARC quarantine for a part of the mail", {"policy": "quarantine", "percentage": 99}, weak=True),
    *_dmarc("DMARC none for a part of the mail", {"policy": "none", "percentage": 5}, weak=False, least="none"),
    *_guarded("an account that may send", "sendingPolicies", {}, _sender(PARTNER), None),
    *_guarded(
        "an account that is listed",
        "sendingPolicies",
        {"allowedAccounts": ["111122223333"]},
        _sender("111122223333"),
        None,
    ),
    *_guarded(
        "an account that is not listed",
        "sendingPolicies",
        {"allowedAccounts": ["444455556666"]},
        _sender(PARTNER),
        Reason.OPEN_SENDING_POLICY,
    ),
    *_guarded("a service for anybody", "sendingPolicies", {}, _sender(COGNITO), Reason.OPEN_SENDING_POLICY),
    *_guarded(
        "a service for one account", "sendingPolicies", {}, _sender(COGNITO, sourceAccounts=["111122223333"]), None
    ),
    *_guarded(
        "a service for an account that is listed",
        "sendingPolicies",
        {"allowedAccounts": ["111122223333"]},
        _sender(COGNITO, sourceAccounts=["111122223333"]),
        None,
    ),
    *_guarded(
        "a service for an account that is not listed",
        "sendingPolicies",
        {"allowedAccounts": ["444455556666"]},
        _sender(COGNITO, sourceAccounts=["111122223333"]),
        Reason.OPEN_SENDING_POLICY,
    ),
    *_guarded(
        "a service for two accounts of which one is listed",
        "sendingPolicies",
        {"allowedAccounts": ["444455556666"]},
        _sender(COGNITO, sourceAccounts=["444455556666", "111122223333"]),
        Reason.OPEN_SENDING_POLICY,
    ),
    *_guarded(
        "a role that is called like a service",
        "sendingPolicies",
        {"allowedAccounts": ["444455556666"]},
        _sender("arn:aws:iam::999999999999:role/evil.amazonaws.com", sourceAccounts=["444455556666"]),
        Reason.OPEN_SENDING_POLICY,
    ),
)


def _policy(**statement: Any) -> Spec:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ses:SendEmail", **statement}]}
    return {"policies": [{"name": "raw", "document": document}]}


DOCUMENT_CASES = (
    *_guarded(
        "a policy for a service and anybody",
        "sendingPolicies",
        {},
        _policy(Principal={"Service": COGNITO}),
        Reason.OPEN_SENDING_POLICY,
    ),
    *_guarded(
        "a policy for a service and one account",
        "sendingPolicies",
        {},
        _policy(Principal={"Service": [COGNITO]}, Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        None,
    ),
    *_guarded("a policy for everybody", "sendingPolicies", {}, _policy(Principal="*"), Reason.OPEN_SENDING_POLICY),
    *_guarded(
        "a policy for an account that is not listed",
        "sendingPolicies",
        {"allowedAccounts": ["444455556666"]},
        _policy(Principal={"AWS": [PARTNER]}),
        Reason.OPEN_SENDING_POLICY,
    ),
    *_guarded("a policy that denies", "sendingPolicies", {}, _policy(Effect="Deny", Principal="*"), None),
    *_guarded(
        "a policy as text",
        "sendingPolicies",
        {},
        {
            "policies": [
                {
                    "name": "raw",
                    "document": '{"Statement": {"Effect": "Allow", "Principal": {"Service": "a.amazonaws.com"}}}',
                }
            ]
        },
        Reason.OPEN_SENDING_POLICY,
    ),
    *_guarded("text that is no policy", "sendingPolicies", {}, {"policies": [{"name": "raw", "document": "[}"}]}, None),
    *_guarded(
        "a list that is no policy", "sendingPolicies", {}, {"policies": [{"name": "raw", "document": "[1]"}]}, None
    ),
)
"""What only the operator can judge: CEL does not read documents of any shape."""

CASES = (*TENANCY_CASES, *MAIL_FROM_CASES, *ZONE_CASES, *GUARDRAIL_CASES)

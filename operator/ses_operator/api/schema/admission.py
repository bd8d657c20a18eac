"""The rules of ``core.admission`` in CEL as well, so that the apiserver itself refuses.

A ValidatingAdmissionPolicy that has every SesAccount as its parameter; an identity is judged by the one that it
names. A table of cases holds both to the same (``tests/unit/admission_cases.py``). What needs more than the objects
(zones found by longest match, policy documents, claims) is judged by the operator alone.
Source: Kubernetes documentation, "Validating Admission Policy"; "Common Expression Language in Kubernetes".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from ses_operator.api.account.guardrails import GuardrailAction
from ses_operator.api.base.meta import ACCOUNT_KIND, API_VERSION, GROUP, IDENTITY_PLURAL, VERSION
from ses_operator.api.base.reasons import Reason

NAME = "ses-operator"
VALIDATION_ACTIONS: Mapping[GuardrailAction, str] = {GuardrailAction.ENFORCE: "Deny", GuardrailAction.WARN: "Warn"}

_API = "admissionregistration.k8s.io/v1"
_HEADER = (
    "# Generated from the rules in ses_operator.api.schema.admission by `ses-operator admission`. "
    "Change those, not this file.\n"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule in CEL: ``holds`` must be true.

    ``members`` of the spec are what it is about: an update that leaves them as they are passes. ``guardrail``: the
    member of spec.guardrails, GUARDRAIL in ``holds``; empty for rules that are always enforced.
    """

    reason: Reason
    members: tuple[str, ...]
    holds: str
    message: str
    guardrail: str = ""


def _selects(selector: str) -> str:
    """Return CEL for: the namespace is selected, as in ``core.tenancy.selects``."""
    labels = "variables.labels"
    requirement = (
        f"e.operator == 'Exists' ? e.key in {labels} : e.operator == 'DoesNotExist' ? !(e.key in {labels}) : "
        f"(e.operator == 'In') == (e.key in {labels} && {labels}[e.key] in e.values)"
    )
    return (
        f"(!has({selector}.matchNames) || size({selector}.matchNames) == 0 || request.namespace in {selector}.matchNames) && "
        f"(!has({selector}.matchLabels) || {selector}.matchLabels.all(k, k in {labels} && "
        f"{labels}[k] == {selector}.matchLabels[k])) && "
        f"(!has({selector}.matchExpressions) || {selector}.matchExpressions.all(e, {requirement}))"
    )


def _precision(pattern: str, name: str = "variables.domain") -> str:
    """Return CEL for how exactly the pattern names the name, as in ``core.model.name_rights.precision``."""
    return (
        f"({pattern} == {name} ? size({name}) + 1 : "
        f"{pattern}.startsWith('*.') && {name}.endsWith({pattern}.substring(1)) ? size({pattern}) : 0)"
    )


def _names(patterns: str, name: str = "variables.domain") -> str:
    """Return CEL for: one of the patterns names the name."""
    return f"{patterns}.exists(p, {_precision('p', name)} > 0)"


def _severity(policy: str) -> str:
    return f"({policy} == 'reject' ? 2 : {policy} == 'quarantine' ? 1 : 0)"


_DKIM = "has(object.spec.dkim)"
_DMARC = "object.spec.dmarc"

VARIABLES: Mapping[str, str] = {
    "labels": "has(namespaceObject.metadata.labels) ? namespaceObject.metadata.labels : {}",
    "mayUse": (
        "!has(params.spec.tenancy) || !has(params.spec.tenancy.namespaces) || "
        f"({_selects('params.spec.tenancy.namespaces')})"
    ),
    "isDomain": "has(object.spec.domain)",
    "domain": "has(object.spec.domain) ? object.spec.domain : object.spec.email.split('@')[1].lowerAscii()",
    "tags": "has(object.spec.tags) ? object.spec.tags : {}",
    "defaultTags": "has(params.spec.defaultTags) ? params.spec.defaultTags : {}",
    "grants": "has(params.spec.tenancy) && has(params.spec.tenancy.grants) ? params.spec.tenancy.grants : []",
    "best": (
        f"size(variables.grants) == 0 ? 0 : variables.grants.map(g, g.domains.map(p, {_precision('p')}).max()).max()"
    ),
    "below": "variables.grants.filter(g, g.domains.exists(p, p.endsWith('.' + variables.domain)))",
    "mailFromNames": (
        "!variables.isDomain || !has(object.spec.mailFrom) ? [] : "
        "has(object.spec.mailFrom.scope) && object.spec.mailFrom.scope == 'Shared' "
        "? [object.spec.mailFrom.subdomain + '.' + object.spec.domain] "
        ": object.spec.regions.map(r, object.spec.mailFrom.subdomain + '-' + r + '.' + object.spec.domain)"
    ),
    "zones": "has(params.spec.dns) && has(params.spec.dns.zones) ? params.spec.dns.zones : []",
    "zoneRef": (
        "has(object.spec.dns) && has(object.spec.dns.route53) && has(object.spec.dns.route53.zoneRef) "
        "? object.spec.dns.route53.zoneRef.name : ''"
    ),
    "signs": f"!({_DKIM} && has(object.spec.dkim.signingEnabled)) || object.spec.dkim.signingEnabled",
    "keySize": (
        f"{_DKIM} && has(object.spec.dkim.mode) && object.spec.dkim.mode == 'BYODKIM' ? 4096 : "
        f"{_DKIM} && has(object.spec.dkim.keySize) ? int(object.spec.dkim.keySize) : 2048"
    ),
    "leastSeverity": (
        f"!has({_DMARC}) ? -1 : [{_severity(_DMARC + '.policy')}, "
        f"has({_DMARC}.subdomainPolicy) ? {_severity(_DMARC + '.subdomainPolicy')} : 2].min()"
    ),
    "severity": (
        f"has({_DMARC}) && has({_DMARC}.percentage) && {_DMARC}.percentage < 100 && variables.leastSeverity > 0 "
        "? variables.leastSeverity - 1 : variables.leastSeverity"
    ),
    "senders": "has(object.spec.authorizedSenders) ? object.spec.authorizedSenders : []",
}
"""Expressions that rules share; each is evaluated once, and only if a rule uses it."""

_ANY_ACCOUNT = "!has(GUARDRAIL.allowedAccounts) || size(GUARDRAIL.allowedAccounts) == 0"
_IS_OF_ACCOUNT = "(p.matches('^[0-9]+$') || p.startsWith('arn:'))"
_ACCOUNT_OF_PRINCIPAL = "(p.matches('^[0-9]+$') ? p : p.split(':')[4])"

RULES: tuple[Rule, ...] = (
    Rule(
        Reason.NAMESPACE_NOT_ALLOWED,
        ("accountRef",),
        "variables.mayUse",
        "may not be used from this namespace; name another in spec.accountRef, or have its spec.tenancy.namespaces select "
        "this one",
    ),
    Rule(
        Reason.DOMAIN_NOT_GRANTED,
        ("domain", "email"),
        "!variables.mayUse || size(variables.grants) == 0 || (variables.best > 0 && variables.grants.exists(g, "
        f"g.domains.exists(p, {_precision('p')} == variables.best) && {_selects('g.namespaces')}))",
        "does not grant this domain to this namespace; ask for a grant in its spec.tenancy.grants",
    ),
    Rule(
        Reason.DOMAIN_NOT_GRANTED,
        ("domain", "mailFrom", "regions"),
        "!variables.mayUse || size(variables.below) == 0 || variables.mailFromNames.all(n, "
        f"[variables.below.map(g, g.domains.map(p, {_precision('p', 'n')}).max()).max()].all(best, best == 0 || "
        f"variables.below.exists(g, g.domains.exists(p, {_precision('p', 'n')} == best) && {_selects('g.namespaces')})))",
        "does not grant the names that spec.mailFrom.subdomain asks for to this namespace; choose another subdomain, or ask "
        "for a grant in its spec.tenancy.grants",
    ),
    Rule(
        Reason.ZONE_NOT_ALLOWED,
        ("dns", "domain", "mailFrom", "regions"),
        "variables.zones.all(z, z.name != variables.zoneRef || ("
        f"(!has(z.namespaces) || ({_selects('z.namespaces')})) && "
        "(!has(z.allowedDomains) || size(z.allowedDomains) == 0 || "
        f"({_names('z.allowedDomains')} && variables.mailFromNames.all(n, {_names('z.allowedDomains', 'n')} || "
        "!variables.zones.exists(o, o.hostedZoneID == z.hostedZoneID && has(o.allowedDomains) && "
        f"has(o.namespaces) && !({_selects('o.namespaces')}) && {_names('o.allowedDomains', 'n')}))))))",
        "does not let this namespace publish records of this domain, or at the names that spec.mailFrom.subdomain asks for, in "
        "the zone of spec.dns.route53.zoneRef; ask for that in "
        "its spec.dns.zones (namespaces, allowedDomains)",
    ),
    Rule(
        Reason.DOMAIN_IDENTITY_REQUIRED,
        ("domain", "email"),
        "variables.isDomain",
        "allows no single addresses (guardrail domainsOnly); create a SesIdentity with spec.domain for the domain of the address",
        "domainsOnly",
    ),
    Rule(
        Reason.REQUIRED_TAG_MISSING,
        ("tags",),
        "GUARDRAIL.keys.all(k, k in variables.tags ? variables.tags[k].trim() != '' : "
        "k in variables.defaultTags && variables.defaultTags[k].trim() != '')",
        "requires tags (guardrail requiredTags); set each that its spec.guardrails.requiredTags names in spec.tags",
        "requiredTags",
    ),
    Rule(
        Reason.REGION_NOT_ALLOWED,
        ("regions",),
        "object.spec.regions.all(r, r in GUARDRAIL.regions)",
        "does not allow all of the regions (guardrail allowedRegions); use only those of its spec.guardrails.allowedRegions "
        "in spec.regions",
        "allowedRegions",
    ),
    Rule(
        Reason.TOO_FEW_REGIONS,
        ("regions",),
        "size(object.spec.regions) >= GUARDRAIL.count",
        "requires more regions (guardrail minimumRegions); add as many to spec.regions as its "
        "spec.guardrails.minimumRegions asks for",
        "minimumRegions",
    ),
    Rule(
        Reason.DKIM_REQUIRED,
        ("dkim",),
        "!variables.isDomain || (variables.signs && variables.keySize >= GUARDRAIL.minimumKeySize)",
        "requires DKIM signing with a long key (guardrail dkim); leave spec.dkim.signingEnabled true, and spec.dkim.keySize "
        "at its default of 2048",
        "dkim",
    ),
    Rule(
        Reason.MAIL_FROM_REQUIRED,
        ("mailFrom",),
        "!variables.isDomain || has(object.spec.mailFrom)",
        "requires a MAIL FROM domain (guardrail mailFrom); set spec.mailFrom, such as {subdomain: bounce}",
        "mailFrom",
    ),
    Rule(
        Reason.DMARC_TOO_WEAK,
        ("dmarc",),
        f"!variables.isDomain || (variables.severity >= {_severity('GUARDRAIL.minimumPolicy')})",
        "requires a stricter DMARC policy (guardrail dmarc); raise policy, subdomainPolicy or percentage of spec.dmarc to "
        "what its "
        "spec.guardrails.dmarc.minimumPolicy asks for",
        "dmarc",
    ),
    Rule(
        Reason.OPEN_SENDING_POLICY,
        ("authorizedSenders",),
        f"variables.senders.all(s, s.principals.all(p, {_IS_OF_ACCOUNT} "
        f"? {_ANY_ACCOUNT} || {_ACCOUNT_OF_PRINCIPAL} in GUARDRAIL.allowedAccounts "
        f": has(s.sourceAccounts) && size(s.sourceAccounts) > 0 && ({_ANY_ACCOUNT} || "
        "s.sourceAccounts.all(a, a in GUARDRAIL.allowedAccounts))))",
        "does not allow a sending policy that is so open (guardrail sendingPolicies); name the sourceAccounts of each AWS "
        "service "
        "in spec.authorizedSenders, and only accounts of its "
        "spec.guardrails.sendingPolicies.allowedAccounts",
        "sendingPolicies",
    ),
)


def manifests() -> Iterator[dict[str, Any]]:
    """Yield a policy and its binding, once for the enforced rules and once for those that warn."""
    for action in GuardrailAction:
        name = f"{NAME}-{action.value.lower()}"
        yield {
            "apiVersion": _API,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": _spec(action),
        }
        yield {
            "apiVersion": _API,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {
                "policyName": name,
                "validationActions": [VALIDATION_ACTIONS[action]],
                "paramRef": {"selector": {}, "parameterNotFoundAction": "Allow"},
            },
        }


def render() -> str:
    """Return all of them as YAML; the same text each time."""
    return _HEADER + yaml.safe_dump_all(manifests(), sort_keys=False, width=120)


def _spec(action: GuardrailAction) -> dict[str, Any]:
    return {
        "failurePolicy": "Fail",
        "paramKind": {"apiVersion": API_VERSION, "kind": ACCOUNT_KIND},
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [GROUP],
                    "apiVersions": [VERSION],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": [IDENTITY_PLURAL],
                }
            ]
        },
        "matchConditions": [
            {"name": "of-this-account", "expression": "object.spec.accountRef.name == params.metadata.name"},
            {"name": "not-on-its-way-out", "expression": "!has(object.metadata.deletionTimestamp)"},
            {"name": "spec-is-new", "expression": "oldObject == null || object.spec != oldObject.spec"},
        ],
        "variables": [{"name": name, "expression": expression} for name, expression in VARIABLES.items()],
        "validations": [
            _validation(rule, action) for rule in RULES if rule.guardrail or action is GuardrailAction.ENFORCE
        ],
    }


def _validation(rule: Rule, action: GuardrailAction) -> dict[str, str]:
    same = " && ".join(_is_unchanged(f"spec.{member}") for member in rule.members)
    conditions = [f"oldObject != null && {same}"]
    if rule.guardrail:
        path = f"params.spec.guardrails.{rule.guardrail}"
        conditions.append(f"!has(params.spec.guardrails) || !has({path}) || {path}.action != '{action}'")
        conditions.append(rule.holds.replace("GUARDRAIL", path))
    else:
        conditions.append(rule.holds)
    return {
        "expression": " || ".join(f"({condition})" for condition in conditions),
        "messageExpression": f"'{rule.reason}: SesAccount ' + params.metadata.name + ' {rule.message}'",
        "message": f"{rule.reason}: the SesAccount {rule.message}",
    }


def _is_unchanged(path: str) -> str:
    now, before = f"object.{path}", f"oldObject.{path}"
    return f"has({now}) == has({before}) && (!has({now}) || {now} == {before})"

"""Specs of SesAccounts about tenants and guardrails that the apiserver refuses."""

from __future__ import annotations

from typing import Any

from cluster.crds import Case


def _tenancy(title: str, tenancy: Any, field: str, message: str) -> Case:
    return Case(title, {"tenancy": tenancy}, f"spec.tenancy.{field}", message)


def _requirement(title: str, **requirement: Any) -> Case:
    namespaces = {"matchExpressions": [{"key": "stage", **requirement}]}
    return _tenancy(
        title, {"namespaces": namespaces}, "namespaces.matchExpressions[0]", "write values with In and NotIn"
    )


def _grant(title: str, field: str, message: str, **grant: Any) -> Case:
    whole = {"name": "team-a", "domains": ["*.example.com"], "namespaces": {}, **grant}
    return _tenancy(title, {"grants": [whole]}, f"grants[0].{field}", message)


def _guardrail(title: str, member: str, guardrail: Any, field: str, message: str) -> Case:
    return Case(title, {"guardrails": {member: guardrail}}, f"spec.guardrails.{member}.{field}", message)


def _audit(title: str, member: str, value: Any, message: str, at: str = "") -> Case:
    return Case(title, {"audit": {member: value}}, f"spec.audit.{at or member}", message)


PATTERN = "write a domain in lower case"
AT_LEAST_ONE = "name at least one, or leave the guardrail out"

ROLE = "arn:aws:iam::123456789012:role/r"


def _credentials(title: str, credentials: Any, field: str, message: str) -> Case:
    return Case(title, {"credentials": credentials}, f"spec.credentials.{field}", message)


def _notifications(title: str, field: str, message: str, **members: Any) -> Case:
    valid = {"from": "ses@example.com", "to": ["team@example.com"], "region": "eu-west-1", **members}
    return Case(title, {"notifications": valid}, f"spec.notifications.{field}", message)


NOTIFICATION_CASES = (
    _notifications("emails for nobody", "to", "name at least one address that gets the emails", to=[]),
    _notifications("one address twice", "to", "write each address once", to=["a@example.com"] * 2),
    _notifications("answers to one address twice", "replyTo", "write each address once", replyTo=["a@example.com"] * 2),
    _notifications(
        "eleven recipients",
        "to",
        "must have at most 10 items",
        to=[f"team-{number}@example.com" for number in range(11)],
    ),
    _notifications("a recipient without domain", "to[0]", "write an email address", to=["team"]),
    _notifications(
        "a sender with a display name", "from", "write the address alone", **{"from": "SES <a@example.com>"}
    ),
    _notifications(
        "a header as recipient", "to[0]", "write the address alone", to=["a@example.com\r\nBcc: b@example.com"]
    ),
    _notifications(
        "a sender with a long name", "from", "shorten the part before the @", **{"from": f"{'a' * 65}@example.com"}
    ),
    _notifications(
        "a recipient that is too long", "to[0]", "at most 254 characters", to=[f"a@{'b.' * 130}example.com"]
    ),
    _notifications("no region that could be", "region", "write the code of an AWS region", region="Europe"),
    _notifications("no moments", "moments", "name at least one moment, or leave moments out for all", moments=[]),
    _notifications("one moment twice", "moments", "write each moment once", moments=["Stuck", "Stuck"]),
    _notifications("a moment that there is not", "moments[0]", "Unsupported value", moments=["Sent"]),
    _notifications("stuck at once", "stuckAfter", "write a duration from 1s to 720h", stuckAfter="0s"),
    _notifications("a digest of days", "digestAfter", "write a duration from 0s to 1h", digestAfter="48h"),
    _notifications("no email in an hour", "maxPerHour", "should be greater than or equal to 1", maxPerHour=0),
    _notifications(
        "a configuration set by its ARN",
        "configurationSetName",
        "write the name of a configuration set",
        configurationSetName="arn:aws:ses",
    ),
)

GOVERNANCE_CASES = (
    *NOTIFICATION_CASES,
    _credentials("a profile without a name", {"profile": ""}, "profile", "write the name of a profile"),
    _credentials(
        "a role on the way by its name",
        {"assumeRole": {"roleARN": ROLE, "via": [{"roleARN": "hub"}]}},
        "assumeRole.via[0].roleARN",
        "write the ARN of an IAM role",
    ),
    _credentials(
        "a token for a session without a name",
        {"webIdentity": {"serviceAccountRef": {"name": "ses"}, "roleARN": ROLE, "sessionName": "a b"}},
        "webIdentity.sessionName",
        "write a session name",
    ),
    _credentials("metadata that are off", {"instanceMetadata": "Off"}, "instanceMetadata", "Unsupported value"),
    _requirement("In without values", operator="In"),
    _requirement("Exists with values", operator="Exists", values=["dev"]),
    _grant("a grant of nothing", "domains", "name at least one domain", domains=[]),
    _grant("a grant of everything", "domains[0]", PATTERN, domains=["*"]),
    _grant("a grant in capitals", "domains[0]", PATTERN, domains=["Example.com"]),
    _grant("a grant with a wildcard inside", "domains[0]", PATTERN, domains=["mail.*.example.com"]),
    _grant("a grant to nobody in particular", "namespaces", "Required value", namespaces=None),
    Case(
        "a zone for a domain with a dot at its end",
        {"dns": {"zones": [{"name": "corp", "hostedZoneID": "Z1", "allowedDomains": ["example.com."]}]}},
        "spec.dns.zones[0].allowedDomains[0]",
        PATTERN,
    ),
    _guardrail(
        "a guardrail that does something else", "domainsOnly", {"action": "Deny"}, "action", "Unsupported value"
    ),
    _guardrail("no required tags", "requiredTags", {"keys": []}, "keys", AT_LEAST_ONE),
    _guardrail("no allowed regions", "allowedRegions", {"regions": []}, "regions", AT_LEAST_ONE),
    _guardrail(
        "a region by its name",
        "allowedRegions",
        {"regions": ["Ireland"]},
        "regions[0]",
        "write the code of an AWS region",
    ),
    _guardrail("one region at least", "minimumRegions", {"count": 1}, "count", "Invalid value"),
    _guardrail("a key of 512 bits", "dkim", {"minimumKeySize": 512}, "minimumKeySize", "Unsupported value"),
    _guardrail("another DMARC policy", "dmarc", {"minimumPolicy": "strict"}, "minimumPolicy", "Unsupported value"),
    _guardrail(
        "an account by its name",
        "sendingPolicies",
        {"allowedAccounts": ["acme"]},
        "allowedAccounts[0]",
        "write the id of",
    ),
    _audit("an audit each minute", "interval", "1m", "write a duration from 1h to 720h"),
    _audit("an audit each year", "interval", "8760h", "write a duration from 1h to 720h"),
    _audit("an interval in days", "interval", "1d", "write a duration from 1h to 720h"),
    _audit("pending for longer than SES waits", "pendingLongerThan", "73h", "write a duration from 0s to 72h"),
    _audit("an audited region by its name", "regions", ["Ireland"], "write the code of an AWS region", "regions[0]"),
    _audit("a region that is audited twice", "regions", ["eu-west-1", "eu-west-1"], "name each region once"),
    _audit("unused for no time", "unusedForDays", 0, "Invalid value"),
    _audit("more than all of the quota", "quotaNearPercent", 101, "Invalid value"),
)

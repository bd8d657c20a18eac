"""What a message advises is done, as a person would do it, and works: for each message that no other test follows.

``tests/unit/docs/test_advice.py`` has the whole table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from cluster.tenant import Tenant
from cluster.verdicts import explains
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.sending import MAX_POLICIES

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
PARTNER = {"name": "partner", "principals": ["111122223333"]}


@dataclass(frozen=True)
class Advice:
    """A guardrail, a spec that does not meet it, words of the message, and what the message says to write instead."""

    reason: Reason
    guardrail: dict[str, Any]
    words: tuple[str, ...]
    spec: dict[str, Any] = field(default_factory=dict)
    instead: dict[str, Any] = field(default_factory=dict)


GUARDRAILS = (
    Advice(
        Reason.REGION_NOT_ALLOWED,
        {"allowedRegions": {"regions": [VIRGINIA]}},
        (IRELAND, VIRGINIA, "spec.regions"),
        {"regions": [IRELAND, VIRGINIA]},
        {"regions": [VIRGINIA]},
    ),
    Advice(
        Reason.REGION_NOT_ALLOWED,
        {"allowedRegions": {"regions": [VIRGINIA]}},
        (IRELAND, VIRGINIA, "spec.regions", "replace"),
        {"regions": [IRELAND]},
        {"regions": [VIRGINIA]},
    ),
    Advice(
        Reason.TOO_FEW_REGIONS,
        {"minimumRegions": {"count": 2}},
        ("at least 2 regions", "add 1 to spec.regions"),
        {},
        {"regions": [IRELAND, VIRGINIA]},
    ),
    Advice(
        Reason.DKIM_REQUIRED,
        {"dkim": {"minimumKeySize": 2048}},
        ("2048", "spec.dkim"),
        {"dkim": {"keySize": 1024}},
        {"dkim": {"keySize": 2048}},
    ),
    Advice(
        Reason.DKIM_REQUIRED,
        {"dkim": {}},
        ("spec.dkim.signingEnabled",),
        {"dkim": {"signingEnabled": False}},
        {"dkim": {"signingEnabled": True}},
    ),
    Advice(Reason.MAIL_FROM_REQUIRED, {"mailFrom": {}}, ("spec.mailFrom",), {}, {"mailFrom": {"subdomain": "bounce"}}),
    Advice(
        Reason.DMARC_TOO_WEAK,
        {"dmarc": {"minimumPolicy": "quarantine"}},
        ("quarantine", "spec.dmarc"),
        {"dmarc": {"policy": "none"}},
        {"dmarc": {"policy": "quarantine"}},
    ),
    Advice(
        Reason.OPEN_SENDING_POLICY,
        {"sendingPolicies": {"allowedAccounts": ["444455556666"]}},
        ("111122223333",),
        {"authorizedSenders": [PARTNER]},
        {"authorizedSenders": [{**PARTNER, "principals": ["444455556666"]}]},
    ),
)


@pytest.mark.parametrize("advice", GUARDRAILS, ids=lambda advice: "-".join((advice.reason, *advice.guardrail)))
def test_what_a_guardrail_asks_for_is_enough(tenant: Tenant, advice: Advice) -> None:
    _guard(tenant, advice.guardrail)
    regions = advice.spec.get("regions", [IRELAND])
    tenant.create(*regions, **{name: value for name, value in advice.spec.items() if name != "regions"})
    explains(tenant, advice.reason, tenant.account, *advice.words)
    assert tenant.at_ses() == {}

    tenant.change(**advice.instead)
    tenant.ready()


def test_a_domain_takes_the_place_of_an_address_where_only_domains_are_allowed(tenant: Tenant) -> None:
    _guard(tenant, {"domainsOnly": {}})
    tenant.create(IRELAND, domain=None, email=f"billing@{tenant.domain}")
    explains(tenant, Reason.DOMAIN_IDENTITY_REQUIRED, tenant.account, "spec.domain", tenant.domain)

    tenant.delete()
    tenant.gone()
    tenant.create_ready(IRELAND)


def test_so_many_tags_removed_as_are_too_many_are_enough(tenant: Tenant) -> None:
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"defaultTags": {f"d{n}": "x" for n in range(30)}}})
    tags: dict[str, str | None] = {f"t{n}": "x" for n in range(25)}
    tenant.create(IRELAND, tags=tags)
    explains(tenant, Reason.TOO_MANY_TAGS, "57 tags together; SES allows 50", "Remove 7 from spec.tags")

    tenant.change(tags={f"t{n}": None for n in range(7)})
    tenant.ready()


def test_a_policy_removed_in_ses_makes_room_for_one_of_the_spec(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    ses = tenant.ses(IRELAND)
    arn = f"arn:aws:ses:{IRELAND}:123456789012:identity/{tenant.domain}"
    theirs = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "ses:SendEmail", "Resource": arn}
    for number in range(MAX_POLICIES):
        ses.create_email_identity_policy(
            EmailIdentity=tenant.domain, PolicyName=f"their-{number}", Policy=json.dumps({"Statement": [theirs]})
        )
    tenant.change(authorizedSenders=[PARTNER])
    explains(tenant, Reason.QUOTA_EXCEEDED, tenant.domain, IRELAND, "Remove 1 in SES")

    ses.delete_email_identity_policy(EmailIdentity=tenant.domain, PolicyName="their-0")
    tenant.request_reconcile()
    tenant.ready()


@pytest.mark.parametrize(
    ("statement", "mend"),
    [
        ({"Principal": "*"}, {"Principal": {"AWS": "111122223333"}}),
        ({"Resource": "*"}, {"Resource": None}),
    ],
    ids=["principal", "resource"],
)
def test_a_policy_that_is_corrected_as_the_message_says_is_set(
    tenant: Tenant, statement: dict[str, Any], mend: dict[str, Any]
) -> None:
    arn = f"arn:aws:ses:{IRELAND}:123456789012:identity/{tenant.domain}"
    right = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "ses:SendEmail", "Resource": arn}
    tenant.create(IRELAND, policies=[_policy({**right, **statement})])
    explains(tenant, Reason.POLICY_INVALID, "spec.policies[audit]", "statement 1")

    tenant.change(policies=[_policy({**right, **statement, **{key: value or arn for key, value in mend.items()}})])
    tenant.ready()


def test_an_identity_of_another_goes_when_its_last_region_cannot(tenant: Tenant) -> None:
    """The spec has to keep one region: the message does not ask to remove that."""
    tenant.ses(IRELAND).create_email_identity(
        EmailIdentity=tenant.domain, Tags=[{"Key": "ses-operator.io/owner", "Value": "other/team/mail"}]
    )
    tenant.create(IRELAND)
    said = explains(tenant, Reason.OWNED_BY_ANOTHER, IRELAND, "delete this object")
    assert not any("remove" in condition.message for condition in said.status.conditions)

    tenant.delete()
    tenant.gone()
    assert tenant.at_ses().keys() == {IRELAND}


def test_an_identity_of_another_is_left_alone_in_a_region_that_is_removed(tenant: Tenant) -> None:
    tenant.ses(IRELAND).create_email_identity(
        EmailIdentity=tenant.domain, Tags=[{"Key": "ses-operator.io/owner", "Value": "other/team/mail"}]
    )
    tenant.create(IRELAND, VIRGINIA)
    explains(tenant, Reason.OWNED_BY_ANOTHER, f"remove {IRELAND} from spec.regions")

    tenant.change(regions=[VIRGINIA])
    tenant.ready()
    assert tenant.at_ses().keys() == {IRELAND, VIRGINIA}


def _policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {"name": "audit", "document": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


def _guard(tenant: Tenant, guardrail: dict[str, Any]) -> None:
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"guardrails": guardrail}})

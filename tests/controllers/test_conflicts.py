"""Others at work in the same zone: nothing of theirs is overwritten or deleted, and a conflict names both values."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cluster.tenant import Tenant
from cluster.verdicts import explains
from ses_operator.api.base.conditions import ConditionStatus, ConditionType, find
from ses_operator.api.base.reasons import Reason

IRELAND = "eu-west-1"
MAIL_FROM = {"subdomain": "bounce"}
BOUNCE = f"bounce-{IRELAND}"
OUR_MX = f"10 feedback-smtp.{IRELAND}.amazonses.com"
OUR_SPF = '"v=spf1 include:amazonses.com ~all"'
LEDGER = "_ses-operator"


@dataclass(frozen=True)
class Obstacle:
    """Another client's record where our MX must be."""

    name: str
    kind: str
    value: str


OBSTACLES = (
    Obstacle("another value", "MX", "10 mail.example.net."),
    Obstacle("a CNAME, which admits no other", "CNAME", "elsewhere.example.net."),
)


@pytest.mark.parametrize("theirs", OBSTACLES, ids=lambda obstacle: obstacle.name)
def test_a_record_in_the_way_is_named_and_left(tenant: Tenant, theirs: Obstacle) -> None:
    key = tenant.add_record(BOUNCE, theirs.kind, theirs.value)

    tenant.create(IRELAND, mailFrom=MAIL_FROM)

    explains(tenant, Reason.DNS_RECORD_CONFLICT, IRELAND, key[0], theirs.value.rstrip("."), OUR_MX)
    assert tenant.records()[key] == (theirs.value,)
    assert len(_dkim_records(tenant)) == 3, "the other records are published"


def test_a_txt_record_where_a_dkim_cname_must_be_is_named_and_left_until_its_owner_removes_it(tenant: Tenant) -> None:
    token = _dkim_token(tenant, IRELAND)
    key = tenant.add_record(f"{token}._domainkey", "TXT", '"somebody else"')

    tenant.create(IRELAND)

    explains(tenant, Reason.DNS_RECORD_CONFLICT, IRELAND, key[0], "somebody else", f"{token}.dkim.amazonses.com")
    assert tenant.records()[key] == ('"somebody else"',)
    assert len(_dkim_records(tenant)) == 2
    tenant.remove_record(f"{token}._domainkey", "TXT", '"somebody else"', ttl=60)
    tenant.request_reconcile()
    tenant.ready()


def test_another_spf_record_is_named_though_ses_does_not_look_at_it(tenant: Tenant) -> None:
    key = tenant.add_record(BOUNCE, "TXT", '"v=spf1 -all"')

    identity = tenant.create_ready(IRELAND, mailFrom=MAIL_FROM)

    published = find(identity.status.conditions, ConditionType.DNS_PUBLISHED)
    assert published is not None
    assert (published.status, published.reason) == (ConditionStatus.FALSE, Reason.DNS_RECORD_CONFLICT)
    assert "v=spf1 -all" in published.message
    assert "Change it to v=spf1 include:amazonses.com -all" in published.message
    assert tenant.records()[key] == ('"v=spf1 -all"',)


def test_a_domain_whose_records_another_installation_keeps_is_left_to_it(tenant: Tenant) -> None:
    theirs = '"heritage=ses-operator,owner=elsewhere/team/mail"'
    key = tenant.add_record(LEDGER, "TXT", theirs)

    tenant.create(IRELAND)

    explains(tenant, Reason.LEDGER_CONFLICT, key[0], "installation")
    assert tenant.records() == {key: (theirs,)}
    tenant.remove_record(LEDGER, "TXT", theirs, ttl=60)
    tenant.request_reconcile()
    tenant.ready()


def _dkim_records(tenant: Tenant) -> list[str]:
    return [name for name, kind in tenant.records() if kind == "CNAME" and "_domainkey" in name]


def _dkim_token(tenant: Tenant, region: str) -> str:
    """A token that the domain will have: SES gives the same ones when an identity is made again."""
    ses = tenant.ses(region)
    ses.create_email_identity(EmailIdentity=tenant.domain)
    token = ses.get_email_identity(EmailIdentity=tenant.domain)["DkimAttributes"]["Tokens"][0]
    ses.delete_email_identity(EmailIdentity=tenant.domain)
    return token

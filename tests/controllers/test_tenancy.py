"""Many namespaces, one account: who may use it for what, and what happens when that changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cluster.tenant import ZONE, Tenant
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.reasons import Reason

IRELAND = "eu-west-1"


@pytest.fixture
def neighbour(tenant: Tenant, world: World) -> Tenant:
    """Another team with the same account, which would like to have the domain of the first."""
    name = f"{tenant.namespace}-neighbour"
    tenant.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    world.namespaces.append(name)
    return replace(tenant, namespace=name)


def _set(tenant: Tenant, **spec: Any) -> None:
    """Changes the account, and waits until the operator has seen it."""
    path = f"{ACCOUNTS}/{tenant.account}"
    tenant.api.patch(path, {"spec": spec})

    def is_seen() -> bool:
        account = SesAccount.model_validate(tenant.api.get(path))
        return account.status.observed_generation == account.metadata.generation

    tenant.wait(is_seen, "the account to be seen")


def _label(tenant: Tenant, **labels: str | None) -> None:
    """Changes labels of the namespace; None removes one."""
    tenant.api.patch(f"/api/v1/namespaces/{tenant.namespace}", {"metadata": {"labels": labels}})


def _granted(*names: str, domain: str) -> dict[str, Any]:
    return {"grants": [{"name": "only", "domains": [domain], "namespaces": {"matchNames": list(names)}}]}


def test_who_has_no_grant_is_refused_and_keeps_nobody_from_the_domain(tenant: Tenant, neighbour: Tenant) -> None:
    _set(tenant, tenancy=_granted(tenant.namespace, domain=f"*.{ZONE}"))
    neighbour.create(IRELAND)
    refused = neighbour.not_ready(Reason.DOMAIN_NOT_GRANTED)
    assert neighbour.condition(ConditionType.STALLED) is not None

    tenant.create_ready(IRELAND)

    assert tenant.owners() == {IRELAND: f"tests/{tenant.namespace}/mail"}
    assert neighbour.not_ready(Reason.DOMAIN_NOT_GRANTED) == refused, "and learns nothing of who has it"
    assert ("Warning", Reason.DOMAIN_NOT_GRANTED, refused.message) in neighbour.events()
    tenant.delete()
    tenant.gone()


def test_a_grant_that_is_taken_away_stalls_its_identities_and_deletes_nothing(
    tenant: Tenant, neighbour: Tenant
) -> None:
    _set(tenant, tenancy=_granted(tenant.namespace, domain=tenant.domain))
    tenant.create_ready(IRELAND)
    records, since = tenant.records(), tenant.last_call()

    _set(tenant, tenancy=_granted(neighbour.namespace, domain=tenant.domain))

    tenant.not_ready(Reason.DOMAIN_NOT_GRANTED)
    accepted = tenant.condition(ConditionType.ACCEPTED)
    assert accepted is not None
    assert not accepted.is_true
    assert tenant.writes(since=since) == []
    assert (tenant.records(), tenant.owners()) == (records, {IRELAND: f"tests/{tenant.namespace}/mail"})
    neighbour.create(IRELAND, adoptionPolicy="IfUnowned")
    taken = neighbour.not_ready(Reason.OWNED_BY_ANOTHER)
    assert tenant.namespace not in taken.message.replace(tenant.domain, "")

    tenant.delete()
    tenant.gone()

    neighbour.ready()
    neighbour.delete()
    neighbour.gone()
    assert neighbour.at_ses() == {}
    assert neighbour.records() == {}


def test_mail_from_at_a_name_that_another_was_granted_writes_nothing(tenant: Tenant, neighbour: Tenant) -> None:
    taken = f"team-a.{tenant.domain}"
    owners = [(tenant.domain, tenant), (taken, neighbour)]
    grants = [
        {"name": f"g{n}", "domains": [name], "namespaces": {"matchNames": [team.namespace]}}
        for n, (name, team) in enumerate(owners)
    ]
    _set(tenant, tenancy={"grants": grants})
    at_taken = {"subdomain": "team-a", "scope": "Shared"}

    tenant.create(IRELAND, mailFrom=at_taken)

    refused = tenant.not_ready(Reason.DOMAIN_NOT_GRANTED)
    assert "spec.mailFrom.subdomain (team-a)" in refused.message
    assert (tenant.at_ses(), tenant.records()) == ({}, {})
    tenant.change(mailFrom={"subdomain": "bounce"})
    tenant.ready()
    tenant.change(mailFrom=at_taken)
    tenant.not_ready(Reason.DOMAIN_NOT_GRANTED)
    assert [name for name, _ in tenant.records() if name.endswith(taken)] == []
    tenant.delete()
    tenant.gone()


def test_a_mail_from_name_that_others_have_at_ses_now_gets_no_records(tenant: Tenant, neighbour: Tenant) -> None:
    taken = f"team-a.{tenant.domain}"
    tenant.create_ready(IRELAND, mailFrom={"subdomain": "bounce", "scope": "Shared"})
    grants = [
        {"name": "a", "domains": [taken], "namespaces": {"matchNames": [neighbour.namespace]}},
        {"name": "d", "domains": [tenant.domain], "namespaces": {"matchNames": [tenant.namespace]}},
    ]
    _set(tenant, tenancy={"grants": grants})
    client = tenant.ses(IRELAND)
    client.put_email_identity_mail_from_attributes(EmailIdentity=tenant.domain, MailFromDomain=taken)

    tenant.request_reconcile()

    tenant.ready()
    assert [name for name, _ in tenant.records() if name.endswith(taken)] == []
    assert client.get_email_identity(EmailIdentity=tenant.domain)["MailFromAttributes"]["MailFromDomain"] != taken
    tenant.delete()
    tenant.gone()


def test_the_label_of_a_namespace_opens_and_closes_the_account(tenant: Tenant) -> None:
    _set(tenant, tenancy={"namespaces": {"matchLabels": {"mail": "yes"}}})
    tenant.create(IRELAND)
    tenant.not_ready(Reason.NAMESPACE_NOT_ALLOWED)
    assert tenant.at_ses() == {}

    _label(tenant, mail="yes")
    tenant.ready()

    _label(tenant, mail=None)
    tenant.not_ready(Reason.NAMESPACE_NOT_ALLOWED)
    tenant.delete()
    tenant.gone()
    assert tenant.at_ses() == {}


def test_a_zone_that_is_closed_to_the_domain_is_not_written_to(tenant: Tenant) -> None:
    zone = {
        "name": "corp",
        "hostedZoneID": tenant.environment.sandbox.zones[ZONE],
        "allowedDomains": ["*.elsewhere.example.com"],
    }
    dns = tenant.environment.account("any", "any", tenant.environment.sandbox.aws_url, {})["spec"]["dns"]
    _set(tenant, dns={**dns, "zones": [zone]})
    tenant.create(IRELAND)
    tenant.not_ready(Reason.ZONE_NOT_ALLOWED)
    assert (tenant.at_ses(), tenant.records()) == ({}, {})

    _set(tenant, dns={**dns, "zones": [{**zone, "allowedDomains": [tenant.domain]}]})
    tenant.ready()
    records = tenant.records()

    _set(tenant, dns={**dns, "zones": [{**zone, "namespaces": {"matchNames": ["others"]}}]})
    tenant.not_ready(Reason.ZONE_NOT_ALLOWED)
    assert tenant.records() == records
    tenant.delete()
    tenant.gone()
    assert tenant.records() == {}


def test_a_guardrail_warns_without_a_call_to_aws_and_stalls_once_it_is_enforced(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    since, mark = tenant.last_call(), tenant.environment.plane.audit.mark()

    _set(tenant, guardrails={"requiredTags": {"action": "Warn", "keys": ["owner"]}})

    warned = tenant.wait(lambda: _warnings(tenant), "the warning")
    assert warned == [Reason.REQUIRED_TAG_MISSING]
    assert tenant.ready().status.verified_regions == "1/1"
    tenant.wait(
        lambda: ("Warning", Reason.REQUIRED_TAG_MISSING) in [event[:2] for event in tenant.events()], "the Event"
    )
    read = [call["operation"] for call in tenant.calls(identity=tenant.domain, since=since)]
    assert read == []
    written = tenant.environment.plane.audit.writes_in(tenant.namespace, since=mark)
    assert [write.name for write in written if write.subresource == "status"] == ["mail"]

    _set(tenant, guardrails={"requiredTags": {"action": "Enforce"}})
    tenant.not_ready(Reason.REQUIRED_TAG_MISSING)
    assert _warnings(tenant) == []

    tenant.change(tags={"owner": "team-a"})
    ready = find(tenant.ready().status.conditions, ConditionType.STALLED)
    assert ready is None
    tenant.delete()
    tenant.gone()


def _warnings(tenant: Tenant) -> list[str]:
    identity = tenant.identity()
    of_aws = Reason.ACCOUNT_IN_SANDBOX
    return [each.reason for each in identity.status.warnings if each.reason != of_aws] if identity else []

"""Status is never greener than the truth: whatever Ready depends on is broken behind the operator's back, and Ready follows.

The references are read from the schema of the kind, what others may take away from the table of dependencies: one more of
either without a case fails here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from cluster.tenant import Tenant
from controllers.test_byodkim import add_secret, byodkim, secrets
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.schema.crd import custom_resource_definition
from ses_operator.api.schema.kinds import IDENTITY
from ses_operator.core.features.keys.dkim_keys import new_key
from ses_operator.core.features.references import DEPENDENCIES

IRELAND = "eu-west-1"
IDLE_POLL = 300.0
REFERENCE = re.compile(r"(Ref|ARN|configurationSetName)$")
"""The names of members that name something else than the object itself."""

Break = Callable[[Tenant, World], None]


@dataclass(frozen=True)
class Case:
    """How something is prepared and then broken; the condition that says so, if Ready does not depend on it.

    ``hours``: after how long status must say so; 0: after an idle poll.
    """

    broken: Break
    spec: Callable[[Tenant], Mapping[str, Any]] = lambda _: {}
    hours: float = 0
    condition: ConditionType = ConditionType.READY
    prepared: Callable[[Tenant], None] = field(default=lambda _: None)


def sandbox(path: str, **body: Any) -> Break:
    return lambda tenant, _: tenant.environment.sandbox.ask(path, body)


def create_set(tenant: Tenant) -> None:
    tenant.ses(IRELAND).create_configuration_set(ConfigurationSetName="cs1")


def delete_set(tenant: Tenant, _: World) -> None:
    tenant.ses(IRELAND).delete_configuration_set(ConfigurationSetName="cs1")


def delete_account(tenant: Tenant, world: World) -> None:
    path = f"{ACCOUNTS}/{tenant.account}"
    tenant.api.delete(path)
    tenant.api.patch(path, {"metadata": {"finalizers": None}})
    world.look()


def topic_arn(tenant: Tenant) -> str:
    return f"arn:aws:sns:{IRELAND}:123456789012:{tenant.namespace}"


def sns(tenant: Tenant) -> Any:
    """SNS as another client uses it."""
    url = tenant.environment.sandbox.aws_url
    return boto3.client(
        "sns", region_name=IRELAND, endpoint_url=url, aws_access_key_id="AKIASOMEBODYELSE", aws_secret_access_key="any"
    )


def create_topic(tenant: Tenant) -> None:
    """The topic, at an SNS that the operator is told of."""
    endpoints = {"sns": tenant.environment.sandbox.aws_url}
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"endpoints": endpoints}})
    sns(tenant).create_topic(Name=tenant.namespace)


def with_topic(kind: str) -> Callable[[Tenant], Mapping[str, Any]]:
    """A spec with a topic for one type of notification."""
    return lambda tenant: override(feedback={"topics": {kind: {"topicARN": topic_arn(tenant)}}})(tenant)


def override(**settings: Any) -> Callable[[Tenant], Mapping[str, Any]]:
    return lambda _: {"regionOverrides": [{"region": IRELAND, **settings}]}


def delete_secret(tenant: Tenant, world: World) -> None:
    tenant.api.delete(f"{secrets(tenant)}/key")
    world.look()


def name_zone(tenant: Tenant) -> None:
    zone = {"name": "corp", "hostedZoneID": tenant.environment.sandbox.zones["example.com"]}
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"dns": {"zones": [zone]}}})


def forget_zone(tenant: Tenant, _: World) -> None:
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": {"dns": {"zones": None}}})


def lose_records(tenant: Tenant, _: World) -> None:
    tenant.clear_records()
    fault = {"kind": "error", "operation": "ChangeResourceRecordSets", "status": 403, "code": "AccessDenied"}
    tenant.environment.sandbox.ask("faults", {**fault, "message": "no"})
    tenant.environment.sandbox.ask("state/check", {})


def delete_identity(tenant: Tenant, _: World) -> None:
    fault = {"kind": "error", "operation": "CreateEmailIdentity", "status": 403, "code": "AccessDeniedException"}
    tenant.environment.sandbox.ask("faults", {**fault, "message": "no"})
    tenant.ses(IRELAND).delete_email_identity(EmailIdentity=tenant.domain)


def stop_identity(tenant: Tenant, _: World) -> None:
    body = {"region": IRELAND, "identity": tenant.domain, "enabled": False}
    tenant.environment.sandbox.ask("identities/sending", body)


REFERENCES: Mapping[str, Case] = {
    "accountRef": Case(delete_account),
    "configurationSetName": Case(delete_set, lambda _: {"configurationSetName": "cs1"}, prepared=create_set),
    "regionOverrides.configurationSetName": Case(delete_set, override(configurationSetName="cs1"), prepared=create_set),
    **{
        f"regionOverrides.feedback.topics.{kind}.topicARN": Case(
            lambda tenant, _: sns(tenant).delete_topic(TopicArn=topic_arn(tenant)),
            with_topic(kind),
            hours=25,
            prepared=create_topic,
        )
        for kind in ("bounce", "complaint", "delivery")
    },
    "dkim.byodkim.privateKeySecretRef": Case(
        delete_secret,
        lambda _: {"dkim": byodkim("s1", "key")},
        prepared=lambda tenant: add_secret(tenant, "key", new_key()),
    ),
    "dns.route53.zoneRef": Case(
        forget_zone,
        lambda _: {"dns": {"provider": "Route53", "route53": {"zoneRef": {"name": "corp"}}}},
        hours=25,
        condition=ConditionType.DNS_PUBLISHED,  # what SES has seen counts: mail is sent as before
        prepared=name_zone,
    ),
}
NEEDED_ONCE = {"verificationTemplateRef"}
"""Ready does not depend on it once the address is verified; until then it is not Ready. ``test_verification_templates``."""

OTHERS: Mapping[str, Case] = {
    "configuration-set": REFERENCES["configurationSetName"],
    "topics": REFERENCES["regionOverrides.feedback.topics.bounce.topicARN"],
    "account": Case(sandbox("account", region=IRELAND, sendingEnabled=False)),
    "sending": Case(stop_identity),
}
"""By the keys of ``DEPENDENCIES``."""

OF_THE_IDENTITY: Mapping[str, Case] = {
    "account suspended": Case(sandbox("account", region=IRELAND, enforcementStatus="SHUTDOWN")),
    "records": Case(lose_records),
    "MAIL FROM": Case(
        lose_records, lambda _: {"mailFrom": {"subdomain": "bounce", "behaviorOnMXFailure": "RejectMessage"}}
    ),
    "the identity itself": Case(delete_identity),
}


@pytest.mark.parametrize(
    "case", [*REFERENCES.values(), *OTHERS.values(), *OF_THE_IDENTITY.values()],
    ids=[*REFERENCES, *OTHERS, *OF_THE_IDENTITY],
)  # fmt: skip
def test_what_is_broken_behind_the_operators_back_is_not_ready_any_more(
    tenant: Tenant, world: World, case: Case
) -> None:
    case.prepared(tenant)
    tenant.create_ready(IRELAND, **case.spec(tenant))
    tenant.settled()
    known = len(not_true(tenant))

    case.broken(tenant, world)
    world.pass_time(1.5 * IDLE_POLL)
    world.pass_time(IDLE_POLL)
    world.pass_time(hours=case.hours)

    assert known == 0
    assert case.condition in not_true(tenant)


def not_true(tenant: Tenant) -> set[str]:
    """The conditions that status does not say are met, of those that it has."""
    identity = tenant.identity()
    assert identity is not None
    abnormal = {ConditionType.RECONCILING, ConditionType.STALLED}
    return {each.type for each in identity.status.conditions if not each.is_true and each.type not in abnormal}


def test_every_reference_of_the_schema_has_a_case() -> None:
    schema = custom_resource_definition(IDENTITY)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert set(references(schema["properties"]["spec"])) == REFERENCES.keys() | NEEDED_ONCE


def test_everything_that_sending_depends_on_has_a_case() -> None:
    assert {each.key for each in DEPENDENCIES} == OTHERS.keys()


def references(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the paths of members that name something else."""
    schema = schema.get("items", schema)
    for name, member in schema.get("properties", {}).items():
        if REFERENCE.search(name):
            yield ".".join((*path, name))
        else:
            yield from references(member, (*path, name))

"""Specs that cannot work yet: the reason, the wrong value, the way out, and that it goes on once that is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cluster.tenant import Tenant, tags
from cluster.verdicts import explains
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import OPERATOR_NAMESPACE
from ses_operator.api.base.meta import OWNER_TAG
from ses_operator.api.base.reasons import Reason

IRELAND = "eu-west-1"


@pytest.fixture
def user(tenant: Tenant, world: World) -> Tenant:
    """The tenant with another SesAccount, which does not exist yet."""
    user = replace(tenant, account=f"{tenant.account}-later")
    world.accounts.append(user.account)
    return user


def apply_account(user: Tenant, secret: str) -> None:
    environment = user.environment
    account = environment.account(user.account, secret, environment.sandbox.aws_url, {})
    user.api.apply(f"{ACCOUNTS}/{user.account}", account)


def apply_secret(user: Tenant, secret: dict[str, Any]) -> None:
    user.api.apply(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{secret['metadata']['name']}", secret)


def test_an_account_that_does_not_exist_yet_is_waited_for(user: Tenant) -> None:
    user.create(IRELAND)
    explains(user, Reason.ACCOUNT_NOT_FOUND, f"SesAccount {user.account}", "spec.accountRef")

    user.environment.add_account(user.account)

    user.ready()


def test_a_secret_that_does_not_exist_yet_is_waited_for(user: Tenant) -> None:
    secret = f"{user.account}-keys"
    apply_account(user, secret)
    user.create(IRELAND)
    explains(user, Reason.SECRET_NOT_FOUND, f"Secret {secret}", OPERATOR_NAMESPACE, "spec.credentials.secretRef")
    user.account_not_ready(Reason.SECRET_NOT_FOUND)

    apply_secret(user, user.environment.secret(secret))

    user.ready()


@pytest.mark.parametrize(
    "keys",
    [
        {"aws_access_key_id": "AKIAONLY"},
        {"aws_access_key_id": "AKIAONLY", "aws_secret_access_key": ""},
    ],
    ids=["missing", "empty"],
)
def test_a_secret_without_a_key_is_told_which_one(user: Tenant, keys: dict[str, str]) -> None:
    secret = user.environment.secret(f"{user.account}-keys")
    apply_secret(user, {**secret, "stringData": keys})
    apply_account(user, f"{user.account}-keys")
    user.create(IRELAND)
    explains(user, Reason.SECRET_KEY_MISSING, f"Secret {user.account}-keys", "aws_secret_access_key", "Put it there")
    user.account_not_ready(Reason.SECRET_KEY_MISSING)

    apply_secret(user, secret)

    user.ready()


def test_a_domain_without_a_hosted_zone_goes_on_when_there_is_one(tenant: Tenant) -> None:
    zone = f"{tenant.namespace}.org"
    tenant.create(IRELAND, domain=f"mail.{zone}")
    explains(tenant, Reason.HOSTED_ZONE_NOT_FOUND, f"mail.{zone}", "Create one", "spec.dns.provider")

    _make_zone(tenant, zone)
    tenant.request_reconcile()

    tenant.ready()


def test_two_hosted_zones_of_one_name_are_for_the_author_to_choose_from(user: Tenant) -> None:
    zone = f"{user.namespace}.org"
    first, second = _make_zone(user, zone), _make_zone(user, zone)
    user.environment.add_account(user.account)
    user.create(IRELAND, domain=zone)
    explains(user, Reason.HOSTED_ZONE_AMBIGUOUS, zone, first, second, "spec.dns.route53.zoneRef")

    user.environment.add_account(user.account, zones=[{"name": "public", "hostedZoneID": second}])
    user.change(dns={"route53": {"zoneRef": {"name": "public"}}})

    user.wait(lambda: len(_names(user, second)) == 3 + 1, "the records in the zone that was chosen")
    assert _names(user, first) == set()


def test_a_zone_that_the_account_does_not_list_yet_is_waited_for(user: Tenant) -> None:
    user.environment.add_account(user.account)
    user.create(IRELAND, dns={"route53": {"zoneRef": {"name": "corp"}}})
    explains(user, Reason.ZONE_REF_NOT_FOUND, "corp", "spec.dns.zones of the SesAccount")

    zone_id = user.environment.sandbox.zones["example.com"]
    user.environment.add_account(user.account, zones=[{"name": "corp", "hostedZoneID": zone_id}])

    user.ready()


def test_a_zone_that_does_not_hold_the_domain_is_named(user: Tenant) -> None:
    zone_id = _make_zone(user, f"{user.namespace}.org")
    user.environment.add_account(user.account, zones=[{"name": "corp", "hostedZoneID": zone_id}])

    user.create(IRELAND, dns={"route53": {"zoneRef": {"name": "corp"}}})

    explains(user, Reason.HOSTED_ZONE_NOT_FOUND, zone_id, user.domain, "Change spec.dns.route53.zoneRef")


def test_an_identity_of_another_installation_is_left_until_its_owner_releases_it(tenant: Tenant) -> None:
    theirs: Any = {"Key": OWNER_TAG, "Value": "elsewhere/team/mail"}
    tenant.ses(IRELAND).create_email_identity(EmailIdentity=tenant.domain, Tags=[theirs])
    tenant.create(IRELAND)
    explains(tenant, Reason.OWNED_BY_ANOTHER, IRELAND, tenant.domain, "hand it over", "delete this object")
    assert tags(tenant.at_ses()[IRELAND]) == {OWNER_TAG: "elsewhere/team/mail"}

    tenant.ses(IRELAND).delete_email_identity(EmailIdentity=tenant.domain)

    tenant.ready()


def test_a_configuration_set_that_does_not_exist_yet_is_waited_for(tenant: Tenant) -> None:
    tenant.create(IRELAND, configurationSetName=tenant.namespace)
    explains(tenant, Reason.CONFIGURATION_SET_NOT_FOUND, IRELAND, f'"{tenant.namespace}"', "spec.configurationSetName")

    tenant.ses(IRELAND).create_configuration_set(ConfigurationSetName=tenant.namespace)

    tenant.ready()


def _make_zone(tenant: Tenant, name: str) -> str:
    """The bare id of a new public hosted zone."""
    reference = f"{name}-{len(tenant.calls(operation='CreateHostedZone'))}"
    made = tenant.route53.create_hosted_zone(Name=name, CallerReference=reference)
    return made["HostedZone"]["Id"].rsplit("/", 1)[-1]


def _names(tenant: Tenant, zone_id: str) -> set[str]:
    """The names in a hosted zone, below its apex."""
    found: Any = tenant.route53.list_resource_record_sets(HostedZoneId=zone_id)["ResourceRecordSets"]
    return {record["Name"].rstrip(".") for record in found if record["Type"] not in ("NS", "SOA")}

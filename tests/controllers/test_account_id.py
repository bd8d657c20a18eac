"""The AWS account that a SesAccount is meant for: by its spec, or by the record of the first write. No other is written to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from cluster.tenant import Tenant
from cluster.verdicts import explains
from controllers.guarded.aws_accounts import AwsAccount
from controllers.world import World
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import ACCESS_KEY, OPERATOR_NAMESPACE
from devcluster.sandbox_process import ACCOUNT_ID
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
OTHER = "999999999999"
READS = ("Get", "List")


@pytest.fixture
def other_key(tenant: Tenant) -> str:
    """An access key of another AWS account."""
    return AwsAccount(tenant.environment.sandbox, OTHER).add_user("wrong")


def _use_key(tenant: Tenant, world: World, access_key: str) -> None:
    name = f"{tenant.account}-credentials"
    secret = tenant.environment.secret(name, access_key)
    tenant.api.apply(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{name}", secret)
    world.look()


def _set_account(tenant: Tenant, **spec: Any) -> None:
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}", {"spec": spec})


def _account(tenant: Tenant) -> str:
    """What Ready of the SesAccount says."""
    status = (tenant.api.get(f"{ACCOUNTS}/{tenant.account}") or {})["status"]
    messages = {each["type"]: str(each["message"]) for each in status["conditions"]}
    return messages["Ready"]


def _record(tenant: Tenant, world: World) -> dict[str, str]:
    """The AWS accounts of the installation record."""
    found = tenant.api.get(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps/{world.record}")
    accounts: dict[str, str] = json.loads((found or {})["data"]["accounts"])
    return accounts


def _calls_in(tenant: Tenant, account: str, since: int = 0) -> list[str]:
    """The operations asked of an AWS account, but for those of its administrator."""
    return [
        call["operation"]
        for call in tenant.calls(since=since)
        if call["account"] == account and call["service"] != "iam"
    ]


@contextmanager
def _untouched(tenant: Tenant, account: str) -> Iterator[None]:
    """Nothing may be asked of the AWS account in this block, but who the caller is."""
    since = tenant.last_call()
    yield
    assert set(_calls_in(tenant, account, since)) == {"GetCallerIdentity"}


def test_with_another_account_meant_the_only_call_is_who_the_caller_is(
    tenant: Tenant, world: World, other_key: str
) -> None:
    _set_account(tenant, accountID=ACCOUNT_ID)
    _use_key(tenant, world, other_key)
    with _untouched(tenant, OTHER):
        tenant.create(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
        said = explains(tenant, Reason.ACCOUNT_MISMATCH, OTHER, ACCOUNT_ID, "spec.accountID", tenant.account)
        tenant.account_not_ready(Reason.ACCOUNT_MISMATCH)
    assert said.status.dns is None
    assert not said.metadata.has_finalizer
    assert tenant.records() == {}

    _use_key(tenant, world, ACCESS_KEY)

    tenant.ready()
    assert _record(tenant, world) == {tenant.account: ACCOUNT_ID}


def test_the_account_of_the_first_write_is_the_one_that_is_meant_though_status_and_objects_are_lost(
    tenant: Tenant, world: World, other_key: str
) -> None:
    tenant.create_ready(IRELAND)
    assert _record(tenant, world) == {tenant.account: ACCOUNT_ID}
    world.stop()
    tenant.lose()
    tenant.api.patch(f"{ACCOUNTS}/{tenant.account}/status", {"status": {"accountID": None, "conditions": []}})
    _use_key(tenant, world, other_key)
    with _untouched(tenant, OTHER):
        world.start()
        tenant.create(IRELAND)
        explains(tenant, Reason.ACCOUNT_MISMATCH, OTHER, ACCOUNT_ID, f"set spec.accountID to {OTHER}")


def test_the_advice_to_set_the_account_that_is_meant_works(tenant: Tenant, world: World, other_key: str) -> None:
    tenant.create_ready(IRELAND)
    tenant.delete()
    tenant.gone()
    _use_key(tenant, world, other_key)
    tenant.account_not_ready(Reason.ACCOUNT_MISMATCH)

    _set_account(tenant, accountID=OTHER)

    tenant.wait(lambda: OTHER in _account(tenant) and "work for" in _account(tenant), "the account to be used")
    tenant.create(IRELAND, dns={"provider": "Manual"})
    tenant.wait(lambda: "CreateEmailIdentity" in _calls_in(tenant, OTHER), "the identity")
    assert _record(tenant, world) == {tenant.account: OTHER}


def test_it_does_not_change_while_an_object_has_something_in_the_former_account(
    tenant: Tenant, world: World, other_key: str
) -> None:
    _set_account(tenant, accountID=ACCOUNT_ID)
    tenant.create_ready(IRELAND)
    _use_key(tenant, world, other_key)
    with _untouched(tenant, OTHER):
        _set_account(tenant, accountID=OTHER)
        explains(tenant, Reason.ACCOUNT_MISMATCH, f"SesIdentity {tenant.namespace}/mail", ACCOUNT_ID, OTHER)
        assert f"SesIdentity {tenant.namespace}/mail is still in AWS account {ACCOUNT_ID}" in _account(tenant)
        tenant.change(deletionPolicy="Retain")
        tenant.delete()
        tenant.gone()
        world.look()
        tenant.wait(lambda: "work for" in _account(tenant), "the account to be used")
    assert _record(tenant, world) == {tenant.account: OTHER}
    assert IRELAND in tenant.at_ses(), "retained"


def test_nothing_is_created_before_its_zone_is_found(tenant: Tenant) -> None:
    tenant.create(IRELAND, VIRGINIA, domain="mail.nowhere.example.org")
    explains(tenant, Reason.HOSTED_ZONE_NOT_FOUND, "example.org")
    assert "CreateEmailIdentity" not in [call["operation"] for call in tenant.calls()]


def test_in_the_wrong_account_without_the_zone_nothing_is_made_and_the_right_credentials_suffice(
    tenant: Tenant, world: World, other_key: str
) -> None:
    """The SesAccount is new, its credentials are those of another account by mistake: the zone is not there."""
    _use_key(tenant, world, other_key)
    tenant.create(IRELAND)
    explains(tenant, Reason.HOSTED_ZONE_NOT_FOUND)
    assert all(operation.startswith(READS) for operation in _calls_in(tenant, OTHER))
    assert _record(tenant, world) == {}

    _use_key(tenant, world, ACCESS_KEY)

    tenant.ready()
    tenant.delete()
    tenant.gone()


def test_a_new_account_of_the_same_name_may_be_for_any_aws_account(
    tenant: Tenant, world: World, other_key: str
) -> None:
    tenant.create_ready(IRELAND)
    tenant.delete_account()
    tenant.delete()
    tenant.gone()
    tenant.wait(lambda: tenant.api.get(f"{ACCOUNTS}/{tenant.account}") is None, "the account to go")
    assert _record(tenant, world) == {}
    tenant.environment.add_account(tenant.account)
    _use_key(tenant, world, other_key)
    tenant.create(IRELAND, dns={"provider": "Manual"})
    tenant.wait(lambda: "CreateEmailIdentity" in _calls_in(tenant, OTHER), "the identity")
    assert _record(tenant, world) == {tenant.account: OTHER}


def test_a_record_that_is_lost_is_made_again_and_what_objects_name_stands_in_for_it(
    tenant: Tenant, world: World, other_key: str
) -> None:
    tenant.create_ready(IRELAND)
    tenant.api.delete(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps/{world.record}")
    world.stop()
    _use_key(tenant, world, other_key)
    with _untouched(tenant, OTHER):
        world.start()
        tenant.create(IRELAND, name="new", domain=f"new.{tenant.domain}")
        explains(tenant, Reason.ACCOUNT_MISMATCH, f"SesIdentity {tenant.namespace}/mail", ACCOUNT_ID, name="new")
    _use_key(tenant, world, ACCESS_KEY)
    tenant.ready("new")
    assert _record(tenant, world) == {tenant.account: ACCOUNT_ID}


def test_killed_at_any_write_no_account_is_written_to_that_is_not_recorded(careful: World, tenant: Tenant) -> None:
    tenant = replace(tenant, wait=careful.until)
    for writes in count():
        with careful.killed_after(writes) as died:
            tenant.create_ready(IRELAND)
        written = [call for call in _calls_in(tenant, ACCOUNT_ID) if not call.startswith(READS)]
        assert not written or _record(tenant, careful) == {tenant.account: ACCOUNT_ID}
        if not died():
            break
        careful.restart()
        tenant.ready()
        tenant.delete()
        tenant.gone()
    assert writes >= 5, "finalizer, record, identity, records, status"

"""What the operator logs in the life of an identity: JSON, one line for each step, with what it is about, and no secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.conftest import QUICK
from cluster.tenant import Tenant
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
PLANTED = "PlantedSecretAccessKeyThatNobodyMaySee"


@pytest.fixture
def account(environment: Environment, namespace: str) -> str:
    """A SesAccount whose secret key is easily recognised."""
    environment.add_account(namespace)
    secret = environment.secret(f"{namespace}-credentials")
    secret["stringData"]["aws_secret_access_key"] = PLANTED
    secret["stringData"]["aws_session_token"] = PLANTED
    environment.kubectl.apply(secret)
    return namespace


def test_each_step_is_told_with_its_object_and_no_secret_is(
    environment: Environment, tenant: Tenant, account: str
) -> None:
    tenant = Tenant(environment, tenant.api, tenant.namespace, account=account)
    flags = {**QUICK, "log-format": "json", "log-level": "debug"}
    options = OperatorOptions("logs", watch_namespaces=(tenant.namespace,), flags=flags)
    with environment.operator(options) as operator:
        tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
        with tenant.refusing("DeleteEmailIdentity"):
            tenant.delete()
            tenant.waits_for_deletion(Reason.ACCESS_DENIED)
        tenant.request_reconcile()
        tenant.gone()
        tenant.api.delete(f"{ACCOUNTS}/{account}")
    lines: list[dict[str, Any]] = [json.loads(line) for line in operator.log.splitlines()]

    assert PLANTED not in operator.log
    assert all({"ts", "level", "logger", "msg"} <= line.keys() for line in lines)
    steps = [line for line in lines if line.get("operation") and line["level"] == "info"]
    assert {(line["namespace"], line["name"]) for line in steps} == {(tenant.namespace, "mail")}
    told = [(line["operation"], line.get("region")) for line in steps]
    for region in (IRELAND, VIRGINIA):
        assert [told.count((step, region)) for step in ("CreateIdentity", "SetMailFrom", "DeleteIdentity")] == [1, 1, 1]
    assert [line["msg"] for line in lines if line["level"] == "error"] == []

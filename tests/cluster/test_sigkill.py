"""The operator as a process, killed by SIGKILL at one moment of each kind: the next process goes on from there.

That any write may be its last is tried where the controllers are called: tests/controllers/test_any_change.py and test_crash.py.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Tenant, tags
from devcluster.apiclient import ACCOUNTS
from devcluster.crash_proxy import CrashProxy
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions, OperatorProcess
from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.keys.dkim_keys import read_key
from ses_operator.core.model.dkim_source import OwnKey
from ses_operator.core.model.record_values import txt

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


@dataclass
class Mortal:
    """An operator of a namespace and an account of its own, whose writes all pass the proxy that kills it."""

    environment: Environment
    operator: OperatorProcess
    proxy: CrashProxy
    namespace: str

    def tenant(self, label: str) -> Tenant:
        domain = f"{label}.{self.namespace}.example.com"
        return Tenant(self.environment, self.environment.plane.api, self.namespace, self.namespace, domain)

    @contextmanager
    def killed(self, arm: Callable[[str, Callable[[], object]], None], words: str) -> Iterator[None]:
        """What the block begins is cut off at the first write that has these words; then another process starts."""
        arm(words, self.operator.kill)
        yield
        assert self.proxy.fallen.wait(PATIENCE)
        self.proxy.disarm()
        self.environment.revive(self.operator)


@pytest.fixture(scope="module")
def mortal(environment: Environment) -> Iterator[Mortal]:
    namespace = "sigkill"
    api = environment.plane.api
    api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    options = OperatorOptions(namespace, watch_namespaces=(namespace,), flags=QUICK)
    with CrashProxy(environment.sandbox.aws_url, environment.plane) as proxy:
        environment.add_account(namespace, aws_url=proxy.aws_url)
        with environment.operator(options, kubernetes_url=proxy.kubernetes_url) as operator:
            yield Mortal(environment, operator, proxy, namespace)
            api.delete(f"{ACCOUNTS}/{namespace}")


def _created(tenant: Tenant) -> list[str]:
    """Where SES has made the identity, once for each time."""
    calls = tenant.calls(operation="CreateEmailIdentity", identity=tenant.domain, result="ok")
    return sorted(call["region"] for call in calls)


def test_at_a_creation_a_change_and_a_deletion(mortal: Mortal) -> None:
    tenant = mortal.tenant("life")
    with mortal.killed(mortal.proxy.kill_after_first, "CreateEmailIdentity"):
        tenant.create(IRELAND, VIRGINIA, name="life", mailFrom={"subdomain": "bounce"}, tags={"team": "a"})
    tenant.ready("life")
    assert _created(tenant) == [IRELAND, VIRGINIA], "nothing is made twice"

    with mortal.killed(mortal.proxy.kill_before_first, "TagResource"):
        tenant.change("life", tags={"team": "b"})
    tenant.ready("life")
    assert {tags(found)["team"] for found in tenant.at_ses().values()} == {"b"}

    with mortal.killed(mortal.proxy.kill_after_first, "DeleteEmailIdentity"):
        tenant.delete("life")
    tenant.gone("life")
    assert (tenant.at_ses(), tenant.records()) == ({}, {})


@pytest.mark.parametrize("moment", ["before", "after"])
def test_at_a_publication(mortal: Mortal, moment: str) -> None:
    tenant = mortal.tenant(moment)
    arm = mortal.proxy.kill_before_first if moment == "before" else mortal.proxy.kill_after_first
    with mortal.killed(arm, "ChangeResourceRecordSets"):
        tenant.create(IRELAND, name=moment)
    tenant.ready(moment)
    assert len(tenant.records()) == 3 + 1
    tenant.delete(moment)
    tenant.gone(moment)
    assert tenant.records() == {}, "all of them are known as ours"


def test_at_the_making_of_a_key(mortal: Mortal) -> None:
    tenant = mortal.tenant("key")
    byodkim = {"selector": "s1", "privateKeySecretRef": {"name": "made"}, "generate": True}
    with mortal.killed(mortal.proxy.kill_after_first, "/secrets"):
        tenant.create(IRELAND, name="key", dkim={"mode": "BYODKIM", "byodkim": byodkim})
    secret = f"/api/v1/namespaces/{tenant.namespace}/secrets/made"
    made = tenant.api.get(secret)
    assert made is not None
    tenant.ready("key")
    key = read_key("s1", b64decode(made["data"]["tls.key"]))
    assert isinstance(key, OwnKey)
    (record,) = tenant.records()[f"s1._domainkey.{tenant.domain}", "TXT"]
    assert key.public_key in txt.unquote(record)
    tenant.delete("key")
    tenant.gone("key")
    tenant.wait(lambda: tenant.api.get(secret) is None, "the Secret to go with its owner")


def test_at_an_email(mortal: Mortal) -> None:
    tenant = mortal.tenant("email")
    address = f"team@{tenant.domain}"
    with mortal.killed(mortal.proxy.kill_after_first, "CreateEmailIdentity"):
        tenant.create(IRELAND, name="email", domain=None, email=address)
    tenant.not_ready(Reason.WAITING_FOR_CLICK, "email")
    tenant.reconciled("email")
    assert len(tenant.emails(address)) <= 2
    tenant.follow_links(address)
    tenant.ready("email")
    tenant.delete("email")
    tenant.gone("email")

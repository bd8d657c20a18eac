"""A DKIM key that the operator makes outlives its maker. In a module of its own: no other operator may see the identity."""

from __future__ import annotations

from base64 import b64decode

from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Tenant
from cluster.test_byodkim import IRELAND, byodkim, public_key, published, secrets
from devcluster.apiclient import ACCOUNTS
from devcluster.crash_proxy import CrashProxy
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions


def test_killed_right_after_it_has_made_a_key_the_next_one_goes_on_with_that(
    environment: Environment, tenant: Tenant
) -> None:
    account = f"crash-{tenant.namespace}"
    options = OperatorOptions(account, watch_namespaces=(tenant.namespace,), flags=QUICK)
    with CrashProxy(environment.sandbox.aws_url, environment.plane) as crash_proxy:
        environment.add_account(account, aws_url=crash_proxy.aws_url)
        killable = Tenant(environment, tenant.api, tenant.namespace, account=account)
        with environment.operator(options, kubernetes_url=crash_proxy.kubernetes_url) as operator:
            crash_proxy.kill_after_first("/secrets", operator.kill)
            killable.create(IRELAND, dkim=byodkim("s1", "made", generate=True))
            assert crash_proxy.fallen.wait(PATIENCE)
            before = [write.what for write in crash_proxy.writes[:-1] if "sesaccounts" not in write.what]
            assert before == [], "the key is there before anything hears of it"
            made = tenant.api.get(f"{secrets(tenant)}/made")
            assert made is not None
            environment.forget_lease(account)
            operator.start()
            killable.ready()
            assert published(tenant) == {"s1": public_key(b64decode(made["data"]["tls.key"]))}
            killable.delete()
            killable.gone()
        tenant.api.delete(f"{ACCOUNTS}/{account}")

"""An email that was sent is not sent for ever. In a module of its own: no other operator may see the identities."""

from __future__ import annotations

from cluster.conftest import QUICK
from cluster.templates import template
from cluster.tenant import PATIENCE, Tenant
from devcluster.apiclient import ACCOUNTS
from devcluster.crash_proxy import CrashProxy
from devcluster.environment import Environment
from devcluster.kubectl import Kubectl
from devcluster.operator_process import OperatorOptions
from ses_operator.api.base.reasons import Reason

OSAKA = "ap-northeast-3"
KINDS_OF_EMAIL = {
    "plain": ("CreateEmailIdentity", {}),
    "customer": ("outbound-custom-verification-emails", {"verificationTemplateRef": {"name": "welcome"}}),
}
"""The call that sends an email to an address called so, and what asks for it."""


def test_killed_right_after_it_had_an_email_sent_it_has_one_more_sent_at_the_most(
    environment: Environment, tenant: Tenant, kubectl: Kubectl
) -> None:
    account = f"crash-{tenant.namespace}"
    options = OperatorOptions(account, watch_namespaces=(tenant.namespace,), flags=QUICK)
    environment.sandbox.ask("account", {"region": OSAKA, "productionAccess": True})
    with CrashProxy(environment.sandbox.aws_url, environment.plane) as crash_proxy:
        environment.add_account(account, aws_url=crash_proxy.aws_url)
        killable = Tenant(environment, tenant.api, tenant.namespace, account=account)
        with environment.operator(options, kubernetes_url=crash_proxy.kubernetes_url) as operator:
            kubectl.apply(template(killable, regions=[OSAKA]))
            killable.create_ready(OSAKA)
            kubectl("wait", "--for=condition=Ready", "sestpl/welcome", "-n", tenant.namespace, f"--timeout={PATIENCE}s")
            for name, (call, spec) in KINDS_OF_EMAIL.items():
                address = f"{name}@{tenant.domain}"
                crash_proxy.kill_after_first(call, operator.kill)
                killable.create(OSAKA, name=name, domain=None, email=address, **spec)
                assert crash_proxy.fallen.wait(PATIENCE)
                assert len(killable.emails(address)) == 1
                environment.forget_lease(account)
                operator.start()

                killable.not_ready(Reason.WAITING_FOR_CLICK, name)
                killable.reconciled(name)
                assert len(killable.emails(address)) <= 2
                killable.follow_links(address)
                killable.ready(name)
                killable.delete(name)
                killable.gone(name)
            kubectl("delete", "sestpl", "welcome", "-n", tenant.namespace, f"--timeout={PATIENCE}s")
            killable.delete()
            killable.gone()
        tenant.api.delete(f"{ACCOUNTS}/{account}")

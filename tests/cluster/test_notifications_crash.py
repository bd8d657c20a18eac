"""Killed at an email, the next operator sees to it. In a module of its own: no other operator may see the identity."""

from __future__ import annotations

import pytest

from cluster.conftest import QUICK
from cluster.mailroom import Mailroom
from cluster.tenant import PATIENCE, Tenant
from devcluster.apiclient import ACCOUNTS
from devcluster.crash_proxy import CrashProxy, Moment
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions
from devcluster.waiting import eventually


@pytest.mark.parametrize(("moment", "emails"), [(Moment.BEFORE, 1), (Moment.AFTER, 2)], ids=["before", "after"])
def test_killed_at_an_email_it_is_told_at_least_once_and_at_most_once_more(
    environment: Environment, tenant: Tenant, moment: Moment, emails: int
) -> None:
    account = f"crash-{tenant.namespace}"
    options = OperatorOptions(account, watch_namespaces=(tenant.namespace,), flags=QUICK)
    with CrashProxy(environment.sandbox.aws_url, environment.plane) as crash_proxy:
        environment.add_account(account, aws_url=crash_proxy.aws_url)
        mailroom = Mailroom(Tenant(environment, tenant.api, tenant.namespace, account=account))
        with environment.operator(options, kubernetes_url=crash_proxy.kubernetes_url) as operator:
            mailroom.open()
            arm = crash_proxy.kill_before_first if moment is Moment.BEFORE else crash_proxy.kill_after_first
            arm("SendEmail", operator.kill)
            mailroom.add("mail")
            assert crash_proxy.fallen.wait(PATIENCE)
            counts = [write for write in crash_proxy.writes if write.what.endswith(f"/sesaccounts/{account}")]
            assert counts, "it is counted before it is sent"
            environment.forget_lease(account)
            operator.start()

            eventually(lambda: mailroom.notified("mail") == "Stuck", timeout=PATIENCE, of="it to be told")
            mailroom.publish("mail")
            mailroom.gets("is verified")
            assert len(mailroom.mail("is stuck")) == emails
            for name in ("mail", "ops"):
                mailroom.tenant.delete(name)
                mailroom.tenant.gone(name)
        tenant.api.delete(f"{ACCOUNTS}/{account}")

"""What people do with kubectl while the operator runs: apply and wait, look at the columns, delete in every way."""

from __future__ import annotations

import pytest

from cluster.tenant import Tenant, tags
from devcluster.environment import Environment
from devcluster.kubectl import Kubectl
from ses_operator.api.base.meta import OWNER_TAG

pytestmark = pytest.mark.usefixtures("operator")

IRELAND, VIRGINIA, SYDNEY = "eu-west-1", "us-east-1", "ap-southeast-2"
MAIL_FROM = {"subdomain": "bounce"}


def test_three_regions_go_from_apply_to_ready(tenant: Tenant, kubectl: Kubectl) -> None:
    kubectl.apply(tenant.manifest(IRELAND, VIRGINIA, SYDNEY, mailFrom=MAIL_FROM, tags={"team": "payments"}))

    kubectl("wait", "--for=condition=Ready", "sesidentity/mail", "-n", tenant.namespace, "--timeout=90s")

    at_ses = tenant.at_ses()
    assert {region: identity["VerificationStatus"] for region, identity in at_ses.items()} == {
        IRELAND: "SUCCESS", VIRGINIA: "SUCCESS", SYDNEY: "SUCCESS",
    }  # fmt: skip
    for identity in at_ses.values():
        assert identity["MailFromAttributes"]["MailFromDomainStatus"] == "SUCCESS"
        assert tags(identity) == {"team": "payments", OWNER_TAG: f"tests/{tenant.namespace}/mail"}
    columns = kubectl("get", "sesid", "mail", "-n", tenant.namespace, "--no-headers").split()
    assert columns[1:5] == [tenant.domain, "3/3", "True", "Succeeded"]


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_kubectl_delete_returns_when_everything_is_gone(tenant: Tenant, kubectl: Kubectl, cascade: str) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, mailFrom=MAIL_FROM)

    kubectl("delete", "sesid", "mail", "-n", tenant.namespace, f"--cascade={cascade}", "--timeout=90s")

    assert (tenant.at_ses(), tenant.records()) == ({}, {})


def test_a_namespace_goes_with_its_identities(tenant: Tenant, kubectl: Kubectl) -> None:
    tenant.create_ready(IRELAND, VIRGINIA)

    kubectl("delete", "namespace", tenant.namespace, "--timeout=90s")

    assert (tenant.at_ses(), tenant.records()) == ({}, {})


def test_a_secret_with_other_keys_is_taken_up_as_soon_as_it_is_applied(
    environment: Environment, namespace: str, kubectl: Kubectl
) -> None:
    tenant = Tenant(environment, environment.plane.api, namespace, account=namespace)
    environment.add_account(namespace)
    tenant.create_ready(IRELAND)

    kubectl.apply(environment.secret(f"{namespace}-credentials", "AKIAOTHER"))

    tenant.wait(lambda: any(call["accessKey"] == "AKIAOTHER" for call in tenant.calls()), "a call with the other keys")
    tenant.delete()
    tenant.gone()
    kubectl("delete", "sesaccount", namespace, "--timeout=90s")

"""The records go to the real ExternalDNS by a DNSEndpoint, and from there into Route 53."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.kube import remove_dnsendpoint_kind
from cluster.tenant import PATIENCE, ZONE, Tenant
from devcluster.environment import Environment
from devcluster.externaldns import ExternalDns, Settings, dnsendpoint_crd
from devcluster.kubectl import Kubectl, KubectlError
from devcluster.waiting import eventually
from ses_operator.api.base.reasons import Reason

pytestmark = pytest.mark.usefixtures("operator")

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
CRD = "crd/dnsendpoints.externaldns.k8s.io"
DNS_ENDPOINT = {
    "provider": "DNSEndpoint",
    "dnsEndpoint": {"labels": {"dns": "public"}, "annotations": {"for": "mail"}},
    "providerSpecific": [{"name": "alias", "value": "false", "recordTypes": ["CNAME"]}],
}


@pytest.fixture
def installed(kubectl: Kubectl) -> None:
    """ExternalDNS's kind."""
    kubectl.apply(dnsendpoint_crd())
    kubectl.await_kinds(CRD)


@pytest.fixture
def external_dns(environment: Environment, tenant: Tenant, installed: None, tmp_path: Path) -> Iterator[ExternalDns]:  # noqa: ARG001
    """ExternalDNS for the tenant's namespace, as its documentation sets it up."""
    arguments = [f"--namespace={tenant.namespace}", f"--domain-filter={ZONE}", "--label-filter=dns=public"]
    settings = Settings(owner_id=tenant.namespace, arguments=arguments)
    log = tmp_path / "external-dns.log"
    with ExternalDns(environment.plane.kubeconfig, environment.sandbox.aws_url, settings, log=log) as running:
        yield running


@pytest.mark.usefixtures("external_dns")
def test_two_regions_become_ready_through_external_dns(tenant: Tenant, kubectl: Kubectl) -> None:
    tenant.create(IRELAND, VIRGINIA, dns=DNS_ENDPOINT, mailFrom={"subdomain": "bounce"})

    tenant.ready()

    endpoint = kubectl.get("dnsendpoint", "mail", "-n", tenant.namespace)
    assert endpoint["metadata"]["labels"]["dns"] == "public"
    properties = {each["recordType"]: each.get("providerSpecific") for each in endpoint["spec"]["endpoints"]}
    assert properties == {"CNAME": [{"name": "alias", "value": "false"}], "MX": None, "TXT": None}
    assert endpoint["metadata"]["annotations"]["for"] == "mail"
    assert "ownerReferences" not in endpoint["metadata"]
    assert (f"bounce-{IRELAND}.{tenant.domain}", "MX") in tenant.records()


@pytest.mark.usefixtures("external_dns")
def test_deletion_takes_the_identity_then_the_endpoint_and_external_dns_the_records(
    tenant: Tenant, kubectl: Kubectl
) -> None:
    tenant.create_ready(IRELAND, dns=DNS_ENDPOINT)
    with tenant.refusing("DeleteEmailIdentity"):
        tenant.delete()
        tenant.waits_for_deletion(Reason.ACCESS_DENIED)
        assert kubectl.get("dnsendpoint", "mail", "-n", tenant.namespace)["spec"]["endpoints"]

    tenant.request_reconcile()
    tenant.gone()

    with pytest.raises(KubectlError, match="not found"):
        kubectl.get("dnsendpoint", "mail", "-n", tenant.namespace)
    eventually(
        lambda: not [key for key in tenant.records() if key[1] == "CNAME"], timeout=PATIENCE, of="the records to go"
    )


@pytest.mark.usefixtures("installed")
def test_an_endpoint_that_somebody_changed_is_put_right(tenant: Tenant, kubectl: Kubectl) -> None:
    tenant.create(IRELAND, dns=DNS_ENDPOINT)
    where = ("dnsendpoint/mail", "-n", tenant.namespace)
    eventually(tenant.endpoints, timeout=PATIENCE, of="the DNSEndpoint")

    kubectl("patch", *where, "--type=merge", '--patch={"spec": {"endpoints": []}}')

    eventually(lambda: len(tenant.endpoints()) == 3, timeout=PATIENCE, of="the three CNAME records to be back")


def test_without_external_dns_it_says_so_and_goes_on_when_it_comes(tenant: Tenant, kubectl: Kubectl) -> None:
    remove_dnsendpoint_kind(kubectl)
    tenant.create(IRELAND, dns=DNS_ENDPOINT)
    assert "DNSEndpoint" in tenant.not_ready(Reason.DNS_ENDPOINT_CRD_MISSING).message

    kubectl.apply(dnsendpoint_crd())

    eventually(tenant.endpoints, timeout=PATIENCE, of="the DNSEndpoint")

"""ExternalDNS takes records over from the operator and gives them back, in one zone, and no record is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.moving import ENDPOINT, ROUTE53, is_up_to_date, needed, stays, watch
from cluster.tenant import ZONE, Tenant
from devcluster.environment import Environment
from devcluster.externaldns import ExternalDns, Settings, dnsendpoint_crd
from devcluster.kubectl import Kubectl
from ses_operator.api.base.meta import WITHDRAW_FROM
from ses_operator.core.dns.migration import Pending

pytestmark = pytest.mark.usefixtures("operator")

IRELAND = "eu-west-1"
CRD = "crd/dnsendpoints.externaldns.k8s.io"


def ledger(tenant: Tenant) -> tuple[str, ...]:
    return tenant.records().get((f"_ses-operator.{tenant.domain}", "TXT"), ())


@pytest.fixture
def external_dns(environment: Environment, tenant: Tenant, kubectl: Kubectl, tmp_path: Path) -> Iterator[ExternalDns]:
    """ExternalDNS for the tenant's namespace, which writes into the zone that the operator writes into."""
    kubectl.apply(dnsendpoint_crd())
    kubectl.await_kinds(CRD)
    arguments = [f"--namespace={tenant.namespace}", f"--domain-filter={ZONE}", "--label-filter=dns=moves"]
    settings = Settings(owner_id=tenant.namespace, arguments=arguments)
    log = tmp_path / "external-dns.log"
    with ExternalDns(environment.plane.kubeconfig, environment.sandbox.aws_url, settings, log=log) as running:
        yield running


@pytest.mark.usefixtures("external_dns")
def test_external_dns_takes_over_in_the_same_zone_when_it_is_asked_for_and_gives_back(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND)
    watched, records = watch(tenant), needed(tenant, IRELAND)
    zone = f"Route53/{tenant.environment.sandbox.zones[ZONE]}"

    tenant.change(dns=ENDPOINT)
    assert f"{WITHDRAW_FROM}={zone}" in stays(tenant, zone, Pending.STILL_DELEGATED)
    assert tenant.endpoints()
    assert ledger(tenant), "the records are still ours, and go with the identity"
    assert watched.gaps(records) == []

    tenant.annotate(WITHDRAW_FROM, zone)
    tenant.wait(lambda: is_up_to_date(tenant, "DNSEndpoint"), "the operator to have withdrawn")
    assert not ledger(tenant)
    tenant.wait(lambda: records.items() <= tenant.records().items(), "ExternalDNS to take over")
    identity = tenant.identity()
    assert identity is not None
    assert WITHDRAW_FROM not in identity.metadata.annotations, "it is no wish for the next time"

    tenant.change(dns=ROUTE53)
    tenant.wait(lambda: is_up_to_date(tenant, "Route53"), "the records to be ours again")
    tenant.wait(lambda: records.items() <= tenant.records().items(), "all of them to stand")
    assert not tenant.endpoints()
    assert len(ledger(tenant)) == 1 + len(records)
    assert all(gap.seconds is not None for gap in watched.gaps(records)), "what ExternalDNS took away is back"

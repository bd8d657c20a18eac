"""What an operator does that knows nothing: after a restart, and after a restore from backup."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.figures import LISTS
from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Tenant
from devcluster.apiclient import IDENTITIES
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.base.conditions import ConditionType

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
READS = ("Get", "List", "AssumeRole")


@pytest.fixture
def own_operator(environment: Environment, tenant: Tenant) -> Iterator[OperatorProcess]:
    """An operator that this test may stop and start."""
    options = OperatorOptions("restarted", watch_namespaces=(tenant.namespace,), flags=QUICK)
    with environment.operator(options) as operator:
        yield operator
        tenant.api.delete(IDENTITIES.format(namespace=tenant.namespace))
        eventually(
            lambda: not tenant.api.table(IDENTITIES.format(namespace=tenant.namespace))[1],
            timeout=PATIENCE,
            of="the identities to go",
        )


def restart(tenant: Tenant, operator: OperatorProcess) -> int:
    """Stops it, starts it, and waits until it has listed every region; the number of the last call before."""
    operator.terminate()
    before: int = tenant.calls()[-1]["number"]
    operator.start()
    operator.await_ready()
    eventually(
        lambda: (
            {call["region"] for call in tenant.calls(since=before, operation="ListEmailIdentities")}
            >= {IRELAND, VIRGINIA}
        ),
        timeout=PATIENCE,
        of="every region to be listed",
    )
    return before


def await_lists(tenant: Tenant, since: int) -> None:
    """Waits until the lists were read twice more: what the operator wanted to do after the first is done."""
    read = len(tenant.calls(since=since, operation="ListEmailIdentities"))
    eventually(
        lambda: len(tenant.calls(since=since, operation="ListEmailIdentities")) >= read + 4,
        timeout=PATIENCE,
        of="the lists to be read again",
    )


def test_a_restart_with_all_verified_costs_list_pages_only(tenant: Tenant, own_operator: OperatorProcess) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})

    before = restart(tenant, own_operator)

    await_lists(tenant, before)
    operations = {call["operation"] for call in tenant.calls(since=before, service="ses")}
    assert "ListEmailIdentities" in operations
    assert operations <= LISTS


def test_somebody_elses_dmarc_policy_does_not_make_every_restart_read_the_identity_again(
    tenant: Tenant, own_operator: OperatorProcess
) -> None:
    tenant.add_record("_dmarc", "TXT", '"v=DMARC1; p=none; rua=mailto:them@example.net"')
    tenant.create_ready(IRELAND, VIRGINIA, dmarc={"policy": "reject"})
    tenant.says(ConditionType.DNS_PUBLISHED, "_dmarc")
    tenant.reconciled()

    before = restart(tenant, own_operator)

    await_lists(tenant, before)
    assert [call["operation"] for call in tenant.calls(since=before, identity=tenant.domain)] == []


def test_status_that_was_lost_comes_back_without_a_write_to_aws(tenant: Tenant, own_operator: OperatorProcess) -> None:
    before = tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
    own_operator.terminate()
    path = f"{IDENTITIES.format(namespace=tenant.namespace)}/mail/status"
    tenant.api.patch(path, {"status": None})
    mark: int = tenant.calls()[-1]["number"]

    own_operator.start()
    own_operator.await_ready()

    after = tenant.ready()
    assert after.status.regions == tuple(
        region.model_copy(
            update={
                "verified_at": found.verified_at,
                "provisioned_at": found.provisioned_at,
                "mail_from": found.mail_from,
            }
        )
        for region, found in zip(before.status.regions, after.status.regions, strict=True)
    )
    mine = tenant.calls(since=mark)
    assert {call["operation"] for call in mine if not call["operation"].startswith(READS)} == set()


def test_an_object_restored_without_its_annotations_is_taken_up_again(
    tenant: Tenant, own_operator: OperatorProcess
) -> None:
    tenant.create_ready(IRELAND)
    own_operator.terminate()
    path = f"{IDENTITIES.format(namespace=tenant.namespace)}/mail"
    tenant.api.patch(path, {"metadata": {"finalizers": None}})
    tenant.delete()
    tenant.create(IRELAND)
    own_operator.start()
    own_operator.await_ready()
    tenant.ready()

    tenant.delete()
    tenant.gone()

    assert tenant.at_ses() == {}
    assert tenant.records() == {}

"""Two clusters that share an AWS account: what the objects of one own goes to those of the other, and no mail is the worse."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Tenant
from cluster.verdicts import explains
from devcluster.controlplane import ControlPlane
from devcluster.environment import OPERATOR_NAMESPACE, Environment
from devcluster.forked import fork_operator
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.base.meta import HAND_OVER_TO, OWNER_TAG
from ses_operator.api.base.reasons import Reason
from ses_operator.dns.ledger_keys import ledger_secret

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
SPEC: dict[str, Any] = {"mailFrom": {"subdomain": "bounce"}, "tags": {"team": "payments"}}
NEW = "new"


@pytest.fixture(scope="module")
def new_cluster(environment: Environment) -> Iterator[Environment]:
    """Another cluster, with the same AWS."""
    with ControlPlane() as plane:
        cluster = Environment(plane, environment.sandbox, launch=fork_operator)
        cluster.install()
        cluster.add_account()
        yield cluster


@pytest.fixture
def old_operator(environment: Environment, tenant: Tenant) -> Iterator[OperatorProcess]:
    """The operator of the old cluster. It sees nothing of other tests' tenants."""
    options = OperatorOptions(f"old-{tenant.namespace}", watch_namespaces=(tenant.namespace,), flags=QUICK)
    with environment.operator(options) as operator:
        yield operator


@pytest.fixture
def new_operator(new_cluster: Environment, twin: Tenant) -> Iterator[OperatorProcess]:
    options = OperatorOptions(NEW, watch_namespaces=(twin.namespace,), flags=QUICK)
    with new_cluster.operator(options) as operator:
        yield operator


@pytest.fixture
def twin(new_cluster: Environment, tenant: Tenant) -> Iterator[Tenant]:
    """The tenant's namespace in the new cluster, deployed from the same Git."""
    new_cluster.kubectl("create", "namespace", tenant.namespace)
    yield Tenant(new_cluster, new_cluster.plane.api, tenant.namespace, domain=tenant.domain)
    new_cluster.kubectl("delete", "namespace", tenant.namespace, "--wait=false")


def handover(tenant: Tenant, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as a person of the old cluster runs it."""
    program = Path(sys.executable).with_name("ses-operator")
    kubeconfig = f"--kubeconfig={tenant.environment.plane.kubeconfig}"
    command: list[str | Path] = [program, "handover", "--to", NEW, kubeconfig, "-n", tenant.namespace, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def _copy_key(environment: Environment, new_cluster: Environment, installation_id: str) -> None:
    """The new cluster gets the key by which the old one signed its ledgers."""
    key = ledger_secret(OPERATOR_NAMESPACE, installation_id)
    path = f"/api/v1/namespaces/{key.namespace}/secrets/{key.name}"
    found = environment.plane.api.get(path)
    assert found is not None
    metadata = {member: found["metadata"][member] for member in ("name", "namespace", "labels")}
    new_cluster.plane.api.apply(
        path, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": found["data"]}
    )


@pytest.mark.usefixtures("old_operator", "new_operator")
def test_the_old_cluster_hands_over_and_the_new_one_goes_on_where_it_was(tenant: Tenant, twin: Tenant) -> None:
    tenant.create_ready(IRELAND, VIRGINIA, **SPEC)
    twin.create(IRELAND, VIRGINIA, **SPEC)
    explains(twin, Reason.OWNED_BY_ANOTHER, IRELAND, "hand it over")
    before, records, begun = tenant.at_ses(), tenant.records(), tenant.last_call()
    _copy_key(tenant.environment, twin.environment, f"old-{tenant.namespace}")

    dry = handover(tenant, "mail", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert f"the identity {tenant.domain} in {IRELAND}, {VIRGINIA}; its DNS records in Route53/" in dry.stdout
    assert not _carried_out(tenant, begun)

    done = handover(tenant, "mail")

    assert done.returncode == 0, done.stderr
    assert "1 of 1 handed over to new" in done.stdout
    twin.request_reconcile()
    twin.ready()
    assert _carried_out(tenant, begun) == ["TagResource", "TagResource"]
    assert _but_for_owner(tenant.at_ses()) == _but_for_owner(before)
    assert set(tenant.owners().values()) == {f"{NEW}/{tenant.namespace}/mail"}
    ledger = (f"_ses-operator.{tenant.domain}", "TXT")
    after = tenant.records()
    assert {**after, ledger: ()} == {**records, ledger: ()}
    assert f"owner={NEW}/{tenant.namespace}/mail" in "".join(after[ledger])
    tenant.not_ready(Reason.HANDED_OVER)
    assert "1 of 1" in handover(tenant, "mail").stdout, "once more is as good"

    tenant.delete()
    tenant.gone()
    assert tenant.records() == after
    assert tenant.at_ses().keys() == {IRELAND, VIRGINIA}
    twin.delete()
    twin.gone()
    assert tenant.at_ses() == {}
    assert tenant.records() == {}


@pytest.mark.usefixtures("old_operator")
def test_what_hinders_it_is_told_and_deleting_in_the_middle_takes_nothing_away(tenant: Tenant) -> None:
    tenant.create_ready(IRELAND, **SPEC)
    records = tenant.records()
    with tenant.refusing("TagResource"):
        tenant.annotate(HAND_OVER_TO, NEW)
        tenant.waits_for_handover(NEW)
        failed = handover(tenant, "mail", "--timeout=1")
        assert failed.returncode == 1
        assert "not handed over: Hand-over to new is waiting: " in failed.stderr
        assert "ses:TagResource" in failed.stderr
        assert f"remove the annotation {HAND_OVER_TO}" in failed.stderr
        tenant.delete()
        tenant.waits_for_handover(NEW)

    tenant.gone()

    assert tenant.owners() == {IRELAND: f"{NEW}/{tenant.namespace}/mail"}
    assert tenant.records().keys() == records.keys()


def test_a_command_that_nobody_answers_says_what_may_be_the_matter(tenant: Tenant) -> None:
    tenant.create(IRELAND)
    unanswered = handover(tenant, "--all", "--timeout=0")
    assert unanswered.returncode == 1
    assert "Is the operator of the installation that owns it running here?" in unanswered.stderr
    missing = handover(tenant, "nobody")
    assert missing.returncode == 1
    assert '"nobody" not found' in missing.stderr
    assert handover(tenant).returncode == 2, "which objects has to be said"


def test_the_heir_of_a_cluster_that_is_lost_takes_over_what_was_its(
    environment: Environment, tenant: Tenant, new_cluster: Environment, twin: Tenant
) -> None:
    lost = OperatorOptions(f"lost-{tenant.namespace}", watch_namespaces=(tenant.namespace,), flags=QUICK)
    with environment.operator(lost):
        tenant.create_ready(IRELAND, VIRGINIA, **SPEC)
    tenant.lose()
    before, records, begun = tenant.at_ses(), tenant.records(), tenant.last_call()
    _copy_key(environment, new_cluster, lost.installation_id)

    flags = {**QUICK, "inherit-from": f"{lost.installation_id},another"}
    new_owner = OperatorOptions(f"new-owner-{tenant.namespace}", watch_namespaces=(tenant.namespace,), flags=flags)
    with new_cluster.operator(new_owner):
        twin.create_ready(IRELAND, VIRGINIA, **SPEC)

        assert _carried_out(tenant, begun) == ["TagResource", "TagResource"]
        assert _but_for_owner(tenant.at_ses()) == _but_for_owner(before)
        owner = f"{new_owner.installation_id}/{tenant.namespace}/mail"
        assert set(tenant.owners().values()) == {owner}
        ledger = (f"_ses-operator.{tenant.domain}", "TXT")
        assert tenant.records().keys() == records.keys()
        eventually(
            lambda: f"owner={owner}" in "".join(tenant.records()[ledger]), timeout=PATIENCE, of="the ledger to follow"
        )
        twin.delete()
        twin.gone()
    assert tenant.at_ses() == {}
    assert tenant.records() == {}


def _carried_out(tenant: Tenant, begun: int) -> list[str]:
    """What was done to the domain at SES since then."""
    calls = tenant.calls(identity=tenant.domain, since=begun)
    done = [call["operation"] for call in calls if call["status"] < 300]
    return [operation for operation in done if not operation.startswith("Get")]


def _but_for_owner(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What SES has, without the tag that changes."""
    return {
        region: {**identity, "Tags": [tag for tag in identity["Tags"] if tag["Key"] != OWNER_TAG]}
        for region, identity in found.items()
    }

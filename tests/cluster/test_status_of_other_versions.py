"""Objects as operators of other versions left them: this one goes on from there, and AWS is asked for nothing new."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.conftest import QUICK
from cluster.crds import ApiServer
from cluster.tenant import PATIENCE, Tenant
from devcluster.environment import Environment
from devcluster.externaldns import dnsendpoint_crd
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.meta import INVENTORY
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.schema.kinds import IDENTITY
from ses_operator.core.status.status import remembered

WRITTEN = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[1] / "statuses").glob("*.yaml"))
}
NEVER_READY = {"address", "endpoint"}
"""Nobody follows the link, and there is no ExternalDNS."""
OF_ITS_VERSION = {"appliedConfiguration", "reason", "message"}


@pytest.fixture
def operator(environment: Environment, tenant: Tenant) -> Iterator[OperatorProcess]:
    options = OperatorOptions("versions", watch_namespaces=(tenant.namespace,), flags=QUICK)
    environment.kubectl.apply(dnsendpoint_crd())
    with environment.operator(options) as operator:
        yield operator


def test_objects_that_other_versions_wrote_are_carried_on_without_a_write_at_aws(
    tenant: Tenant, environment: Environment, operator: OperatorProcess
) -> None:
    for name, written in WRITTEN.items():
        create(tenant, name, written["spec"])
    before = {name: settled(tenant, name) for name in WRITTEN}
    operator.terminate()
    server = ApiServer(environment.plane)
    for name, written in WRITTEN.items():
        leave(tenant, server, name, written)
    leave_as_a_newer_one(tenant, server, "easy-dkim")
    server.close()
    mark = tenant.last_call()
    operator.start()
    operator.await_ready()
    after = {name: settled(tenant, name) for name in WRITTEN}

    assert changes(tenant, mark) == []
    for name, identity in after.items():
        assert remembered(identity) == remembered(before[name])
        if name not in NEVER_READY:
            known = {each["type"] for each in WRITTEN[name]["status"]["conditions"]}
            assert transitions(identity, known) == transitions(before[name], known), "no condition has changed"
        assert identity.status.applied_configuration == before[name].status.applied_configuration
        tenant.delete(name)
    for name, identity in before.items():
        tenant.gone(name)
        assert tenant.at_ses(identity.spec.identity) == {}
    assert tenant.records() == {}


def create(tenant: Tenant, name: str, spec: dict[str, Any]) -> None:
    """The object, with a domain of the tenant's in place of its own."""
    whose = (
        {"domain": f"{name}.{tenant.domain}"}
        if "domain" in spec
        else {"domain": None, "email": f"{tenant.namespace}@{name}.net"}
    )
    members = {member: value for member, value in spec.items() if member not in ("domain", "email", "regions")}
    tenant.create(*spec["regions"], name=name, **{**members, **whose, "accountRef": {"name": tenant.account}})


def settled(tenant: Tenant, name: str) -> SesIdentity:
    """The identity when it has come as far as it comes, after a reconcile of now."""
    if name not in NEVER_READY:
        tenant.ready(name)
    eventually(lambda: has_come(tenant, name), timeout=PATIENCE, of=f"{name} to be provisioned")
    return tenant.reconciled(name)


def has_come(tenant: Tenant, name: str) -> bool:
    provisioned = tenant.condition(ConditionType.PROVISIONED, name)
    return provisioned is not None and provisioned.is_true


def leave(tenant: Tenant, server: ApiServer, name: str, written: dict[str, Any]) -> None:
    """Puts status and inventory in the shape in which they were written."""
    obj = tenant.api.get(tenant.path(name))
    assert obj is not None
    inventory = json.loads(obj["metadata"]["annotations"][INVENTORY])
    old = json.loads(written["metadata"]["annotations"][INVENTORY])
    tenant.annotate(
        INVENTORY, json.dumps({member: inventory.get(member, value) for member, value in old.items()}), name
    )
    rewrite(tenant, server, name, shaped(written["status"], obj["status"]))


def shaped(written: Any, now: Any) -> Any:
    """What stands now, in the shape of what was written: its members and no others, and its words for people."""
    if isinstance(written, dict) and isinstance(now, dict):
        return {
            member: value if member in OF_ITS_VERSION else shaped(value, now.get(member, value))
            for member, value in written.items()
        }
    if isinstance(written, list) and isinstance(now, list) and written and isinstance(written[0], dict):
        known = {entry.get("type"): entry for entry in now} if "lastTransitionTime" in written[0] else {}
        return [shaped(entry, known.get(entry.get("type"), found)) for entry, found in zip(written, now, strict=False)]
    return now


def leave_as_a_newer_one(tenant: Tenant, server: ApiServer, name: str) -> None:
    """Adds what an operator may have written that is newer than this one, as far as the kinds let it stand."""
    obj = tenant.api.get(tenant.path(name))
    assert obj is not None
    inventory = json.loads(obj["metadata"]["annotations"][INVENTORY])
    tenant.annotate(INVENTORY, json.dumps({**inventory, "invented": ["x"]}), name)
    status = obj["status"]
    invented = {**status["conditions"][0], "type": "BIMIPublished", "reason": "Invented"}
    status["conditions"] = [*status["conditions"], invented]
    status["dns"]["records"][0] |= {"state": "Signed", "purpose": "BIMI"}
    rewrite(tenant, server, name, status)


def rewrite(tenant: Tenant, server: ApiServer, name: str, status: dict[str, Any]) -> None:
    obj = tenant.api.get(tenant.path(name))
    assert obj is not None
    assert server.write_status(IDENTITY, obj, status) == status


def transitions(identity: SesIdentity, known: set[str]) -> dict[str, tuple[str, datetime]]:
    """Each condition of these types with its status and since when."""
    found = (each for each in identity.status.conditions if each.type in known)
    return {each.type: (each.status, each.last_transition_time) for each in found}


def changes(tenant: Tenant, mark: int) -> list[str]:
    """What was asked of AWS since then that is no question."""
    reads = ("Get", "List", "Assume", "BatchGet")
    return [call["operation"] for call in tenant.calls(since=mark) if not call["operation"].startswith(reads)]

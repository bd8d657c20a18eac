"""An operator that starts among hostile objects of each kind, and gets more while it runs, serves those beside them."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.run import usage
from cluster.conftest import QUICK
from cluster.hostile import DOCUMENTS, INVENTORIES, TEXTS, Json, Manifest, filled, hostile
from cluster.tenant import PATIENCE, ZONE, Tenant
from devcluster.apiclient import GROUP, IDENTITIES, ApiError
from devcluster.environment import Environment
from devcluster.kubectl import KubectlError
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.base.meta import API_VERSION, INVENTORY, WATCH_LABEL
from ses_operator.api.schema.kinds import IDENTITY, TEMPLATE, Kind

IRELAND = "eu-west-1"
EXAMPLES = 15
MOST_MEMORY = 60e6
"""Bytes that a few dozen hostile objects may cost, with room for what a healthy one costs when it is the first."""
_NUMBERS = itertools.count(1)


@pytest.fixture
def beset(environment: Environment, tenant: Tenant) -> OperatorProcess:
    """An operator for the tenant's namespace that has not been started."""
    return environment.operator(OperatorOptions("beset", watch_namespaces=(tenant.namespace,), flags=QUICK))


@pytest.fixture
def nested(tenant: Tenant) -> Iterator[str]:
    """The name of an identity that no decoder of Python's reads: a policy nested 2,000 deep. It goes before all others."""
    kubectl = tenant.environment.kubectl
    document = '{"a":' * 2000 + "1" + "}" * 2000
    spec = json.dumps(tenant.manifest(IRELAND, domain=f"deep.{tenant.domain}")["spec"])
    policies = f'"policies":[{{"name":"p","document":{document}}}]'
    body = f'{{"apiVersion":"{API_VERSION}","kind":"SesIdentity","metadata":{{"name":"deep"}},"spec":{spec[:-1]},{policies}}}}}'
    kubectl("create", "--raw", IDENTITIES.format(namespace=tenant.namespace), "-f", "-", stdin=body)
    yield "deep"
    with contextlib.suppress(KubectlError):  # the operator that held it is no more
        patch = '{"metadata":{"finalizers":null}}'
        kubectl("patch", "sesidentity", "deep", "--namespace", tenant.namespace, "--type=merge", f"--patch={patch}")
        kubectl("delete", "sesidentity", "deep", "--namespace", tenant.namespace)


def put(tenant: Tenant, kind: Kind, drawn: tuple[Manifest, Json, Mapping[str, str]]) -> str | None:
    """The path of the object as far as the apiserver accepts it; None if it refuses its spec."""
    spec, status, annotations = drawn
    name = f"hostile-{next(_NUMBERS)}"
    collection = f"{GROUP}/namespaces/{tenant.namespace}/{kind.plural}"
    metadata = {"name": name, "annotations": dict(annotations)}
    body: dict[str, Any] = {"apiVersion": API_VERSION, "kind": kind.kind, "metadata": metadata}
    body["spec"] = filled(spec, name=name, zone=f"{tenant.namespace}.{ZONE}", account=tenant.account)
    try:
        tenant.api.create(collection, body)
    except ApiError:
        return None
    with contextlib.suppress(ApiError):
        tenant.api.patch(f"{collection}/{name}/status", {"status": status})
    return f"{collection}/{name}"


def of_each_kind(tenant: Tenant) -> None:
    """Objects of each kind that the operator reads, with what did harm once."""
    for inventory, document in zip(INVENTORIES, DOCUMENTS, strict=False):
        policies = [{"name": "p", "document": document}]
        spec = {
            "domain": "{name}.{zone}",
            "regions": [IRELAND],
            "accountRef": {"name": "{account}"},
            "policies": policies,
        }
        put(tenant, IDENTITY, (spec, None, {INVENTORY: inventory}))
    regions = [f"eu-{chr(97 + number // 10)}x-{number % 10}" for number in range(32)]
    put(
        tenant,
        IDENTITY,
        ({"domain": "{name}.{zone}", "regions": regions, "accountRef": {"name": "{account}"}}, None, {}),
    )
    secret = {
        "metadata": {
            "name": "hostile",
            "labels": {WATCH_LABEL: "true"},
            "annotations": {"example.com/x": "[{" * 120_000},
        },
        "data": {"key": "QUFB" * 200_000},
    }
    tenant.api.create(f"/api/v1/namespaces/{tenant.namespace}/secrets", secret)
    annotations = {f"example.com/{number}": text for number, text in enumerate(TEXTS)}
    tenant.api.patch(f"/api/v1/namespaces/{tenant.namespace}", {"metadata": {"annotations": annotations}})


def test_it_is_ready_names_what_it_cannot_read_and_serves_those_beside(
    tenant: Tenant, beset: OperatorProcess, nested: str
) -> None:
    of_each_kind(tenant)
    with beset:
        tenant.create(IRELAND, name="beside")
        tenant.ready("beside")
        pid, before = beset.pid, usage(beset.pid).peak_memory
        assert f"{tenant.namespace}/{nested}" in beset.log
        assert 'ses_operator_unreadable_objects{kind="SesIdentity"} 1.0' in beset.metrics()
        events = (
            f"/api/v1/namespaces/{tenant.namespace}/events?fieldSelector=involvedObject.name={nested},reason=Unreadable"
        )
        eventually(lambda: (tenant.api.get(events) or {})["items"], timeout=PATIENCE, of="the Event")
        paths: list[str | None] = []

        @settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(st.sampled_from([IDENTITY, TEMPLATE]), st.data())
        def more(kind: Kind, data: st.DataObject) -> None:
            paths.append(put(tenant, kind, data.draw(hostile(kind))))

        more()
        tenant.create(IRELAND, name="after", domain=f"after.{tenant.domain}")
        tenant.ready("after")
        assert beset.process.running
        assert beset.pid == pid
        assert usage(pid).peak_memory - before < MOST_MEMORY
        assert "Traceback" not in beset.log
        for path in filter(None, paths):
            tenant.api.delete(path)

"""What the apiserver refuses to write to an object is said in its status, and what it refuses there in an Event and a metric."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cluster.tenant import PATIENCE, Tenant
from controllers.world import World
from devcluster.apiclient import ApiError
from devcluster.waiting import eventually
from ses_operator.api.base.meta import API_VERSION
from ses_operator.api.base.reasons import Reason

IRELAND = "eu-west-1"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"


@contextmanager
def forbidding(tenant: Tenant, *, resource: str, rule: str) -> Iterator[None]:
    """An admission policy of the platform refuses what does not meet the rule, in the tenant's namespace."""
    name = f"{tenant.namespace}-{resource.replace('/', '-')}"
    group, version = API_VERSION.split("/")
    matched = {"apiGroups": [group], "apiVersions": [version], "operations": ["UPDATE"], "resources": [resource]}
    policy = {
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [matched]},
            "validations": [{"expression": rule, "message": "not with our rules"}],
        },
    }
    binding = {
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": tenant.namespace}}},
        },
    }
    tenant.api.create(f"{ADMISSION}/validatingadmissionpolicies", policy)
    tenant.api.create(f"{ADMISSION}/validatingadmissionpolicybindings", binding)
    try:
        yield
    finally:
        tenant.api.delete(f"{ADMISSION}/validatingadmissionpolicybindings/{name}")
        tenant.api.delete(f"{ADMISSION}/validatingadmissionpolicies/{name}")


def counted(world: World, part: str) -> float:
    found = world.telemetry.registry.get_sample_value(
        "ses_operator_object_writes_refused_total", {"controller": "sesidentity", "part": part}
    )
    return found or 0.0


def test_an_object_without_room_for_annotations_says_so_and_goes_on_when_there_is_room(
    tenant: Tenant, world: World
) -> None:
    full = {f"example.com/{number}": "x" * 250_000 for number in (1,)} | {"example.com/2": "y" * 12_100}
    manifest: dict[str, Any] = tenant.manifest(IRELAND)
    manifest["metadata"]["annotations"] = full
    tenant.api.create(tenant.path().rpartition("/")[0], manifest)

    said = tenant.not_ready(Reason.OBJECT_WRITE_REFUSED).message

    assert "annotations" in said
    assert tenant.at_ses() == {}, "nothing is made that nothing would take back"
    assert counted(world, "metadata") >= 1
    assert any(reason == Reason.OBJECT_WRITE_REFUSED for _, reason, _ in tenant.events())
    tenant.api.patch(tenant.path(), {"metadata": {"annotations": dict.fromkeys(full)}})
    tenant.ready()


def is_denied(tenant: Tenant, subresource: str) -> bool:
    """A policy works a moment after it was made."""
    path = f"{tenant.path()}{subresource}?dryRun=All"
    change = {"status": {"verifiedRegions": "9/9"}} if subresource else {"metadata": {"finalizers": ["example.com/x"]}}
    try:
        tenant.api.patch(path, change)
    except ApiError as error:
        return error.code == 422
    return False


def test_a_deletion_that_an_admission_policy_holds_up_says_so_and_is_not_ready(tenant: Tenant, world: World) -> None:
    tenant.create_ready(IRELAND)
    rule = "object.metadata.?finalizers.orValue([]) == oldObject.metadata.?finalizers.orValue([])"
    with forbidding(tenant, resource="sesidentities", rule=rule):
        eventually(lambda: is_denied(tenant, ""), timeout=PATIENCE, of="the policy to work")
        tenant.delete()

        said = tenant.waits_for_deletion(Reason.OBJECT_WRITE_REFUSED)

        assert "not with our rules" in said
        assert "admission policy" in said
        assert counted(world, "metadata") >= 1
    tenant.gone()


def test_what_cannot_be_written_to_status_is_in_an_event_and_a_metric(tenant: Tenant, world: World) -> None:
    tenant.create_ready(IRELAND)
    with forbidding(tenant, resource="sesidentities/status", rule="false"):
        eventually(lambda: is_denied(tenant, "/status"), timeout=PATIENCE, of="the policy to work")
        tenant.change(suspend=True, tags={"team": "payments"})
        tenant.wait(lambda: counted(world, "status") >= 1, "the refusal to be counted")
        tenant.wait(lambda: any(reason == Reason.OBJECT_WRITE_REFUSED for _, reason, _ in tenant.events()), "the Event")
    tenant.change(suspend=None)
    tenant.ready()

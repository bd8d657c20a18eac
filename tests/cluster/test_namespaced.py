"""Releases of the chart that look after listed namespaces, as their pods would run: without a right to see namespaces, and
several in one cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.helm import Helm
from cluster.releases import Release, running_as_its_pod
from cluster.tenant import PATIENCE, Tenant
from cluster.verdicts import explains
from devcluster import binaries
from devcluster.apiclient import ACCOUNTS, ApiClient
from devcluster.environment import Environment
from devcluster.ports import free_port
from devcluster.waiting import eventually
from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.reasons import Reason

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


@dataclass(frozen=True, slots=True)
class Installation:
    """A release in a namespace of its own, with a SesAccount that is for it alone, called like it."""

    release: Release
    environment: Environment
    watched: str

    @property
    def name(self) -> str:
        return self.release.name

    def install(self, **rbac: bool) -> str:
        """Install it, with these rights given or not; return the notes."""
        settings = {"metricsPort": free_port(), "probePort": free_port(), "pendingPoll": 0.5, "idlePoll": 1}
        notes = self.release.install(
            {
                "installationID": self.name,
                "image": {"repository": "registry.example.com/ses-operator"},
                "watchNamespaces": [self.watched],
                "rbac": {"namespaceLabels": False, **rbac},
                "crds": {"enabled": False},
                "settings": settings,
            }
        )
        secret = self.environment.secret("keys")
        secret["metadata"]["namespace"] = self.release.namespace
        self.environment.kubectl.apply(secret, self.account())
        return notes

    def account(self, **spec: Any) -> dict[str, Any]:
        """Its SesAccount, for the namespaces of these names unless ``spec`` says otherwise."""
        manifest = self.environment.account(self.name, "keys", self.environment.sandbox.aws_url, {})
        manifest["spec"] |= {"installationID": self.name, **spec}
        return manifest

    def may(self, verb: str, resource: str, group: str = "", name: str = "") -> bool:
        """Whether its ServiceAccount may do this in the whole cluster, says the apiserver."""
        user = f"system:serviceaccount:{self.release.namespace}:{self.release.pod['serviceAccountName']}"
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": user,
                "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "name": name},
            },
        }
        answer = self.environment.kubectl("create", "--filename=-", "--output=yaml", stdin=yaml.safe_dump(review))
        return bool(yaml.safe_load(answer)["status"]["allowed"])

    def tells_of(self, region: str) -> bool:
        """Whether its SesAccount is ready, and tells of this region alone."""
        found = ApiClient(self.environment.plane.kubeconfig).get(f"{ACCOUNTS}/{self.name}")
        status = SesAccount.model_validate(found).status
        ready = find(status.conditions, ConditionType.READY)
        return ready is not None and ready.is_true and [each.region for each in status.regions] == [region]


@pytest.fixture
def installations(environment: Environment, namespace: str) -> Iterator[tuple[Installation, Installation]]:
    """Two installations, each with a namespace to look after."""
    kubectl, helm = environment.kubectl, Helm(binaries.helm(), environment.plane.kubeconfig)
    found = []
    for side in ("east", "west"):
        name, watched = f"{namespace}-{side}", f"{namespace}-{side}-team"
        kubectl("create", "namespace", name)
        kubectl("create", "namespace", watched)
        found.append(Installation(Release(helm, kubectl, name, name), environment, watched))
    yield found[0], found[1]
    for each in found:
        each.release.uninstall()
        kubectl("delete", "sesaccount", each.name, "--ignore-not-found", "--wait=false")
        kubectl("delete", "namespace", each.name, each.watched, "--wait=false")


def tenant_of(installation: Installation, environment: Environment) -> Tenant:
    return Tenant(environment, ApiClient(environment.plane.kubeconfig), installation.watched, installation.name)


def is_untouched(tenant: Tenant, name: str = "mail") -> bool:
    found = tenant.identity(name)
    assert found is not None
    return found.status.observed_generation == -1 and not found.metadata.has_finalizer


def test_an_identity_lives_in_a_listed_namespace_that_the_operator_may_not_see(
    installations: tuple[Installation, Installation], environment: Environment, namespace: str, tmp_path: Path
) -> None:
    here, _ = installations
    assert "the namespace stays Terminating" not in here.install()
    assert here.may("list", "sesaccounts", "ses-operator.io")
    assert not any(here.may(verb, "namespaces", name=here.watched) for verb in ("get", "list", "watch"))
    tenant = tenant_of(here, environment)
    stranger = Tenant(environment, tenant.api, namespace, here.name)
    stranger.create(IRELAND)
    with running_as_its_pod(here.release, environment.plane, tmp_path):
        tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
        assert tenant.owners() == dict.fromkeys((IRELAND, VIRGINIA), f"{here.name}/{here.watched}/mail")

        by_label = {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": here.watched}}}
        environment.kubectl.apply(here.account(tenancy=by_label))
        explains(tenant, Reason.NAMESPACE_LABELS_UNKNOWN, here.watched, "rbac.namespaceLabels", "matchNames")
        assert tenant.at_ses().keys() == {IRELAND, VIRGINIA}
        environment.kubectl.apply(here.account(tenancy={"namespaces": {"matchNames": [here.watched]}}))
        tenant.ready()

        tenant.delete()
        tenant.gone()
        assert tenant.at_ses() == {}
        assert tenant.records() == {}
        assert is_untouched(stranger)
        assert stranger.at_ses() == {}
        stranger.delete()
        stranger.gone()


def test_installations_side_by_side_keep_to_their_namespaces_and_accounts(
    installations: tuple[Installation, Installation], environment: Environment, tmp_path: Path
) -> None:
    east, west = installations
    for each in installations:
        assert "the namespace stays Terminating" in each.install(finalizeEverywhere=False)
    eastern, western = (tenant_of(each, environment) for each in installations)
    with running_as_its_pod(east.release, environment.plane, tmp_path):
        with running_as_its_pod(west.release, environment.plane, tmp_path):
            eastern.create(IRELAND)
            western.create(VIRGINIA)
            eastern.create(IRELAND, name="lost", domain=f"lost.{eastern.domain}", accountRef={"name": west.name})
            eastern.ready()
            western.ready()
            assert eastern.owners() == {IRELAND: f"{east.name}/{east.watched}/mail"}
            assert western.owners() == {VIRGINIA: f"{west.name}/{west.watched}/mail"}
            eastern.reconciled()
            assert is_untouched(eastern, "lost")
            eventually(lambda: east.tells_of(IRELAND), timeout=PATIENCE, of="Ireland in status")
            eventually(lambda: west.tells_of(VIRGINIA), timeout=PATIENCE, of="Virginia in status")
            western.delete()
            western.gone()
            assert western.at_ses() == {}

        eastern.change(tags={"team": "payments"})
        eastern.ready()
        for name in ("mail", "lost"):
            eastern.delete(name)
            eastern.gone(name)
        assert eastern.at_ses() == {}


def test_a_watched_namespace_can_be_deleted_and_what_is_outside_is_never_written_to(
    installations: tuple[Installation, Installation], environment: Environment, namespace: str, tmp_path: Path
) -> None:
    """Its Role and RoleBinding go before the identities in it do, and the operator has the right to finalize these by then."""
    here, _ = installations
    here.install(namespaceLabels=True)
    kubectl, tenant = environment.kubectl, tenant_of(here, environment)
    outside = Tenant(environment, tenant.api, namespace, here.name)
    mark = environment.plane.audit.mark()
    with running_as_its_pod(here.release, environment.plane, tmp_path) as operator:
        outside.create(IRELAND, adoptionPolicy="IfUnowned")
        tenant.create_ready(IRELAND, VIRGINIA, mailFrom={"subdomain": "bounce"})
        kubectl("delete", "namespace", here.watched, "--wait=false")
        eventually(
            lambda: not kubectl("get", "namespace", here.watched, "--ignore-not-found"),
            timeout=PATIENCE,
            of="the end of the namespace",
        )
        assert tenant.at_ses() == {}
        assert tenant.records() == {}
        outside.request_reconcile()
        kubectl("create", "namespace", here.watched)
        eventually(lambda: "is watched again" in operator.log.read_text(), timeout=PATIENCE, of="its return in the log")
    log = operator.log.read_text()
    assert f"namespace {here.watched} is being deleted" in log
    assert f"namespace {here.watched} does not exist" in log
    account = f"system:serviceaccount:{here.release.namespace}:{here.release.pod['serviceAccountName']}"
    written = {write.namespace for write in environment.plane.audit.writes(since=mark) if write.user == account}
    assert here.watched in written
    assert written <= {"", "default", here.release.namespace, here.watched}, "SesAccounts, Events about them, the Lease"
    assert is_untouched(outside)
    assert outside.at_ses() == {}
    outside.delete()
    outside.gone()

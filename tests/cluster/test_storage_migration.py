"""From v1alpha1 to v1beta1 and back, release by release as docs/upgrades.md has it, with the product's own kinds.

The control plane is its own, for the kinds change under everybody. Each test begins and ends with v1alpha1 alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cluster.conftest import QUICK
from cluster.crds import ApiServer
from cluster.tenant import PATIENCE, Tenant
from cluster.versioned import (
    ALPHA,
    ALPHA_ALONE,
    BETA,
    BETA_ALONE,
    BETA_SERVED,
    BETA_STORED,
    WARNING,
    Kinds,
    next_release,
)
from devcluster import binaries
from devcluster.apiclient import ApiClient, ApiError
from devcluster.controlplane import ControlPlane
from devcluster.crash_proxy import CrashProxy, Moment
from devcluster.environment import OPERATOR_NAMESPACE, Environment
from devcluster.forked import fork_operator
from devcluster.operator_process import OperatorOptions
from devcluster.process import Process
from devcluster.sandbox_process import Sandbox
from devcluster.subjects import ServiceAccount
from devcluster.waiting import eventually
from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.meta import GROUP
from ses_operator.api.schema.kinds import ACCOUNT, IDENTITY, KINDS, TEMPLATE
from ses_operator.cli.main import main
from ses_operator.core.kinds.stored_versions import ROLE

NAMESPACE = "default"
OPTIONS = OperatorOptions("versions", flags=QUICK)
MIGRATION = ServiceAccount(OPERATOR_NAMESPACE, "migration")
PROGRAM = Path(sys.executable).with_name("ses-operator")
REFUSED = r'status\.storedVersions\[\d\]: Invalid value: \\"{}\\"'
"""What the apiserver says of definitions that do not have a version in which objects may lie."""
WORDS = {"fromEmailAddress": "hello@example.net", "subject": "Confirm", "content": "Confirm"}
PAGES = {"successRedirectURL": "https://example.net/yes", "failureRedirectURL": "https://example.net/no"}


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    with ControlPlane(binaries.control_plane(binaries.ENVTEST_PARTS)) as plane:
        yield plane


@pytest.fixture(scope="module")
def environment(control_plane: ControlPlane, sandbox: Sandbox) -> Environment:
    environment = Environment(control_plane, sandbox, launch=fork_operator)
    environment.install()
    environment.add_account()
    return environment


@pytest.fixture(scope="module")
def kinds(environment: Environment) -> Kinds:
    """With two objects of each kind that nothing comes of, for they name a SesAccount that is not there."""
    kinds = Kinds(environment.plane, ApiClient(environment.plane.kubeconfig), NAMESPACE)
    nobody = {"accountRef": {"name": "nobody"}, "regions": ["eu-west-1"]}
    for name in ("kept", "probe"):
        account = environment.account(name, "default-credentials", environment.sandbox.aws_url, {})
        specs = {
            IDENTITY.plural: {**nobody, "domain": f"{name}.example.net"},
            ACCOUNT.plural: account["spec"],
            TEMPLATE.plural: {**nobody, **WORDS, **PAGES},
        }
        for kind in KINDS:
            head = {"apiVersion": f"{GROUP}/{ALPHA}", "kind": kind.kind, "metadata": {"name": name}}
            manifest = {**head, "spec": specs[kind.plural]}
            kinds.api.create(kinds.path(kind, ALPHA), manifest)
    return kinds


@pytest.fixture
def tenant(environment: Environment, kinds: Kinds) -> Tenant:
    """Somebody in the namespace of these objects."""
    return Tenant(environment, kinds.api, NAMESPACE, domain="versions.example.com")


@pytest.fixture(autouse=True)
def way_back(kinds: Kinds, control_plane: ControlPlane) -> Iterator[None]:
    """From wherever a test has ended to the first release."""
    yield
    kinds.become(BETA_SERVED)
    assert migrated(control_plane.kubeconfig) == 0
    kinds.become(ALPHA_ALONE)


def migrated(kubeconfig: Path, *arguments: str) -> int:
    """The exit code of `ses-operator migrate-storage`."""
    return CliRunner().invoke(main, ["migrate-storage", f"--kubeconfig={kubeconfig}", *arguments]).exit_code


def at(version: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest in another version of the API."""
    return {**manifest, "apiVersion": f"{GROUP}/{version}"}


def test_a_version_that_is_only_served_is_used_and_taken_back(
    kinds: Kinds, tenant: Tenant, environment: Environment
) -> None:
    newer = tenant.manifest("eu-west-1", name="newer", domain=f"newer.{tenant.domain}")
    with environment.operator(OPTIONS):
        tenant.create_ready("eu-west-1")
        mark = tenant.last_call()
        kinds.become(BETA_SERVED)
        same = partial(is_the_same_in_both, kinds)
        eventually(same, timeout=PATIENCE, of="the same object in both versions")
        apply(kinds, at(BETA, newer))
        tenant.ready("newer")
        assert kinds.lies_as("newer") == ALPHA
        assert kinds.stored() == [ALPHA]

        kinds.become(ALPHA_ALONE)
        assert tenant.reconciled("newer").spec.domain == newer["spec"]["domain"]
        apply(kinds, at(ALPHA, {**newer, "spec": {**newer["spec"], "tags": {"team": "mail"}}}))
        tagged = {"Key": "team", "Value": "mail"}
        eventually(
            lambda: tagged in tenant.at_ses(newer["spec"]["domain"])["eu-west-1"]["Tags"],
            timeout=PATIENCE,
            of="its tag",
        )
        assert tenant.writes(since=mark) == []
        for name in ("mail", "newer"):
            tenant.delete(name)
            tenant.gone(name)


def is_the_same_in_both(kinds: Kinds) -> bool:
    """Whether the identity is read alike in both versions; the operator may write it in between."""
    return kinds.get(BETA, "mail") == at(BETA, kinds.get(ALPHA, "mail"))


def ready_since(tenant: Tenant) -> datetime:
    """Since when the identity has been ready, after a reconcile of now."""
    condition = find(tenant.reconciled().status.conditions, ConditionType.READY)
    assert condition is not None
    assert condition.is_true
    return condition.last_transition_time


def apply(kinds: Kinds, manifest: dict[str, Any]) -> None:
    """As somebody does who applies the same file again and again, from the server's side."""
    kinds.plane.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump(manifest))


def test_objects_are_rewritten_and_the_old_version_is_let_go_through_any_death(
    kinds: Kinds, environment: Environment
) -> None:
    plane = environment.plane
    kinds.become(BETA_STORED)
    with pytest.raises(ApiError, match=REFUSED.format(ALPHA)):
        kinds.apply(BETA_ALONE)

    assert {kinds.lies_as("kept", kind) for kind in KINDS} == {ALPHA}
    before = {kind.plural: kinds.get(ALPHA, "kept", kind) for kind in KINDS}
    with migrating(environment) as (run, crash_proxy):
        writes = [(kind, number) for kind in KINDS for number in range(1, kinds.count(ALPHA, kind) + 2)]
        for (kind, number), moment in product(writes, Moment):
            arm = crash_proxy.kill_before if moment is Moment.BEFORE else crash_proxy.kill_after
            arm(number, run.kill)
            run.start()
            assert run.wait(PATIENCE) != 0
            assert crash_proxy.disarm(), "it was killed, and has not ended by itself"
            assert kinds.lies_as("kept", kind) in kinds.stored(kind)
        mark = plane.audit.mark()
        run.start()
        assert run.wait(PATIENCE) == 0
    assert [write for write in plane.audit.writes(since=mark) if MIGRATION.name in write.user] == []
    for kind in KINDS:
        assert kinds.stored(kind) == [BETA]
        assert kinds.lies_as("kept", kind) == BETA
        assert untouched(kinds.get(ALPHA, "kept", kind)) == untouched(before[kind.plural])


def untouched(obj: dict[str, Any]) -> dict[str, Any]:
    """All of an object but the number of its last write."""
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": ""}}


@contextmanager
def migrating(environment: Environment) -> Iterator[tuple[Process, CrashProxy]]:
    """The command as a process with the rights that it prints, and what kills it."""
    plane = environment.plane
    role = CliRunner().invoke(main, ["migrate-storage", "--rbac"]).stdout
    metadata = {"name": MIGRATION.name, "namespace": MIGRATION.namespace}
    plane.kubectl.apply(role, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    subject = f"--serviceaccount={MIGRATION.namespace}:{MIGRATION.name}"
    plane.kubectl("create", "clusterrolebinding", MIGRATION.name, f"--clusterrole={ROLE}", subject)
    with CrashProxy(environment.sandbox.aws_url, plane) as crash_proxy:
        kubeconfig = plane.kubeconfig_for(MIGRATION, url=crash_proxy.kubernetes_url)
        command: list[str | Path] = [PROGRAM, "migrate-storage", f"--kubeconfig={kubeconfig}"]
        run = Process("migrate-storage", command, plane.folder / "migrate-storage.log", launch=fork_operator)
        yield run, crash_proxy


def warnings(plane: ControlPlane, manifest: dict[str, Any]) -> str:
    """What kubectl warns somebody of who applies this."""
    server = ApiServer(plane)
    try:
        return " ".join(server.warnings_of_new(IDENTITY, manifest))
    finally:
        server.close()


def test_releases_that_speak_the_old_and_the_new_version_follow_one_another_both_ways(
    kinds: Kinds, tenant: Tenant, environment: Environment
) -> None:
    plane = environment.plane
    with environment.operator(OPTIONS):
        tenant.create_ready("eu-west-1", mailFrom={"subdomain": "bounce"})
        ready = ready_since(tenant)
        mark = tenant.last_call()
        kinds.become(BETA_STORED)
        assert WARNING in warnings(plane, tenant.manifest("eu-west-1", name="another"))
        assert ready_since(tenant) == ready
        assert kinds.lies_as("mail") == BETA
        assert kinds.stored() == [ALPHA, BETA]
        kinds.become(BETA_SERVED)
        assert ready_since(tenant) == ready
        assert kinds.lies_as("mail") == ALPHA, "a rollback takes it back"
        with pytest.raises(ApiError, match=REFUSED.format(BETA)):
            kinds.apply(ALPHA_ALONE)
        kinds.become(BETA_STORED)
        assert migrated(plane.kubeconfig) == 0
    kinds.become(BETA_ALONE)
    with Environment(plane, environment.sandbox, launch=next_release).operator(OPTIONS, name="next"):
        path = kinds.path(IDENTITY, BETA, "mail")
        kinds.api.patch(path, {"metadata": {"annotations": {"ses-operator.io/reconcile-requested-at": "now"}}})
        eventually(
            lambda: kinds.get(BETA, "mail")["status"]["lastHandledReconcileAt"] == "now", timeout=PATIENCE, of="v1beta1"
        )
    kinds.become(BETA_STORED)
    with environment.operator(OPTIONS):
        assert ready_since(tenant) == ready
        assert tenant.writes(since=mark) == [], "nothing of all this reaches AWS"
        tenant.delete()
        tenant.gone()

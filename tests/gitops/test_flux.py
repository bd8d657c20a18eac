"""The real kustomize-controller applies our examples with ``wait: true``, and reports what it should at each moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from cluster.conftest import QUICK, SANDBOX
from cluster.tenant import PATIENCE, ZONE, Tenant
from devcluster.apiclient import ACCOUNTS
from devcluster.environment import ROOT, Environment, running
from devcluster.kustomize_controller import NAMESPACE, Artifacts, ArtifactServer, KustomizeController, kinds
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.waiting import eventually
from ses_operator.api.base.reasons import Reason

ACCOUNT, _ = yaml.safe_load_all((ROOT / "examples" / "quickstart.yaml").read_text(encoding="utf-8"))
MANUAL = (ROOT / "examples" / "manual.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    """A cluster and an AWS in which nobody was before, and Flux's kinds."""
    with running(SANDBOX) as environment:
        environment.kubectl("delete", "sesaccount", "default")
        environment.kubectl.apply(*kinds())
        environment.kubectl("create", "namespace", NAMESPACE)
        environment.kubectl.await_kinds()
        yield environment


@pytest.fixture(scope="module")
def operator(environment: Environment) -> Iterator[OperatorProcess]:
    """An operator whose pod has AWS credentials; not started yet."""
    with pytest.MonkeyPatch.context() as pod:
        pod.setenv("AWS_ACCESS_KEY_ID", "AKIAPOD")
        pod.setenv("AWS_SECRET_ACCESS_KEY", "any")
        operator = environment.operator(OperatorOptions(installation_id="tests", flags=QUICK))
        yield operator
        operator.terminate()


@pytest.fixture(scope="module")
def artifacts(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Artifacts]:
    """Git, as Flux sees it; and Flux."""
    folder, log = tmp_path_factory.mktemp("artifacts"), tmp_path_factory.mktemp("flux") / "kustomize-controller.log"
    with (
        ArtifactServer(environment.kubectl, folder) as artifacts,
        KustomizeController(environment.plane.kubeconfig, log=log),
    ):
        yield artifacts


@dataclass(frozen=True)
class Kustomization:
    """A folder of a Git repository that Flux applies, and waits for."""

    name: str
    environment: Environment
    artifacts: Artifacts
    revisions: list[str] = field(default_factory=list)

    def commit(self, files: dict[str, str], *, patches: Sequence[Mapping[str, Any]] = ()) -> None:
        """The folder has these files from now on."""
        self.revisions.append(self.artifacts.publish(self.name, files))
        spec = {
            "sourceRef": {"kind": "GitRepository", "name": self.name},
            "path": "./",
            "interval": "1h",
            "retryInterval": "2s",
            "timeout": "5m",
            "wait": True,
            "prune": True,
            "patches": list(patches),
        }
        self.environment.kubectl.apply(
            {
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
                "kind": "Kustomization",
                "metadata": {"name": self.name, "namespace": NAMESPACE},
                "spec": spec,
            }
        )

    def waits(self) -> None:
        """It has applied what was committed last, and waits for it to become ready."""
        self.says("Healthy", "Unknown", "Progressing", "Running health checks for revision", self.revisions[-1])

    def is_ready(self) -> None:
        """Waits until it is, with what was committed last."""
        self.says("Ready", "True", "ReconciliationSucceeded", self.revisions[-1])

    def says(self, kind: str, status: str, reason: str, *words: str) -> None:
        """Waits until a condition says this about what was committed last."""

        def said() -> bool:
            found = self._found().get("status", {})
            condition = next((each for each in found.get("conditions", ()) if each["type"] == kind), None)
            if condition is None or found.get("lastAttemptedRevision") != self.revisions[-1]:
                return False
            verdict = (condition["status"], condition["reason"])
            return verdict == (status, reason) and all(word in condition["message"] for word in words)

        try:
            eventually(said, timeout=2 * PATIENCE, of=f"Flux to say {kind}={status}, {reason}, {words}")
        except TimeoutError:
            raise AssertionError(f"Flux says {self._found().get('status')}") from None

    def delete(self) -> None:
        """Deletes it, and with it all that it has applied."""
        self.environment.kubectl("delete", "kustomization", self.name, f"--namespace={NAMESPACE}", "--timeout=90s")

    def _found(self) -> dict[str, Any]:
        kind = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/kustomizations"
        return self.environment.plane.api.get(f"{kind}/{self.name}") or {}


@pytest.fixture
def user(environment: Environment) -> Tenant:
    """Whose identity it is."""
    return Tenant(environment, environment.plane.api, "default", domain=f"mail.{ZONE}")


def test_flux_reports_every_moment_of_an_identity_from_fresh_to_pruned(
    environment: Environment, artifacts: Artifacts, operator: OperatorProcess, user: Tenant
) -> None:
    team, platform = (Kustomization(name, environment, artifacts) for name in ("team", "platform"))

    team.commit({"identity.yaml": MANUAL})
    team.waits()
    fresh = user.identity()
    assert fresh is not None
    assert fresh.status.observed_generation == -1, "there is no operator yet"

    operator.start()
    operator.await_ready()
    user.not_ready(Reason.ACCOUNT_NOT_FOUND)
    team.waits()

    platform.commit({"account.yaml": yaml.safe_dump(ACCOUNT)}, patches=[_led_to(environment)])
    platform.is_ready()
    user.not_ready(Reason.MANUAL_RECORDS_PENDING)
    team.waits()

    _publish(user)
    team.is_ready()
    assert user.ready().status.verified_regions == "2/2"

    team.commit({"identity.yaml": MANUAL, "note.yaml": _note("the identity is as before")})
    team.is_ready()
    assert user.ready().metadata.generation == fresh.metadata.generation

    team.commit({"identity.yaml": MANUAL.replace("us-east-1", "eu-nowhere-7")})
    stuck = ("failed early due to stalled resources", "SesIdentity/default/mail status: 'Failed'")
    team.says("Ready", "False", "HealthCheckFailed", *stuck)
    user.not_ready(Reason.REGION_NOT_SUPPORTED)

    team.commit({"identity.yaml": MANUAL.replace(", us-east-1", "")})
    team.is_ready()
    assert user.ready().status.verified_regions == "1/1"

    team.commit({"note.yaml": _note("the identity is in Git no more")})
    team.is_ready()
    user.gone()
    assert user.at_ses() == {}
    platform.delete()
    eventually(lambda: not environment.plane.api.table(ACCOUNTS)[1], timeout=PATIENCE, of="the account to go")


def _led_to(environment: Environment) -> dict[str, Any]:
    """What is another in each cluster: where AWS is."""
    spec = environment.account("any", "any", environment.sandbox.aws_url, {})["spec"]
    change = {name: spec[name] for name in ("endpoints", "requestsPerSecond", "dns")}
    patch = {**{name: ACCOUNT[name] for name in ("apiVersion", "kind", "metadata")}, "spec": change}
    return {"target": {"kind": "SesAccount"}, "patch": yaml.safe_dump(patch)}


def _note(text: str) -> str:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "note", "namespace": "default"},
        "data": {"text": text},
    }
    return yaml.safe_dump(manifest)


def _publish(user: Tenant) -> None:
    """Somebody copies the records of status into the zone."""
    identity = user.identity()
    assert identity is not None
    assert identity.status.dns is not None
    for record in identity.status.dns.records:
        user.add_record(f"{record.name}.", record.type, *record.values)

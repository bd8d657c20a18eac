"""Everything that a run needs, real: control plane, AWS, two replicas with keys of their own, objects, and what others have."""

from __future__ import annotations

import json
import os
import signal
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa

from chaos.cast import (
    BY_KEY,
    CLAIMED_REGIONS,
    CLAIMS,
    ENDPOINT_ZONE,
    FOREIGN,
    FOREIGN_OWNER,
    INSTALLATION,
    MANUAL_ZONE,
    NAMESPACES,
    REGIONS,
    SELECTORS,
    SETS,
    TENANT_A,
    TENANT_B,
    ZONE,
    Spec,
    claim_spec,
    foreign_policy,
    foreign_records,
)
from chaos.people import People
from devcluster import externaldns
from devcluster.apiclient import ACCOUNTS, IDENTITIES, ApiError
from devcluster.controlplane import ControlPlane
from devcluster.environment import Environment
from devcluster.forked import fork_operator
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.proxy import TcpProxy
from devcluster.sandbox_process import Sandbox, SandboxOptions
from devcluster.waiting import eventually

T = TypeVar("T")

OTHERS_KEY = "AKIASOMEBODYELSE"
OWNER_TAG = "ses-operator.io/owner"
PATIENCE = 240.0
"""Seconds that anything may take on a machine that is busy with other things. Nothing waits that long where all is well."""

SANDBOX = SandboxOptions(
    speed=60, rate=0, route53_rate=0, check_interval=30, zones=(ZONE, ENDPOINT_ZONE, MANUAL_ZONE),
    flags=("--recheck-interval=120",),
)  # fmt: skip
SETTINGS: Mapping[str, object] = {
    "pending-poll": 0.5,
    "idle-poll": 1,
    "sweep-interval": 15,
    "lease-duration": 6,
    "lease-renew-deadline": 4,
    "lease-retry-period": 0.5,
    "shutdown-grace": 3,
    "aws-connections": 8,
}
PASSING = (OSError, HTTPException, TimeoutError)


@dataclass
class Replica:
    """One replica of the operator. ``lives``: how often it was started."""

    name: str
    process: OperatorProcess
    proxy: TcpProxy
    frozen: bool = False
    lives: int = 0

    @property
    def access_key(self) -> str:
        return f"AKIAREPLICA{self.name.upper()}"

    def keep_running(self) -> None:
        """Start it if it has ended, as the kubelet does."""
        if not self.process.process.running:
            self.process.start()
            self.lives += 1

    def signal(self, number: int) -> None:
        if self.process.process.running:
            os.kill(self.process.pid, number)

    def memory(self) -> int:
        """Resident megabytes; 0 if it does not run."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0
        return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)


@dataclass
class Stage:
    """All of it. ``specs``: those that our objects have now, by key; without those that are deleted."""

    environment: Environment
    replicas: Mapping[str, Replica]
    people: People
    specs: dict[str, Spec] = field(default_factory=dict)

    @property
    def sandbox(self) -> Sandbox:
        return self.environment.sandbox

    @property
    def plane(self) -> ControlPlane:
        return self.environment.plane

    def persist(self, ask: Callable[[], T]) -> T:
        """Return what the apiserver answers, which may be restarting."""

        def tried() -> list[T]:
            try:
                return [ask()]
            except PASSING:
                return []
            except ApiError as error:
                if error.code in (403, 409, 429) or error.code >= 500:  # 403: it has not read its RBAC yet
                    return []
                raise

        (answer,) = eventually(tried, timeout=PATIENCE, of="the apiserver")
        return answer

    def path(self, key: str) -> str:
        namespace, _, name = key.partition("/")
        return f"{IDENTITIES.format(namespace=namespace)}/{name}"

    def get(self, key: str) -> dict[str, Any] | None:
        return self.persist(lambda: self.plane.api.get(self.path(key)))

    def create(self, key: str, spec: Spec, **metadata: Any) -> None:
        """Create an identity, unless it is there already. Raises ApiError if it is refused."""
        manifest = manifest_of(key, spec, **metadata)
        collection = self.path(key).rpartition("/")[0]
        if self.get(key) is None:
            self.persist(lambda: self.plane.api.create(collection, manifest))

    def patch(self, key: str, body: dict[str, Any], subresource: str = "") -> None:
        """Merge into an identity; nothing if there is none."""

        def patched() -> None:
            try:
                self.plane.api.patch(f"{self.path(key)}{subresource}", body)
            except ApiError as error:
                if error.code != 404:
                    raise

        self.persist(patched)

    def delete(self, key: str) -> None:
        self.persist(lambda: self.plane.api.delete(self.path(key)))

    def keep_running(self) -> None:
        for replica in self.replicas.values():
            replica.keep_running()

    def heal(self) -> None:
        """End all that is wrong."""
        self.sandbox.ask("faults", method="DELETE")
        for replica in self.replicas.values():
            replica.proxy.restore()
            replica.signal(signal.SIGCONT)
            replica.frozen = False
        self.keep_running()

    def ses(self, region: str) -> Any:
        return client("sesv2", region, self.sandbox.aws_url)

    def ses_v1(self, region: str) -> Any:
        return client("ses", region, self.sandbox.aws_url)

    def identities_at_ses(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return all that SES has, by region and name."""
        regions = self.sandbox.ask("state")["regions"]
        return {(state["region"], name): found for state in regions for name, found in state["identities"].items()}


def manifest_of(key: str, spec: Spec, **metadata: Any) -> dict[str, Any]:
    """Return a SesIdentity, without the nulls of its spec."""
    namespace, _, name = key.partition("/")
    return {
        "apiVersion": "ses-operator.io/v1alpha1",
        "kind": "SesIdentity",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": without_nulls(spec),
    }


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: without_nulls(item) for name, item in value.items() if item is not None}


@cache
def client(service: Any, region: str, url: str) -> Any:
    """Return AWS as others of the same account use it; a call that fails is not tried again."""
    session = boto3.Session(aws_access_key_id=OTHERS_KEY, aws_secret_access_key="any")
    config = Config(retries={"total_max_attempts": 1}, read_timeout=20)
    return session.client(service, region_name=region, endpoint_url=url, config=config)


@contextmanager
def set_up(folder: Path, specs: Mapping[str, Spec]) -> Iterator[Stage]:
    """Start everything, with our objects of these specs Ready and all that is not ours; end it with the block."""
    with ExitStack() as stack:
        sandbox = Sandbox(SANDBOX, folder / "sandbox.log")
        sandbox.start()
        stack.callback(sandbox.stop)
        plane = stack.enter_context(ControlPlane(folder=folder / "control-plane"))
        sandbox.await_ready()
        environment = Environment(plane, sandbox, launch=fork_operator)
        environment.install()
        plane.kubectl.apply(externaldns.dnsendpoint_crd())
        plane.kubectl.await_kinds()
        replicas = {name: _replica(stack, environment, name) for name in ("one", "two")}
        people = People(plane.api, client("route53", "us-east-1", sandbox.aws_url), sandbox.zones)
        stage = Stage(environment, replicas, people)
        _add_what_is_needed(stage)
        _add_others(stage)
        for key, spec in {**specs, **{key: claim_spec(domain) for key, domain in CLAIMS.items()}}.items():
            stage.create(key, spec)
        stage.specs.update(specs)
        stage.keep_running()
        yield stage
        for replica in replicas.values():
            replica.signal(signal.SIGCONT)
            replica.process.kill()


def _replica(stack: ExitStack, environment: Environment, name: str) -> Replica:
    proxy = stack.enter_context(TcpProxy(environment.plane.port))
    keys = {"AWS_ACCESS_KEY_ID": f"AKIAREPLICA{name.upper()}", "AWS_SECRET_ACCESS_KEY": "any"}
    options = OperatorOptions(installation_id=INSTALLATION, flags=SETTINGS, environment=keys)
    process = environment.operator(options, name=f"replica-{name}", kubernetes_url=proxy.url)
    return Replica(name, process, proxy)


def _add_what_is_needed(stage: Stage) -> None:
    """Namespaces, the account with the credentials of the replicas' environment, DKIM keys, configuration sets."""
    api = stage.plane.api
    for namespace in NAMESPACES:
        api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    zones = stage.sandbox.zones
    account = stage.environment.account("default", "none", stage.sandbox.aws_url, {})
    account["spec"]["credentials"] = {"instanceMetadata": "Disabled"}
    account["spec"]["dns"]["zones"] = [{"name": "main", "hostedZoneID": zones[ZONE]}]
    api.apply(f"{ACCOUNTS}/default", account)
    for namespace in (TENANT_A, TENANT_B):
        for selector in SELECTORS:
            metadata = {"name": selector, "namespace": namespace, "labels": {"ses-operator.io/watch": "true"}}
            secret = {"metadata": metadata, "data": {"tls.key": _key(f"{namespace}/{selector}")}}
            api.create(f"/api/v1/namespaces/{namespace}/secrets", secret)
    for region in REGIONS:
        stage.sandbox.ask("account", {"region": region, "productionAccess": True, "max24HourSend": -1})
        for name in SETS:
            stage.ses(region).create_configuration_set(ConfigurationSetName=name)


def _add_others(stage: Stage) -> None:
    """What others have at SES and in DNS; our claims are for their identities."""
    for domain in CLAIMS.values():
        owner = [{"Key": OWNER_TAG, "Value": FOREIGN_OWNER}] if domain == FOREIGN else []
        for region in CLAIMED_REGIONS:
            ses = stage.ses(region)
            ses.create_email_identity(EmailIdentity=domain, Tags=[*owner, {"Key": "team", "Value": "theirs"}])
            ses.create_email_identity_policy(
                EmailIdentity=domain, PolicyName="audit", Policy=foreign_policy(domain, region)
            )
    stage.people.add(ZONE, foreign_records())


@cache
def _key(name: str) -> str:  # noqa: ARG001 - one for each name
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - as short as SES takes it
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return b64encode(pem).decode()


def roles_of(stage: Stage) -> list[str]:
    """Return the keys of our identities that are there now."""
    return [key for key in BY_KEY if key in stage.specs]


def shown(value: Any) -> str:
    """Return a value in one line."""
    return json.dumps(value, sort_keys=True, default=str)

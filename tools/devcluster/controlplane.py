"""etcd, kube-apiserver and kube-controller-manager on loopback ports, from start to removal of every trace."""

import base64
import csv
import json
import secrets
import shutil
import ssl
import tempfile
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError

from devcluster.apiclient import ApiClient
from devcluster.audit import POLICY, AuditLog
from devcluster.binaries import Part, control_plane
from devcluster.kubectl import Kubectl
from devcluster.pki import CertificateAuthority, KeyPair, service_account_key
from devcluster.ports import free_port
from devcluster.process import Process
from devcluster.subjects import ServiceAccount, User, write_kubeconfig

_READY_TIMEOUT = 120.0
_GO = {"GOGC": "300"}
"""Collect garbage less often than Go does by itself: a quarter of what a write costs, for twice the memory."""
_TOKEN_SECONDS = 24 * 3600
_ADMIN = "admin"
# Not the administrator: so the audit log tells its writes apart from those of a test.
_CONTROLLER_MANAGER = User("kube-controller-manager", ("system:masters",))

# Those for deletion, and for the objects of every namespace. There is no kubelet and no scheduler, so
# nothing comes of the controllers of workloads.
_CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
)


@dataclass(frozen=True, slots=True)
class Address:
    """The address and credentials by which another process can use a running control plane as its own."""

    port: int
    token: str
    certificate: str
    key: str
    etcd_url: str
    audit_log: str

    def save(self, path: Path) -> None:
        """Write it to a file that is there whole or not at all."""
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what was saved."""
        return cls(**json.loads(path.read_text()))


class ControlPlane:
    """A Kubernetes control plane with RBAC of its own. A context manager; about 3 s to start, 700 MB.

    `parts` maps each part to its program, as `binaries.control_plane` finds them. Without the controller manager
    among them, nothing is garbage collected and no namespace goes away. `folder` keeps the data; by default it is
    temporary.
    """

    def __init__(self, parts: Mapping[Part, Path] | None = None, *, folder: Path | None = None) -> None:
        self._parts = control_plane() if parts is None else parts
        self._folder_given = folder
        self._processes: list[Process] = []
        self._ready: dict[Part, tuple[Process, Callable[[], bool]]] = {}
        self._token = secrets.token_urlsafe(24)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start all parts and return when they are ready. Raises ProcessError with the log's tail if one is not."""
        self.folder = self._folder_given or Path(tempfile.mkdtemp(prefix="devcluster-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._use(free_port(), CertificateAuthority(), self.folder / "audit.jsonl")
        self._write_files()
        try:
            self._etcd_url = self._start_etcd()
            self._start_apiserver(self._etcd_url)
            if Part.CONTROLLER_MANAGER in self._parts:
                self.start_controller_manager()
        except BaseException:
            self.stop()
            raise

    @classmethod
    def at(cls, address: Address, folder: Path, parts: Mapping[Part, Path] | None = None) -> Self:
        """Return the control plane that another process started. ``folder`` takes the kubeconfigs and logs of this process."""
        plane = cls(parts, folder=folder)
        folder.mkdir(parents=True, exist_ok=True)
        plane.folder, plane._token = folder, address.token
        authority = CertificateAuthority(KeyPair(address.certificate.encode(), address.key.encode()))
        plane._use(address.port, authority, Path(address.audit_log))
        plane._etcd_url = address.etcd_url
        return plane

    @property
    def address(self) -> Address:
        """How others reach it while it runs."""
        pair = self._authority.pair
        return Address(
            port=self.port,
            token=self._token,
            certificate=pair.certificate.decode(),
            key=pair.key.decode(),
            etcd_url=self._etcd_url,
            audit_log=str(self.audit.path),
        )

    def _use(self, port: int, authority: CertificateAuthority, audit_log: Path) -> None:
        self.port = port
        self.url = f"https://127.0.0.1:{port}"
        self.audit = AuditLog(audit_log, self._delete_nothing)
        self._authority = authority
        self.kubeconfig = self._kubeconfig(_ADMIN, self._token, self.url)
        self.kubectl = Kubectl(self._parts[Part.KUBECTL], self.kubeconfig)
        self.api = ApiClient(self.kubeconfig)

    def stop(self) -> None:
        """End all parts, clients first, and remove the data if the folder was temporary."""
        while self._processes:
            self._processes.pop().stop(grace=10)
        if self._folder_given is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kubeconfig_for(self, subject: User | ServiceAccount, *, url: str | None = None) -> Path:
        """Return a kubeconfig for a subject that is not the administrator, talking to `url` (a TcpProxy's) if one is given."""
        if isinstance(subject, User):
            pair = self._authority.client(subject.name, subject.groups)
            return self._kubeconfig(subject.file_name, pair, url or self.url)
        return self._kubeconfig(subject.file_name, self._token_of(subject), url or self.url, subject.namespace)

    def _token_of(self, subject: ServiceAccount) -> str:
        path = f"/api/v1/namespaces/{subject.namespace}/serviceaccounts/{subject.name}/token"
        answer = self.api.create(path, {"spec": {"expirationSeconds": _TOKEN_SECONDS}})
        token: str = answer["status"]["token"]
        return token

    def kubeconfig_through(self, url: str) -> Path:
        """Return the administrator's kubeconfig, talking to `url` instead: a TcpProxy that can be cut, for one."""
        return self._kubeconfig(f"{_ADMIN}-{url.rpartition(':')[2]}", self._token, url)

    def lose(self, resource: str, namespace: str, name: str) -> None:
        """Remove an object (`resource` is plural.group) behind the apiserver's back, in spite of its finalizers.

        To every watcher it looks like a deletion. The apiserver does so itself when a finalizer is put on an object
        that it has just decided to remove.
        """
        if self._ask_etcd("deleterange", resource, namespace, name).get("deleted") != "1":
            raise LookupError(f"there is no {resource} {namespace}/{name} in etcd")

    def stored(self, resource: str, namespace: str, name: str) -> dict[str, Any]:
        """Return an object (`resource` is plural.group) as it is in etcd; `namespace` is empty for a cluster-scoped one."""
        (found,) = self._ask_etcd("range", resource, namespace, name)["kvs"]
        stored: dict[str, Any] = json.loads(base64.b64decode(found["value"]))
        return stored

    def _ask_etcd(self, operation: str, resource: str, namespace: str, name: str) -> dict[str, Any]:
        plural, _, group = resource.partition(".")
        path = "/".join(filter(None, ("/registry", group, plural, namespace, name)))
        key = base64.b64encode(path.encode()).decode()
        request = urllib.request.Request(  # noqa: S310
            f"{self._etcd_url}/v3/kv/{operation}", data=json.dumps({"key": key}).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            answered: dict[str, Any] = json.load(answer)
        return answered

    def _kubeconfig(self, name: str, credential: str | KeyPair, url: str, namespace: str = "") -> Path:
        path = self.folder / f"{name}.kubeconfig"
        return write_kubeconfig(
            path, url=url, authority=self._authority.certificate, credential=credential, namespace=namespace
        )

    def _write_certificates(self) -> None:
        server = self._authority.server()
        self._write({"ca.crt": self._authority.certificate, "server.crt": server.certificate, "server.key": server.key})

    def _write(self, contents: Mapping[str, bytes]) -> None:
        for name, content in contents.items():
            (self.folder / name).write_bytes(content)

    def _write_files(self) -> None:
        self._write_certificates()
        self._write({"service-account.key": service_account_key(), "audit-policy.yaml": POLICY.encode()})
        with (self.folder / "tokens.csv").open("w") as tokens:
            csv.writer(tokens).writerow([self._token, _ADMIN, _ADMIN, "system:masters"])

    def _start_etcd(self) -> str:
        url = f"http://127.0.0.1:{free_port()}"
        etcd = self._process(
            Part.ETCD,
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            "--listen-peer-urls=http://127.0.0.1:0",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        self._await(Part.ETCD, etcd, f"{url}/readyz")
        return url

    def _start_apiserver(self, etcd_url: str) -> None:
        apiserver = self._process(
            Part.APISERVER,
            f"--etcd-servers={etcd_url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--tls-cert-file={self.folder / 'server.crt'}",
            f"--tls-private-key-file={self.folder / 'server.key'}",
            f"--client-ca-file={self.folder / 'ca.crt'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder / 'service-account.key'}",
            f"--service-account-signing-key-file={self.folder / 'service-account.key'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={self.folder / 'audit-policy.yaml'}",
            f"--audit-log-path={self.audit.path}",
        )
        self._await(Part.APISERVER, apiserver, f"{self.url}/readyz")

    def start_controller_manager(self) -> None:
        """Start it beside an apiserver that has none, and return when it is ready."""
        self._write_certificates()
        port = free_port()
        kubeconfig = self.kubeconfig_for(_CONTROLLER_MANAGER)
        manager = self._process(
            Part.CONTROLLER_MANAGER,
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={self.folder / 'server.crt'}",
            f"--tls-private-key-file={self.folder / 'server.key'}",
            f"--root-ca-file={self.folder / 'ca.crt'}",
            f"--controllers={','.join(_CONTROLLERS)}",
            "--leader-elect=false",
        )
        self._await(Part.CONTROLLER_MANAGER, manager, f"https://127.0.0.1:{port}/healthz")

    def restart(self, part: Part) -> None:
        """Kill a part, as a power failure would, start it again, and return when it is ready. Data survives."""
        process, ready = self._ready[part]
        process.kill()
        process.start()
        process.await_ready(ready, timeout=_READY_TIMEOUT)

    def is_running(self, part: Part) -> bool:
        """Return True unless a part has ended by itself."""
        return self._ready[part][0].running

    def _await(self, part: Part, process: Process, url: str) -> None:
        def ready() -> bool:
            return self._answers(url)

        process.await_ready(ready, timeout=_READY_TIMEOUT)
        self._ready[part] = process, ready

    def _process(self, part: Part, *arguments: str) -> Process:
        process = Process(part, [self._parts[part], *arguments], self.folder / f"{part}.log", env=_GO)
        process.start()
        self._processes.append(process)
        return process

    def _answers(self, url: str) -> bool:
        context = ssl.create_default_context(cadata=self._authority.certificate.decode())
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._token}"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=2, context=context):  # noqa: S310
                return True
        except (URLError, OSError):
            return False

    def _delete_nothing(self, name: str) -> None:
        """Ask the apiserver to delete what does not exist: a write that changes nothing."""
        self.api.delete(f"/api/v1/namespaces/default/configmaps/{name}")

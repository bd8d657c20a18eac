"""The apiserver's audit log: each client's writes, as the apiserver saw them. Only writes are logged."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from devcluster.waiting import eventually

# audit.k8s.io/v1. Reads are left out: tests and benchmarks count writes, and watches would flood the log.
POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: None
"""

_CONTROLLER_MANAGER = "kube-controller-manager"
_LANDMARK = "audit-landmark-"


@dataclass(frozen=True, slots=True)
class Write:
    """One write that the apiserver answered, with the HTTP status code that it answered with."""

    at: dt.datetime
    user: str
    user_agent: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int


class AuditLog:
    """The writes that the apiserver answered, in the order in which it did.

    It logs a write after it has answered: before the log is read, a write of its own is waited for in it. ``attempt_write``
    makes one, by the name of an object that does not exist.
    """

    def __init__(self, path: Path, attempt_write: Callable[[str], None]) -> None:
        self.path = path
        self._attempt_write = attempt_write

    def mark(self) -> int:
        """Return where the log ends now, to be given to `writes` later."""
        self._await_landmark(0)
        return self.path.stat().st_size

    def writes(self, *, since: int = 0) -> list[Write]:
        """Return everything written after the mark `since`."""
        complete = self._await_landmark(since)
        writes = [_write(json.loads(line)) for line in complete.splitlines()]
        return [write for write in writes if not write.name.startswith(_LANDMARK)]

    def _await_landmark(self, since: int) -> bytes:
        """Return the lines from there on, with all that was answered until now."""
        landmark = f"{_LANDMARK}{uuid4().hex}"
        begun = max(since, self.path.stat().st_size if self.path.exists() else 0)
        self._attempt_write(landmark)
        eventually(lambda: landmark.encode() in self._lines(begun), timeout=90, of="the audit log")
        return self._lines(since)

    def _lines(self, since: int) -> bytes:
        """Return the complete lines from there on."""
        if not self.path.exists():
            return b""
        with self.path.open("rb") as log:
            log.seek(since)
            return log.read().rpartition(b"\n")[0]

    def writes_in(self, namespace: str, *, since: int = 0) -> list[Write]:
        """Return those in a namespace, apart from what kube-controller-manager puts into each new one at a time of its own."""
        return [
            write
            for write in self.writes(since=since)
            if write.namespace == namespace and write.user != _CONTROLLER_MANAGER
        ]


def _write(event: dict[str, Any]) -> Write:
    target = event.get("objectRef", {})
    return Write(
        at=dt.datetime.fromisoformat(event["requestReceivedTimestamp"]),
        user=event["user"]["username"],
        user_agent=event.get("userAgent", ""),
        verb=event["verb"],
        group=target.get("apiGroup", ""),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
    )

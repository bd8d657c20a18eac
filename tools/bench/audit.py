"""`python -m bench.audit`, `make bench-audit`: audits an account with many identities that no operator manages."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench.audit_figures import AuditRecording, AuditSize, audit_figures
from bench.run import REGIONS, NotReadyError, usage
from bench.table import show, write
from devcluster import binaries
from devcluster.environment import Environment, running
from devcluster.kubectl import KubectlError
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.sandbox_process import SandboxOptions
from devcluster.waiting import eventually

MANY = 10_000
PATIENCE = 3600.0
POLL = 2.0
SHARES = {"SUCCESS": 0.5, "FAILED": 0.25, "PENDING": 0.25}
"""Of the identities, by status. All of them are unmanaged; those that are verified have no MAIL FROM domain."""
KIND = "clusterpolicyreports"
PATH = f"/apis/wgpolicyk8s.io/v1alpha2/{KIND}"


@click.command(context_settings={"show_default": True})
@click.option("--identities", type=click.IntRange(4), default=MANY, help="So many in each of four regions.")
@click.option(
    "--rate", default=0.0, help="SES requests per second, action and region that the sandbox allows; 0: no limit."
)
@click.option(
    "--json", "path", type=click.Path(path_type=Path), default="build/bench-audit.json", help="Where the figures go."
)
def main(identities: int, rate: float, path: Path) -> None:
    """Measure what an audit costs: calls, CPU and memory of the operator, the size of its reports.

    It exits with 1 if a target is missed.
    """
    size = AuditSize(identities, len(REGIONS), rate)
    found = audit_figures(_measure(size))
    limit = f"{rate:g} requests/s per action and region" if rate else "no request limit"
    show(f"An audit of {identities:,} identities × {size.regions} regions, {limit}", found)
    write(path, asdict(size), found)
    sys.exit(any(figure.met is False for figure in found))


def _measure(size: AuditSize) -> AuditRecording:
    _say("starting a control plane, a sandbox of AWS, and the operator …")
    with running(SandboxOptions(rate=size.rate)) as environment:
        _install_reports(environment)
        _fill(environment, size)
        with environment.operator(OperatorOptions(installation_id="bench"), name="operator") as operator:
            return _record(size, environment, operator)


def _install_reports(environment: Environment) -> None:
    environment.kubectl("apply", "--server-side", f"--filename={binaries.policy_report_crd()}")

    def served() -> bool:
        try:
            environment.kubectl("get", KIND)
        except KubectlError:
            return False
        return True

    eventually(served, timeout=60, of="reports to be served")


def _fill(environment: Environment, size: AuditSize) -> None:
    _say(f"putting {size.identities:,} identities into each of {size.regions} regions …")
    for region in REGIONS:
        for status, share in SHARES.items():
            some = {"region": region, "suffix": f"{status.lower().replace('_', '-')}.example.com", "status": status}
            environment.sandbox.ask("identities", {**some, "count": int(size.identities * share), "hoursAgo": 500})


def _record(size: AuditSize, environment: Environment, operator: OperatorProcess) -> AuditRecording:
    eventually(lambda: _account(environment)["status"].get("accountID"), timeout=60, of="the account to be opened")
    environment.sandbox.ask("calls", method="DELETE")
    before, started = usage(operator.pid), time.monotonic()
    environment.kubectl(
        "patch", "sesaccount", "default", "--type=merge", "-p", json.dumps({"spec": {"audit": {"regions": REGIONS}}})
    )
    first = _await_audit(environment, "")
    seconds, after, calls = time.monotonic() - started, usage(operator.pid), _calls(environment)
    names = environment.kubectl("get", KIND, "-o", "name").split()
    sizes = [len(environment.kubectl("get", "--raw", f"{PATH}/{name.rpartition('/')[2]}")) for name in names]
    status = len(json.dumps(_account(environment)["status"]))
    _say("auditing once more, with nothing changed …")
    mark = environment.plane.audit.mark()
    environment.kubectl("annotate", "sesaccount", "default", "ses-operator.io/reconcile-requested-at=again")
    _await_audit(environment, "again")
    rewritten = sum(write.resource == KIND for write in environment.plane.audit.writes(since=mark))
    return AuditRecording(size, calls, before, after, seconds, first["findings"], status, sizes, rewritten)


def _await_audit(environment: Environment, request: str) -> Mapping[str, Any]:
    """Wait until an audit that began after this request has ended, and return its status."""
    deadline, said = time.monotonic() + PATIENCE, ""
    while time.monotonic() < deadline:
        audit: dict[str, Any] = _account(environment)["status"].get("audit") or {}
        if audit.get("completedAt") and audit.get("lastHandledReconcileAt", "") == request:
            return audit
        if audit.get("progress", "") != said:
            _say(said := audit["progress"])
        time.sleep(POLL)
    raise NotReadyError(f"the audit has not ended after {PATIENCE:g} s")


def _calls(environment: Environment) -> Mapping[str, int]:
    counted: Counter[str] = Counter()
    for count in environment.sandbox.ask("calls?limit=1")["counts"]:
        counted[count["operation"]] += count["count"]
    return counted


def _account(environment: Environment) -> dict[str, Any]:
    return environment.kubectl.get("sesaccount", "default")


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()

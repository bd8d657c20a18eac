"""The script of examples/ that pipelines wait with: what it exits with, and what it tells."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cluster.tenant import Tenant
from devcluster import binaries
from devcluster.binaries import Part
from devcluster.environment import ROOT
from ses_operator.api.base.reasons import Reason

pytestmark = pytest.mark.usefixtures("operator")

SCRIPT = ROOT / "examples" / "ci-gate.sh"
IRELAND = "eu-west-1"


def gate(tenant: Tenant, *names: str, timeout: str = "90s") -> subprocess.CompletedProcess[str]:
    """Runs the script as a pipeline does."""
    kubectl: Path = binaries.control_plane([Part.KUBECTL])[Part.KUBECTL]
    environment = {
        **os.environ,
        "PATH": f"{kubectl.parent}:{os.environ['PATH']}",
        "KUBECONFIG": str(tenant.environment.plane.kubeconfig),
        "TIMEOUT": timeout,
    }
    command = ["bash", str(SCRIPT), tenant.namespace, *names]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, env=environment)


def test_a_pipeline_goes_on_when_every_identity_is_ready(tenant: Tenant) -> None:
    for name in ("mail", "news"):
        tenant.create(IRELAND, name=name, domain=f"{name}.{tenant.domain}")

    done = gate(tenant, "mail", "news")

    assert (done.returncode, done.stdout, done.stderr) == (0, "ready: mail news\n", "")
    assert all(tenant.ready(name) for name in ("mail", "news"))


def test_a_stalled_identity_fails_the_pipeline_at_once_whatever_the_others_wait_for(tenant: Tenant) -> None:
    tenant.ses(IRELAND).create_email_identity(EmailIdentity=tenant.domain)
    tenant.create(IRELAND)
    tenant.create(IRELAND, name="pending", domain=f"pending.{tenant.domain}", dns={"provider": "Manual"})

    done = gate(tenant, "pending", "mail", timeout="10m")

    assert done.returncode == 1
    assert done.stderr.startswith(f"mail: {Reason.NOT_ADOPTED}: ")
    assert "adoptionPolicy" in done.stderr


def test_what_is_not_ready_in_time_tells_what_it_waits_for(tenant: Tenant) -> None:
    tenant.create(IRELAND, dns={"provider": "Manual"})
    tenant.not_ready(Reason.MANUAL_RECORDS_PENDING)

    done = gate(tenant, "mail", timeout="1s")

    assert done.returncode == 2
    assert done.stderr.startswith(f"mail: {Reason.MANUAL_RECORDS_PENDING}: ")
    assert "_domainkey" in done.stderr


def test_what_is_not_there_or_not_named_is_told(tenant: Tenant) -> None:
    absent = gate(tenant, "nobody")
    assert absent.returncode == 2
    assert '"nobody" not found' in absent.stderr

    unnamed = gate(tenant)
    assert unnamed.returncode == 2
    assert "usage" in unnamed.stderr

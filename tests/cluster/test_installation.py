"""An operator that is started under another id than its installation's: it ends, and says why in one line."""

from __future__ import annotations

from cluster.tenant import PATIENCE
from devcluster.environment import OPERATOR_NAMESPACE, Environment
from devcluster.operator_process import OperatorOptions

RECORD = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps/typing-error"
EXIT_FAILED = 1


def test_it_ends_before_it_is_ready_and_before_it_asks_for_the_lease(environment: Environment) -> None:
    data = {"installationID": "prod", "accounts": '{"default": "123456789012"}'}
    environment.plane.api.create(RECORD.rpartition("/")[0], {"metadata": {"name": "typing-error"}, "data": data})
    started = OperatorOptions(installation_id="prdo", flags={"installation-record": "typing-error"})
    operator = environment.operator(started)
    operator.start()

    assert operator.process.wait(PATIENCE) == EXIT_FAILED
    (line,) = (line for line in operator.log.splitlines() if "CRITICAL" in line)
    assert all(part in line for part in ("'prod'", "'prdo'", "typing-error", "confirmInstallationID=prdo"))
    assert "Traceback" not in operator.log
    assert (environment.plane.api.get(RECORD) or {})["data"] == data
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases"
    assert environment.plane.api.get(f"{leases}/ses-operator-prdo") is None

"""What /metrics says while an identity goes from nothing to verified, and that asking costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.conftest import QUICK
from cluster.tenant import PATIENCE, Tenant
from devcluster.environment import Environment
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.sandbox_process import Sandbox
from devcluster.waiting import eventually
from ses_operator.core.metrics import registry as metrics
from ses_operator.core.metrics.metric import Metric
from ses_operator.core.metrics.registry import METRICS

IRELAND, VIRGINIA, OREGON = "eu-west-1", "us-east-1", "us-west-2"


@pytest.fixture(scope="module")
def operator(environment: Environment) -> Iterator[OperatorProcess]:
    """An operator that tells of each identity by its name, and what became of its mail."""
    flags = {**QUICK, "metrics-detail": "identities", "mail-figures-interval": 1}
    with environment.operator(OperatorOptions(installation_id="tests", flags=flags)) as operator:
        yield operator


def value(operator: OperatorProcess, metric: Metric, suffix: str = "", **labels: str) -> float:
    """The sum over all series of the metric that have these labels."""
    wanted = labels.items()
    return sum(
        sample.value
        for family in text_string_to_metric_families(operator.metrics())
        for sample in family.samples
        if sample.name == metric.name + suffix and wanted <= sample.labels.items()
    )


def yesterday_on(sandbox: Sandbox) -> float:
    """How many hours ago yesterday was by the sandbox's clock, which runs ahead."""
    ahead = datetime.fromisoformat(sandbox.ask("clock")["now"]) - datetime.now(UTC)
    return 24 + ahead / timedelta(hours=1)


def test_metrics_follow_an_identity_to_verified(operator: OperatorProcess, tenant: Tenant) -> None:
    mine = {"namespace": tenant.namespace, "identity": "mail"}
    already = value(operator, metrics.AWS_REQUESTS, operation="CreateEmailIdentity", result="ok")
    tenant.create_ready(IRELAND, VIRGINIA)

    eventually(
        lambda: value(operator, metrics.IDENTITY_VERIFIED, **mine) == 2, timeout=PATIENCE, of="two verified regions"
    )
    assert value(operator, metrics.IDENTITY_READY, **mine) == 1
    assert value(operator, metrics.IDENTITIES, status="SUCCESS") >= 2
    assert value(operator, metrics.TIME_TO_VERIFY, "_count", account="default") >= 2
    assert value(operator, metrics.ACCOUNT_READY, account="default") == 1
    assert value(operator, metrics.AWS_REQUESTS, operation="CreateEmailIdentity", result="ok") == already + 2
    assert value(operator, metrics.RECONCILE_SECONDS, "_count", name="sesidentity") >= 1
    assert value(operator, metrics.LEADER, name="ses-operator-tests") == 1
    eventually(
        lambda: value(operator, metrics.SEND_RATE, account="default") > 0, timeout=PATIENCE, of="quotas to be told"
    )

    tenant.delete()
    tenant.gone()
    eventually(
        lambda: value(operator, metrics.IDENTITY_READY, **mine) == 0, timeout=PATIENCE, of="its series to go with it"
    )


def test_what_became_of_mail_is_told_for_the_account_and_where_it_is_counted_for_the_identity(
    operator: OperatorProcess, tenant: Tenant
) -> None:
    mail = {"account": "default", "region": OREGON}
    mine = {**mail, "namespace": tenant.namespace, "identity": "mail"}
    sandbox = tenant.environment.sandbox
    tenant.create_ready(OREGON)
    sent = {"region": OREGON, "identity": tenant.domain, "hoursAgo": yesterday_on(sandbox)}
    sandbox.ask("mail", {**sent, "sends": 200, "permanentBounces": 12})

    eventually(
        lambda: value(operator, metrics.ACCOUNT_MAIL, event="BOUNCE", **mail) == 12,
        timeout=PATIENCE,
        of="the account's bounces",
    )
    assert value(operator, metrics.MAIL_COUNTED, **mail) == 0
    assert value(operator, metrics.IDENTITY_MAIL, **mine) == 0

    tenant.ses(OREGON).put_account_vdm_attributes(VdmAttributes={"VdmEnabled": "ENABLED"})
    eventually(
        lambda: value(operator, metrics.IDENTITY_MAIL, event="PERMANENT_BOUNCE", **mine) == 12,
        timeout=PATIENCE,
        of="the identity's bounces",
    )
    assert value(operator, metrics.IDENTITY_MAIL, event="SEND", **mine) == 200

    tenant.delete()
    tenant.gone()
    eventually(
        lambda: value(operator, metrics.IDENTITY_MAIL, **mine) == 0, timeout=PATIENCE, of="its figures to go with it"
    )


def test_what_is_exposed_is_described(operator: OperatorProcess) -> None:
    described = {name for metric in METRICS for name in (*metric.series, metric.name)}
    exposed = {
        sample.name
        for family in text_string_to_metric_families(operator.metrics())
        for sample in family.samples
        if not sample.name.endswith("_created") and not sample.name.startswith(("process_", "python_"))
    }
    assert exposed <= described

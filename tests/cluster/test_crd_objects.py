"""What the apiserver makes of good objects: examples, defaults, explanations, columns, status."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.crds import ApiServer, published_schemas
from devcluster.controlplane import ControlPlane
from devcluster.kubectl import Kubectl
from ses_operator.api.account.kind import AccountRegionStatus, SendQuotaStatus, SesAccountStatus
from ses_operator.api.base.conditions import Condition, ConditionStatus, ConditionType
from ses_operator.api.base.meta import API_VERSION
from ses_operator.api.base.model import Model
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import (
    DnsStatus,
    RecordStatus,
    RegionDkimStatus,
    RegionMailFromStatus,
    RegionStatus,
    SesIdentityStatus,
    VerificationEmailStatus,
    ZoneStatus,
)
from ses_operator.api.schema.kinds import ACCOUNT, IDENTITY, KINDS, Kind

pytestmark = pytest.mark.usefixtures("crds")

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def minimal(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "SesIdentity",
        "metadata": {"name": "mail", "namespace": namespace},
        "spec": {"domain": "mail.example.com", "regions": ["eu-west-1", "us-east-1", "eu-central-1"]},
    }


def test_there_are_examples_of_every_way_to_publish_records() -> None:
    assert {"quickstart", "route53-cross-account", "dnsendpoint", "manual", "mail-from"} <= {
        example.stem for example in EXAMPLES
    }


def without_resource_version(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
    return {**obj, "metadata": metadata}


@pytest.mark.parametrize("manner", [("--server-side",), ()], ids=["server-side", "client-side"])
def test_applying_the_same_manifest_again_changes_nothing(
    manner: tuple[str, ...], kubectl: Kubectl, namespace: str
) -> None:
    text = yaml.safe_dump(minimal(namespace))
    kubectl("apply", *manner, "--filename=-", stdin=text)
    before = kubectl.get("sesid", "mail", "-n", namespace)
    kubectl("apply", *manner, "--filename=-", stdin=text)
    after = kubectl.get("sesid", "mail", "-n", namespace)
    assert after["metadata"]["generation"] == 1
    # The default of status reaches etcd with the second write, which the resource version counts.
    assert without_resource_version(after) == without_resource_version(before)


def test_a_region_taken_out_of_git_does_not_linger(kubectl: Kubectl, namespace: str) -> None:
    manifest = minimal(namespace)
    kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump(manifest))
    manifest["spec"]["regions"] = ["us-east-1"]
    kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump(manifest))
    assert kubectl.get("sesid", "mail", "-n", namespace)["spec"]["regions"] == ["us-east-1"]


def test_a_new_identity_carries_its_defaults_and_is_not_yet_observed(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(minimal(namespace))
    stored = kubectl.get("sesid", "mail", "-n", namespace)
    assert stored["status"] == {"observedGeneration": -1}
    assert stored["spec"] == {
        **minimal(namespace)["spec"],
        "accountRef": {"name": "default"},
        "deletionPolicy": "Delete",
        "adoptionPolicy": "Never",
        "suspend": False,
    }


def test_a_stored_identity_reads_the_same_as_one_that_the_apiserver_has_not_seen(
    kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(minimal(namespace))
    stored = SesIdentity.model_validate(kubectl.get("sesid", "mail", "-n", namespace))
    assert stored.spec == SesIdentity.model_validate(minimal(namespace)).spec
    assert stored.metadata.generation == 1


def unexplained(schema: dict[str, Any], path: str) -> Iterator[str]:
    for name, child in schema.get("properties", {}).items():
        if not child.get("description"):
            yield f"{path}.{name}"
        yield from unexplained(child, f"{path}.{name}")
    if "items" in schema:
        yield from unexplained(schema["items"], path)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_kubectl_explain_has_something_to_say_about_every_field(kind: Kind, kubectl: Kubectl) -> None:
    schema = published_schemas(kubectl)[kind.kind]
    assert {"spec", "status"} <= schema["properties"].keys()
    assert list(unexplained(schema["properties"]["spec"], "spec")) == []
    assert list(unexplained(schema["properties"]["status"], "status")) == []


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("sesidentity", "publishes the DNS records that SES requires"),
        ("sesid.spec.dkim.keySize", "1024 or 2048"),
        ("sesid.spec.mailFrom.subdomain", "<subdomain>-<region>.<domain>"),
        ("sesid.status.dns.records.state", "Conflict: a record that the operator did not write"),
        ("sesacc.spec.dns.txtQuoting", "ExternalDNS's provider for Route 53"),
    ],
)
def test_kubectl_explain_says(field: str, said: str, kubectl: Kubectl) -> None:
    assert said in " ".join(kubectl("explain", field).split())


@pytest.fixture
def apiserver(control_plane: ControlPlane) -> Iterator[ApiServer]:
    server = ApiServer(control_plane)
    yield server
    server.close()


def condition(type_: ConditionType, status: ConditionStatus, reason: Reason) -> Condition:
    return Condition(
        type=type_, status=status, reason=reason, message="words", observed_generation=1, last_transition_time=NOW
    )


IDENTITY_STATUS = SesIdentityStatus(
    observed_generation=1,
    conditions=(
        condition(ConditionType.READY, ConditionStatus.FALSE, Reason.WAITING_FOR_VERIFICATION),
        condition(ConditionType.DKIM_VERIFIED, ConditionStatus.TRUE, Reason.SUCCEEDED),
        condition(ConditionType.RECONCILING, ConditionStatus.TRUE, Reason.WAITING_FOR_VERIFICATION),
    ),
    regions=(
        RegionStatus(
            region="eu-west-1",
            arn="arn:aws:ses:eu-west-1:123456789012:identity/mail.example.com",
            verification_status="SUCCESS",
            dkim=RegionDkimStatus(
                status="SUCCESS",
                tokens=("a", "b", "c"),
                signing_hosted_zone="dkim.amazonses.com",
                key_fingerprint="0f" * 32,
                parent_region="us-east-1",
            ),
            mail_from=RegionMailFromStatus(
                status="PENDING", domain="bounce-eu-west-1.mail.example.com", verified_at=NOW
            ),
            verification_email=VerificationEmailStatus(count=1, last_sent_at=NOW, expires_at=NOW),
            sending_enabled=True,
            pending_since=NOW,
            verified_at=NOW,
            restarted_at=NOW,
            provisioned_at=NOW,
            reason=Reason.SUCCEEDED,
            message="words",
        ),
    ),
    dns=DnsStatus(
        provider="Route53",
        zone=ZoneStatus(name="example.com", hosted_zone_id="Z0123456789ABCDEFGHIJ"),
        records=(
            RecordStatus(
                name="a._domainkey.mail.example.com",
                type="CNAME",
                ttl=300,
                values=("a.dkim.amazonses.com",),
                zone_file_values=("a.dkim.amazonses.com.",),
                purpose="DKIM",
                regions=("eu-west-1",),
                state="Published",
                message="words",
            ),
        ),
    ),
    verified_regions="1/3",
    last_handled_reconcile_at="2030-01-02",
)

ACCOUNT_STATUS = SesAccountStatus(
    observed_generation=1,
    conditions=(condition(ConditionType.READY, ConditionStatus.TRUE, Reason.SUCCEEDED),),
    account_id="123456789012",
    identities=7,
    regions=(
        AccountRegionStatus(
            region="eu-west-1",
            reachable=True,
            production_access_enabled=False,
            sending_enabled=True,
            enforcement_status="HEALTHY",
            send_quota=SendQuotaStatus(max24_hour_send=-1, max_send_rate=14.5),
            reason=Reason.SUCCEEDED,
            message="words",
        ),
    ),
    last_handled_reconcile_at="2030-01-02",
)


def everything_is_set(model: Model) -> bool:
    return all(
        everything_is_set(value) if isinstance(value, Model) else value not in (None, (), "")
        for value in dict(model).values()
    )


@pytest.mark.parametrize("model", [*IDENTITY_STATUS.regions, *IDENTITY_STATUS.dns.records, *ACCOUNT_STATUS.regions])  # type: ignore[union-attr]
def test_the_status_tried_below_leaves_nothing_out(model: Model) -> None:
    assert everything_is_set(model)


def test_the_status_of_an_identity_is_stored_whole_and_shown_in_columns(
    apiserver: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    kubectl.apply(minimal(namespace))
    status = IDENTITY_STATUS.to_json()
    assert apiserver.write_status(IDENTITY, kubectl.get("sesid", "mail", "-n", namespace), status) == status
    wide = kubectl("get", "sesid", "-n", namespace, "-o", "wide").splitlines()
    assert wide[0].split() == ["NAME", "DOMAIN", "EMAIL", "VERIFIED", "READY", "REASON", "DNS", "DKIM", "AGE"]
    assert wide[1].split()[:-1] == [
        "mail",
        "mail.example.com",
        "1/3",
        "False",
        "WaitingForVerification",
        "Route53",
        "True",
    ]


def test_the_status_of_an_account_is_stored_whole_and_shown_in_columns(apiserver: ApiServer, kubectl: Kubectl) -> None:
    name = "columns"
    kubectl.apply({"apiVersion": API_VERSION, "kind": "SesAccount", "metadata": {"name": name}, "spec": {}})
    try:
        status = ACCOUNT_STATUS.to_json()
        assert apiserver.write_status(ACCOUNT, kubectl.get("sesacc", name), status) == status
        shown = kubectl("get", "sesacc", name).splitlines()
        assert shown[0].split() == ["NAME", "ACCOUNT", "IDENTITIES", "READY", "REASON", "AGE"]
        assert shown[1].split()[:-1] == [name, "123456789012", "7", "True", "Succeeded"]
    finally:
        kubectl("delete", "sesacc", name)


def test_kubectl_get_ses_lists_all_kinds(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(minimal(namespace))
    assert "sesidentity.ses-operator.io/mail" in kubectl("get", "ses", "-n", namespace, "-o", "name")
    categories = kubectl("api-resources", "--categories=ses", "-o", "name").split()
    assert categories == [
        f"{name}.ses-operator.io" for name in ("sesaccounts", "sesidentities", "sesverificationtemplates")
    ]

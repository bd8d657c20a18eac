"""Partitions and regions: as botocore has them, every one of them, and the same wherever they are used."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.loaders import create_loader
from botocore.session import get_session
from click.testing import CliRunner

from ses_operator.api.base.partitions import DNS_SUFFIXES, SERVICE_PRINCIPAL_SUFFIX
from ses_operator.aws.calls.clients import Clients
from ses_operator.aws.calls.config import AccountConfig, Role, StaticCredentials
from ses_operator.aws.catalog import aws_regions
from ses_operator.cli.main import main

KNOWN = aws_regions()
DATA: Any = create_loader().load_data("partitions")
PARTITIONS: dict[str, Any] = {partition["id"]: partition for partition in DATA["partitions"]}
ENVIRONMENT = ("AWS_REGION", "AWS_DEFAULT_REGION")


def sts_of(config: AccountConfig, monkeypatch: pytest.MonkeyPatch, region: str = "") -> tuple[str, str]:
    """The URL at which STS is asked, and the region that requests are signed for."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    if region:
        monkeypatch.setenv("AWS_REGION", region)
    client = Clients(config, threads=1).source("sts")()
    return client.meta.endpoint_url, client.meta.region_name


def config(partition: str = "") -> AccountConfig:
    roles = (Role(f"arn:{partition}:iam::123456789012:role/ses"),) if partition else ()
    return AccountConfig("default", credentials=StaticCredentials("AKIAEXAMPLE", "secret"), roles=roles)


def test_every_partition_of_botocore_is_known() -> None:
    assert {partition.id for partition in KNOWN.partitions} == set(PARTITIONS)
    assert tuple(sorted({partition.dns_suffix for partition in KNOWN.partitions})) == DNS_SUFFIXES


def test_the_regions_are_those_in_which_botocore_knows_ses() -> None:
    session = get_session()
    expected = {region for id_ in PARTITIONS for region in session.get_available_regions("ses", id_)}
    assert expected == KNOWN.ses_regions
    assert {"eu-west-1", "us-gov-west-1", "eusc-de-east-1"} <= KNOWN.ses_regions
    assert not KNOWN.has_ses("eu-nowhere-1")
    assert not any(region.startswith("fips") for region in KNOWN.ses_regions)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_a_role_is_assumed_in_its_own_partition(partition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever region the pod runs in."""
    base, role = config(), config(partition)
    suffix = PARTITIONS[partition]["outputs"]["dnsSuffix"]
    for pod in ("", "eu-west-1", "eusc-de-east-1", KNOWN.home_region(partition)):
        url, region = sts_of(role, monkeypatch, pod)
        assert url.endswith(f".{suffix}"), pod
        assert region == (pod if KNOWN.partition_of(pod).id == partition and pod else KNOWN.home_region(partition))
    assert sts_of(base, monkeypatch) == ("https://sts.us-east-1.amazonaws.com", "us-east-1")


@pytest.mark.parametrize("partition", PARTITIONS)
def test_without_a_role_the_region_of_the_pod_says_which_partition(
    partition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = KNOWN.home_region(partition)
    url, region = sts_of(config(), monkeypatch, home)
    assert (url.rpartition(f"{home}.")[2], region) == (PARTITIONS[partition]["outputs"]["dnsSuffix"], home)


@pytest.mark.parametrize("partition", PARTITIONS)
def test_a_region_that_is_new_is_in_the_partition_that_its_name_says(partition: str) -> None:
    home = KNOWN.home_region(partition)
    new = re.sub(r"\d+$", "77", home)
    assert KNOWN.partition_of(home).id == KNOWN.partition_of(new).id == partition
    assert not KNOWN.has_ses(new)
    more = KNOWN.with_added([new])
    assert more.has_ses(new)
    assert new in more.in_partition(partition)
    assert new in more.ses_regions


def test_what_botocore_would_ask_for_any_name_is_in_the_first_partition() -> None:
    assert KNOWN.partition_of("nowhere-1").id == "aws"
    assert KNOWN.home_region("aws-of-tomorrow") == "us-east-1"


@pytest.mark.parametrize(
    ("region", "partition"), [("eusc-de-east-1", "aws-eusc"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")]
)
def test_a_printed_policy_names_the_partition_of_its_regions(region: str, partition: str) -> None:
    result = CliRunner().invoke(main, ["iam-policy", "--region", region, "--account-id", "123456789012"])
    assert f"arn:{partition}:ses:{region}:123456789012" in result.output
    assert f"arn:{partition}:route53" in result.output


def test_regions_of_two_partitions_are_not_those_of_one_account() -> None:
    result = CliRunner().invoke(main, ["iam-policy", "--region", "eu-west-1", "--region", "eusc-de-east-1"])
    assert result.exit_code == 2
    assert "the regions are in aws and aws-eusc" in result.output


@pytest.mark.parametrize("suffix", DNS_SUFFIXES)
def test_services_of_every_partition_may_be_named_as_principals(suffix: str) -> None:
    assert re.search(f"{SERVICE_PRINCIPAL_SUFFIX}$", f"email.cognito-idp.{suffix}")
    assert not re.search(f"{SERVICE_PRINCIPAL_SUFFIX}$", f"evil.{suffix}.example.com")

"""The regions that have SES, and the differences between them."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader

REGIONAL_DKIM_ZONES = frozenset(
    {
        "af-south-1",
        "ap-northeast-3",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-5",
        "ca-west-1",
        "eu-central-2",
        "eu-south-1",
        "il-central-1",
        "me-central-1",
        "us-gov-east-1",
    }
)
"""Regions whose DKIM keys are in a zone of their own (AWS General Reference, Amazon SES endpoints, "DKIM domains")."""


@cache
def ses_regions() -> frozenset[str]:
    """Return the regions where SES has an endpoint, from botocore's endpoints.json."""
    partitions = Loader().load_data("endpoints")["partitions"]
    names = {name for p in partitions for name in p["services"].get("email", {}).get("endpoints", {})}
    return frozenset(name for name in names if not name.startswith("fips-"))


def partition_of(region: str) -> str:
    """Return the ARN partition of a region."""
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws"


def default_signing_hosted_zone(region: str) -> str:
    """Return the zone in which SES publishes Easy DKIM keys of a region, without a trailing dot."""
    return f"dkim.{region}.amazonses.com" if region in REGIONAL_DKIM_ZONES else "dkim.amazonses.com"


def identity_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of an email identity (Service Authorization Reference, Amazon SES)."""
    return f"arn:{partition_of(region)}:ses:{region}:{account}:identity/{name}"


def configuration_set_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of a configuration set."""
    return f"arn:{partition_of(region)}:ses:{region}:{account}:configuration-set/{name}"

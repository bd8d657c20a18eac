"""The DKIM zone of each SES region, for answers that do not name it."""

from __future__ import annotations

from typing import Final

DEFAULT_SIGNING_HOSTED_ZONE: Final = "dkim.amazonses.com"

# Source: SES Developer Guide, "DKIM domains" in the list of regions and endpoints. Other regions use the default.
REGIONS_WITH_OWN_ZONE: Final = frozenset(
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


def signing_hosted_zone(region: str) -> str:
    """Return the zone that the DKIM CNAMEs of a region point to. SES's own answer (SigningHostedZone) takes precedence."""
    return f"dkim.{region}.amazonses.com" if region in REGIONS_WITH_OWN_ZONE else DEFAULT_SIGNING_HOSTED_ZONE

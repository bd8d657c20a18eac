"""What rules of the API need to know of the partitions of AWS. A test compares it with botocore."""

from __future__ import annotations

from typing import Final

DNS_SUFFIXES: Final = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "sc2s.sgov.gov",
)
"""The ends of the names of AWS services, in each partition."""

SERVICE_PRINCIPAL_SUFFIX: Final = "[.](" + "|".join(suffix.replace(".", "[.]") for suffix in DNS_SUFFIXES) + ")"
"""A regular expression (RE2, for CEL and Python) for the end of an AWS service's name, without an anchor."""

"""Random specs of a SesIdentity, for properties over the real thing. A new feature is one more member of ``MEMBERS``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Spec = dict[str, Any]

REGIONS = ("ap-southeast-2", "eu-west-1", "us-east-1")
CONFIGURATION_SET = "bulk"
ENDPOINT_LABELS = {"dns": "random"}
ZONES = ("one", "two")
"""What the SesAccount calls two hosted zones of one name. ExternalDNS writes into the first."""

_SENDERS = [{"name": "partner", "principals": ["arn:aws:iam::111122223333:root"]}]

MEMBERS: Mapping[str, st.SearchStrategy[Any]] = {
    "mailFrom": st.fixed_dictionaries(
        {"subdomain": st.sampled_from(["bounce", "mx"]), "scope": st.sampled_from(["PerRegion", "Shared"])}
    ),
    "dmarc": st.fixed_dictionaries({"policy": st.sampled_from(["none", "reject"])}),
    "dkim": st.fixed_dictionaries({"signingEnabled": st.booleans()}),
    "tags": st.dictionaries(st.sampled_from(["team", "stage"]), st.sampled_from(["a", "b"]), min_size=1),
    "configurationSetName": st.just(CONFIGURATION_SET),
    "feedback": st.fixed_dictionaries({"emailForwardingEnabled": st.booleans()}),
    "authorizedSenders": st.just(_SENDERS),
}
NEED_TXT = frozenset({"mailFrom", "dmarc"})
"""Members whose TXT records ExternalDNS 0.21 writes once and never takes away."""


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """All of a spec but domain and account. What is not in it is left out, or to be removed."""
    dns = draw(st.sampled_from([("Route53", zone) for zone in ZONES] + [("DNSEndpoint", ZONES[0])]))
    spec: Spec = {
        "regions": sorted(draw(st.sets(st.sampled_from(REGIONS), min_size=1, max_size=2))),
        "dns": dns_of(*dns, ttl=draw(st.sampled_from([60, 300]))),
    }
    for name, values in MEMBERS.items():
        with_txt = name in NEED_TXT and dns[0] == "DNSEndpoint"
        spec[name] = None if with_txt or draw(st.booleans()) else draw(values)
    return spec


def dns_of(provider: str, zone: str, ttl: int) -> Spec:
    """spec.dns, with null for what is not in it, so that a merge patch makes any into any other."""
    return {
        "provider": provider,
        "ttl": ttl,
        "route53": {"zoneRef": {"name": zone}} if provider == "Route53" else None,
        "dnsEndpoint": {"labels": ENDPOINT_LABELS} if provider == "DNSEndpoint" else None,
    }


def place_of(spec: Spec) -> tuple[str, str]:
    """Where its records are published."""
    return spec["dns"]["provider"], zone_of(spec)


def merge_patch(first: Any, second: Any) -> Any:
    """What makes the first into the second (RFC 7386)."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    return {key: merge_patch(first.get(key), second.get(key)) for key in first.keys() | second.keys()}


def zone_of(spec: Spec) -> str:
    """What the SesAccount calls the zone that the records of the spec are served from."""
    route53 = spec["dns"]["route53"]
    return str(route53["zoneRef"]["name"]) if route53 else ZONES[0]

"""Random specs of a SesIdentity, and those changes among them that together try the most, for a property over the controllers.

A new feature is one more member of ``MEMBERS``. The same changes are chosen in every run.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Any

Spec = dict[str, Any]
Values = Callable[[Sequence[str]], list[Any]]
"""What a member of the spec may be in these regions."""

REGIONS = ("ap-southeast-2", "eu-west-1", "us-east-1")
CONFIGURATION_SETS = ("bulk", "news")
SELECTORS = ("s1", "s2")
"""Of DKIM keys, each in the Secret of the same name."""
ENDPOINT_LABELS = {"dns": "random"}
ZONES = ("one", "two")
"""What the SesAccount calls two hosted zones of one name. ExternalDNS writes into the first."""
PLACES = (*(("Route53", zone) for zone in ZONES), ("DNSEndpoint", ZONES[0]))

_CANDIDATES = 400
_SHARE_SET = 0.6

_PARTNER, _OTHER = "arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"


def _dkim(regions: Sequence[str]) -> list[Spec]:
    parents: list[Spec] = [{"mode": "Deterministic", "deterministic": {"parentRegion": region}} for region in regions]
    keys: list[Spec] = [
        {"mode": "BYODKIM", "byodkim": {"selector": selector, "privateKeySecretRef": {"name": selector}}}
        for selector in SELECTORS
    ]
    # A parent alone has nothing to replicate it.
    sources = [{"mode": "Easy"}, *(parents if len(regions) > 1 else []), *keys]
    return [{**source, "signingEnabled": signs} for source in sources for signs in (True, False)]


def _overrides(regions: Sequence[str]) -> list[list[Spec]]:
    region = regions[0]
    topic = {"topicARN": f"arn:aws:sns:{region}:123456789012:mail"}
    topics: list[Spec] = [{"bounce": topic}, {"complaint": {**topic, "includeHeaders": True}, "delivery": topic}]
    return [
        [{"region": region, "configurationSetName": CONFIGURATION_SETS[1]}],
        *([{"region": region, "feedback": {"topics": each}}] for each in topics),
    ]


def _document(effect: str) -> Spec:
    statement = {"Effect": effect, "Principal": {"AWS": _OTHER}, "Action": "ses:SendEmail"}
    return {"Version": "2012-10-17", "Statement": [statement]}


MEMBERS: Mapping[str, Values] = {
    "mailFrom": lambda _: [
        {"subdomain": name, "scope": scope} for name, scope in product(["bounce", "mx"], ["PerRegion", "Shared"])
    ],
    "dmarc": lambda _: [{"policy": policy} for policy in ("none", "reject")],
    "dkim": _dkim,
    "tags": lambda _: [{"team": "a"}, {"team": "b", "stage": "a"}, {"stage": "b"}],
    "configurationSetName": lambda _: list(CONFIGURATION_SETS),
    "regionOverrides": _overrides,
    "feedback": lambda _: [{"emailForwardingEnabled": forwarded} for forwarded in (True, False)],
    "authorizedSenders": lambda _: [[{"name": "partner", "principals": [who]}] for who in (_PARTNER, _OTHER)],
    "policies": lambda _: [[{"name": "audit", "document": _document(effect)}] for effect in ("Allow", "Deny")],
}
ALWAYS_SET = frozenset({"domain", "accountRef", "regions", "dns"})
ELSEWHERE = frozenset({"email", "verificationTemplateRef", "deletionPolicy", "adoptionPolicy", "suspend"})
"""Members of addresses, and those that decide what is left alone: test_email, test_deletion, test_adoption, test_dry_run."""


@dataclass(frozen=True)
class Change:
    """From one spec to another."""

    first: Spec
    second: Spec


def changes(count: int) -> list[Change]:
    """So many changes, each the one of many random ones that tries most of what those before it have not."""
    random = Random(23)  # noqa: S311 - no secrets are drawn from it
    chosen, tried = list[Change](), set[tuple[Hashable, ...]]()
    for _ in range(count):
        candidates = [change for _ in range(_CANDIDATES) if _ends_well(change := _change(random))]
        best = max(candidates, key=lambda change: _worth(set(tries(change)) - tried))
        chosen.append(best)
        tried.update(tries(best))
    return chosen


def tries(change: Change) -> Iterator[tuple[Hashable, ...]]:
    """What a change and the change back put to the test: the move, what becomes of each member, and of the key of a region
    that stays."""
    yield from _tries(change.first, change.second)
    yield from _tries(change.second, change.first)


def _tries(first: Spec, second: Spec) -> Iterator[tuple[Hashable, ...]]:
    yield "place", place_of(first), place_of(second)
    for name in MEMBERS:
        if first[name] != second[name]:
            yield name, "set" if first[name] is None else "removed" if second[name] is None else "changed"
    if set(first["regions"]) & set(second["regions"]):
        if _key_of(first) != _key_of(second):
            yield "key", _mode_of(first), _mode_of(second)
        yield "signing", *((spec["dkim"] or {}).get("signingEnabled", True) for spec in (first, second))


def _worth(new: set[tuple[Hashable, ...]]) -> tuple[int, int]:
    """Moves and changes of key count first: a change has one of each at the most, there and back."""
    return sum(what in ("key", "place") for what, *_ in new), len(new)


def _mode_of(spec: Spec) -> str:
    return str((spec["dkim"] or {}).get("mode", "Easy"))


def _key_of(spec: Spec) -> Spec:
    """Where the key comes from."""
    return {"mode": "Easy"} | {name: value for name, value in (spec["dkim"] or {}).items() if name != "signingEnabled"}


def _change(random: Random) -> Change:
    return Change(_spec(random), _spec(random))


def _spec(random: Random) -> Spec:
    """All of a spec but domain and account. What is not in it is left out, or to be removed."""
    regions = sorted(random.sample(REGIONS, random.randint(1, 2)))
    place = random.choice(PLACES)
    spec: Spec = {"regions": regions, "dns": dns_of(*place, ttl=random.choice([60, 300]))}
    for name, values in MEMBERS.items():
        possible = [value for value in values(regions) if place[0] == "Route53" or not _needs_txt(name, value)]
        spec[name] = random.choice(possible) if possible and random.random() < _SHARE_SET else None
    return spec


def _needs_txt(name: str, value: Any) -> bool:
    """Whether it has TXT records, which ExternalDNS 0.21 writes once and never takes away."""
    return name in ("mailFrom", "dmarc") or (name == "dkim" and "byodkim" in value)


def _ends_well(change: Change) -> bool:
    """Whether it is a move that comes to an end: SES makes no replica into anything else, nor anything into a replica."""
    first, second = change.first, change.second
    stay = set(first["regions"]) & set(second["regions"])
    replaced = any(_replicates(first, region) != _replicates(second, region) for region in stay)
    return place_of(first) != place_of(second) and not replaced


def _replicates(spec: Spec, region: str) -> str | None:
    """Whose key the identity of this region is a copy of."""
    parent = (spec["dkim"] or {}).get("deterministic", {}).get("parentRegion")
    return None if parent == region else parent


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

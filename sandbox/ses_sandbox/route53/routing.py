"""The rules of Route 53 on routing policies: which record sets of one name and type may stand side by side. Pure.

Sources: API reference, ResourceRecordSet (Weight, Region, Failover, GeoLocation, MultiValueAnswer, SetIdentifier);
Developer Guide, "Choosing a routing policy". The wording of the messages is known from the service's answers in public
threads, such as hashicorp/terraform-provider-aws 1668, aws/aws-sdk 75, aws/aws-sdk-go-v2 518, cert-manager 5388 and
kubernetes-sigs/external-dns 4345.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ses_sandbox.route53.records import ResourceRecordSet

MAX_WEIGHT = 255
MAX_IDENTIFIER = 128
FAILOVER = frozenset({"PRIMARY", "SECONDARY"})
POLICIES = {
    "Weight": "a non-weighted set",
    "Region": "a non-latency set",
    "Failover": "a non-failover set",
    "GeoLocation": "a non-geolocation set",
    "MultiValueAnswer": "a non multivalue answer rrset",
}
"""The element of each policy, and how a message calls the sets that are not of it."""

UNIQUE = {"Region": "latency", "GeoLocation": "geolocation", "Failover": "failover"}
"""The policies of which each value may be given to one set only, and their names."""


def policies_of(record_set: ResourceRecordSet) -> tuple[str, ...]:
    """Return the elements of routing policies that a record set has; none for a simple one."""
    return tuple(name for name in POLICIES if name in record_set.routing)


def form_error(record_set: ResourceRecordSet, where: str) -> str | None:
    """Return why the request is malformed (InvalidInput), None if it is not. ``where``: the change, as messages show it."""
    policies = policies_of(record_set)
    if policies and not record_set.set_identifier:
        return f"Invalid request: Missing field 'SetIdentifier' in Change with {where}"
    if len(policies) > 1 or (record_set.set_identifier and not policies):
        found = "more than one" if policies else "none"
        allowed = "[Weight, Region, Failover, GeoLocation, or MultiValueAnswer]"
        return f"Invalid request: Expected exactly one of {allowed}, but found {found} in Change with {where}"
    if len(record_set.set_identifier) > MAX_IDENTIFIER:
        return f"Invalid request: SetIdentifier has more than {MAX_IDENTIFIER} characters in Change with {where}"
    weight = record_set.routing.get("Weight")
    if weight is not None and not (str(weight).isdecimal() and int(weight) <= MAX_WEIGHT):
        return (
            f"Invalid XML ; cvc-maxInclusive-valid: Value '{weight}' is not facet-valid with respect to maxInclusive "
            f"'{MAX_WEIGHT}' for type 'ResourceRecordSetWeight'."
        )
    failover = record_set.routing.get("Failover")
    if failover is not None and failover not in FAILOVER:
        return f"Invalid XML ; cvc-enumeration-valid: Value '{failover}' is not PRIMARY or SECONDARY."
    return None


def neighbour_errors(wanted: ResourceRecordSet, others: Collection[ResourceRecordSet]) -> Iterator[str]:
    """Yield why a record set must not be beside the others of its name and type, in the state after the batch."""
    if not others:
        return
    policies = policies_of(wanted)
    if not policies:
        yield f"{_subject(wanted)} cannot be created as other RRSets exist with the same name and type."
        return
    (policy,) = policies
    if any(policies_of(other) != policies for other in others):
        joint = "because" if policy == "MultiValueAnswer" else "as"
        yield f"{_subject(wanted)} cannot be created {joint} {POLICIES[policy]} exists with the same name and type."
    elif policy == "Weight" and len({found.ttl for found in (wanted, *others)} - {None}) > 1:  # None: an alias
        yield f"{_subject(wanted)} cannot be created as weighted sets must contain the same TTL."
    elif policy in UNIQUE and any(other.routing[policy] == wanted.routing[policy] for other in others):
        value = _value(wanted.routing[policy])
        kind = UNIQUE[policy]
        yield (
            f"{_subject(wanted)}, and {policy} Name={value} cannot be created because a {kind} RRSet with the same name, "
            f"type and {policy.lower()} already exists."
        )


def served_of(sets: Collection[ResourceRecordSet]) -> ResourceRecordSet | None:
    """Return the record set that a name server sends of those of one name and type.

    Of weighted ones the heaviest, never one of weight 0 beside others (Developer Guide: "no traffic"); of multivalue
    answers all values together; else the first by its identifier, so that answers are the same from run to run.
    """
    ordered = sorted(sets, key=lambda found: (-int(found.routing.get("Weight", 0)), found.set_identifier))
    if not ordered:
        return None
    first = ordered[0]
    if "MultiValueAnswer" not in first.routing:
        return first
    values = dict.fromkeys(value for found in ordered for value in found.values)
    return ResourceRecordSet(first.name, first.type, first.ttl, tuple(values))


def _subject(record_set: ResourceRecordSet) -> str:
    subject = f"RRSet with DNS name {record_set.name}, type {record_set.type}"
    return f"{subject}, SetIdentifier {record_set.set_identifier}" if record_set.set_identifier else subject


def _value(value: Any) -> str:
    return ", ".join(str(part) for part in value.values()) if isinstance(value, Mapping) else str(value)

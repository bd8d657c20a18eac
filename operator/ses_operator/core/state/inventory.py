"""The inventory: where an identity may have left something, written before it is made, so that it can be undone.

It is in an annotation of the SesIdentity, put there in one patch with the finalizer and confirmed before the first
external write that it covers. Status may be lost and the spec may change; the inventory says where to look for what
has to be taken back.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

DNS_ENDPOINT_PLACE = "DNSEndpoint"
ROUTE53_PLACE = "Route53/"
"""The beginning of the name of a place in Route 53; the id of the hosted zone follows."""

MAX_NAMES = {
    "regions": 64,
    "invited": 64,
    "letGo": 64,
    "places": 32,
    "tagKeys": 100,
    "settings": 100,
    "policies": 1500,
    "records": 1000,
}
"""Most names of each kind. The operator never needs as many: an annotation with more was written by another client."""
MAX_NAME = 512

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_PLACE = re.compile(rf"{DNS_ENDPOINT_PLACE}|[A-Za-z0-9]{{1,32}}/[A-Za-z0-9_-]{{1,64}}")
"""A place of this version, or of a newer one. The id is part of the path of a request: it has no other characters, and
is never empty."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The regions, places, tag keys, settings and sending policies that the operator made or changed for an object.

    A place is ``Route53/<hosted zone id>`` or ``DNSEndpoint``. A setting is one that is not managed unless the spec
    names it: what the operator changed has to be reset when it no longer does. A policy is ``<region>/<name>``; the
    annotation has none, because marks of the identity name them (``core.features.marks``).
    ``invited`` are regions in which an email may have made an identity that has no owner tag yet. ``released`` are
    regions outside the spec that the deletion limit has released. ``records`` are those in Route 53, with digests of their
    values (``publication.recollection``): the witness if the key of the ledger is lost. ``account`` is the id of the AWS
    account that all this is in; empty if nothing was made yet.
    """

    regions: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    tag_keys: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    invited: frozenset[str] = frozenset()
    released: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()
    account: str = ""

    def __or__(self, other: Inventory) -> Inventory:
        return Inventory(
            self.regions | other.regions,
            self.places | other.places,
            self.tag_keys | other.tag_keys,
            self.settings | other.settings,
            self.policies | other.policies,
            self.invited | other.invited,
            self.released | other.released,
            self.records | other.records,
            other.account or self.account,
        )

    def covers(self, other: Inventory) -> bool:
        """Return True if all that ``other`` names is named here."""
        return self | other == self

    def encode(self) -> str:
        """Return the annotation's value: compact JSON with sorted lists."""
        names: dict[str, object] = {
            "regions": sorted(self.regions),
            "tagKeys": sorted(self.tag_keys),
            "places": sorted(self.places),
        }
        if self.settings:
            names["settings"] = sorted(self.settings)
        if self.invited:
            names["invited"] = sorted(self.invited)
        if self.released:
            names["letGo"] = sorted(self.released)
        if self.records:
            names["records"] = sorted(self.records)
        if self.account:
            names["account"] = self.account
        return json.dumps(names, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str | None) -> Inventory:
        """Read the annotation; a missing or damaged one (a person may edit it) names nothing.

        Nor does a name that cannot be a region or a place, or an annotation with more names than the operator ever needs:
        each of them would be looked for.
        """
        try:
            value: Any = json.loads(text or "{}")
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(value, dict) or not _is_within_bounds(value):
            return cls()
        account = value.get("account")
        return cls(
            regions=frozenset(filter(_REGION.fullmatch, _names(value.get("regions")))),
            places=frozenset(filter(_PLACE.fullmatch, _names(value.get("places")))),
            tag_keys=_names(value.get("tagKeys")),
            settings=_names(value.get("settings")),
            invited=_names(value.get("invited")),
            released=_names(value.get("letGo")),
            records=_names(value.get("records")),
            account=account if isinstance(account, str) and _ACCOUNT.fullmatch(account) else "",
        )


def _is_within_bounds(value: dict[str, Any]) -> bool:
    """Return True if the operator could have written so much."""
    return all(len(names) <= most for kind, most in MAX_NAMES.items() if isinstance(names := value.get(kind), list))


def _names(value: object) -> frozenset[str]:
    return (
        frozenset(item for item in value if isinstance(item, str) and len(item) <= MAX_NAME)
        if isinstance(value, list)
        else frozenset()
    )

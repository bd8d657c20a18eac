"""Sees in the history of the hosted zones whether a record was missing, for however short a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cluster.tenant import Records
from devcluster.sandbox_process import Sandbox

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client

Key = tuple[str, str]


@dataclass(frozen=True)
class Gap:
    """A record set that name servers did not answer as it was needed. ``seconds`` of simulated time; None: to the end."""

    name: str
    type: str
    seconds: float | None


class ZoneWatch:
    """Watches the hosted zones of one name from now on: what the one that is delegated to answers, after each change by
    whomever. ``served`` is its id."""

    def __init__(self, sandbox: Sandbox, route53: Route53Client, zones: Mapping[str, str], served: str) -> None:
        self._sandbox = sandbox
        self._served = served
        self._route53 = route53
        self._ids = tuple(zones.values())
        events = self._events(0)
        self._begun = events[-1]["number"] if events else 0
        self._before = {zone_id: self.contents(zone_id) for zone_id in self._ids}

    def contents(self, zone_id: str) -> dict[Key, tuple[str, ...]]:
        """All record sets of one zone but SOA and NS."""
        pages = self._route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone_id)
        return {
            (found["Name"].rstrip("."), str(found["Type"])): tuple(each["Value"] for each in found["ResourceRecords"])
            for page in pages
            for found in page["ResourceRecordSets"]
            if found["Type"] not in ("SOA", "NS")
        }

    def gaps(self, needed: Records) -> list[Gap]:
        """When any of the needed record sets was not answered with these values, since the watch began."""
        gaps: list[Gap] = []
        missing: dict[Key, datetime] = {}
        for at, answers in self._moments():
            for key, values in needed.items():
                if answers.get(key) != values:
                    missing.setdefault(key, at)
                elif key in missing:
                    gaps.append(Gap(*key, (at - missing.pop(key)).total_seconds()))
        return gaps + [Gap(*key, None) for key in missing]

    def answers(self, name: str, kind: str) -> list[tuple[str, ...]]:
        """What was answered of one record set, one value after the other; nothing for a time in which it was missing."""
        told: list[tuple[str, ...]] = []
        for _, answers in self._moments():
            values = answers.get((name, kind), ())
            if not told or told[-1] != values:
                told.append(values)
        return told

    def _moments(self) -> Iterator[tuple[datetime, Mapping[Key, tuple[str, ...]]]]:
        """What is answered after each change, and from when."""
        zones = {zone_id: dict(found) for zone_id, found in self._before.items()}
        served = self._served
        for event in sorted(self._events(self._begun), key=lambda event: (event["at"], event["number"])):
            if event["zone"] not in zones:
                continue
            served = event["zone"] if event["delegated"] else served
            for changed in event["sets"]:
                key = changed["name"], changed["type"]
                zones[event["zone"]].pop(key, None)
                if changed["values"] is not None:
                    zones[event["zone"]][key] = tuple(changed["values"])
            yield datetime.fromisoformat(event["at"]), zones[served]

    def _events(self, since: int) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self._sandbox.ask(f"dns/changes?since={since}")["changes"]
        return events

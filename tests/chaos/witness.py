"""What the logs show of a whole run: whose things were written to, and by which life of the operator, at any time. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chaos.cast import CLAIMED_REGIONS, CLAIMS, ZONE
from chaos.verdict import Invariant, Violation

READS = ("Get", "List", "BatchGet", "Describe")


@dataclass(frozen=True)
class SandboxClock:
    """When something happened in real time that the sandbox's log has in simulated time."""

    real: datetime
    simulated: datetime
    speed: float

    def real_time(self, at: str) -> datetime:
        """Return the real time of a call."""
        return self.real + timedelta(seconds=(datetime.fromisoformat(at) - self.simulated).total_seconds() / self.speed)


def is_write(call: Mapping[str, Any]) -> bool:
    """Return True for a call that changes something at AWS, and was carried out."""
    carried_out = call["lost"] or call["status"] == 200
    return bool(carried_out and not call["operation"].startswith(READS) and call["service"] in ("ses", "route53"))


def shown(call: Mapping[str, Any]) -> str:
    """Return a call in one line."""
    result = "answer lost" if call["lost"] else call["error"] or "ok"
    return f"#{call['number']} {call['accessKey']} {call['operation']} {call['identity']} {call['region']}: {result}"


def touched_identities(
    calls: Iterable[Mapping[str, Any]], keys: Iterable[str], ours: frozenset[str]
) -> Iterator[Violation]:
    """Yield the identities of others that the operator wrote to. ``ours``: names that our objects ever had."""
    operator = frozenset(keys)
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    foreign = {(region, name) for name in CLAIMS.values() for region in CLAIMED_REGIONS}
    for call in calls:
        if call["accessKey"] not in operator or not is_write(call) or call["service"] != "ses":
            continue
        where = call["region"], str(call["identity"])
        if where in foreign or where[1] not in ours | set(CLAIMS.values()):
            found.setdefault(where, []).append(call)
    for (region, name), written in found.items():
        yield Violation(
            Invariant.OTHERS,
            f"{name} in {region}",
            "the operator wrote to what is not ours",
            tuple(map(shown, written)),
        )


def touched_records(
    events: Iterable[Mapping[str, Any]],
    keys: Iterable[str],
    foreign: Mapping[tuple[str, str], tuple[str, ...]],
    ours: frozenset[str],
) -> Iterator[Violation]:
    """Yield the changes in which the operator wrote record sets of others, or of names that are not our domains' at all."""
    operator = frozenset(keys)
    for event in events:
        if event["accessKey"] not in operator:
            continue
        lines = []
        for changed in event["sets"]:
            name, kind = changed["name"], changed["type"]
            if (name, kind) in foreign:
                lines.append(f"of others: {kind} {name}: {changed['values']}")
            elif not _is_at_or_below(name, ours) or _is_at_or_below(name, CLAIMS.values()):
                lines.append(f"of no identity of ours: {kind} {name}: {changed['values']}")
        if lines:
            subject = f"change {event['number']} of {event['zoneName']} by {event['accessKey']}"
            yield Violation(Invariant.OTHERS, subject, "records were written that are not ours", tuple(lines))


def _is_at_or_below(name: str, domains: Iterable[str]) -> bool:
    return any(f".{name}".endswith(f".{domain}") for domain in domains)


@dataclass(frozen=True)
class LeaseWrite:
    """A write of the Lease that the apiserver accepted. ``replica``: the access key that goes with its service account."""

    at: datetime
    replica: str


def overlapping_lives(
    calls: Sequence[Mapping[str, Any]], lease: Sequence[LeaseWrite], clock: SandboxClock
) -> Iterator[Violation]:
    """Yield the writes at AWS of a replica that did not hold the Lease: the other had written it last."""
    moments = [write.at for write in lease]
    holders = frozenset(write.replica for write in lease)
    for call in calls:
        if call["accessKey"] not in holders or not is_write(call):
            continue
        at = clock.real_time(call["at"])
        before = bisect_right(moments, at)
        holder = lease[before - 1].replica if before else "nobody"
        if holder != call["accessKey"]:
            yield Violation(
                Invariant.ONE_WRITER,
                str(call["accessKey"]),
                _words(at, holder, lease[before - 1].at if before else None),
                (shown(call),),
            )


def _words(at: datetime, holder: str, since: datetime | None) -> str:
    had = (
        "before anyone had the Lease"
        if since is None
        else f"while {holder} has written the Lease at {since:%H:%M:%S.%f}"
    )
    return f"wrote at {at:%H:%M:%S.%f} {had}"


def foreign_zone_is_kept(
    found: Mapping[tuple[str, str], tuple[str, ...]], foreign: Mapping[tuple[str, str], tuple[str, ...]]
) -> Iterator[Violation]:
    """Yield the record sets of others that are not as they were."""
    for key, values in foreign.items():
        if sorted(found.get(key, ())) != sorted(values):
            yield Violation(Invariant.OTHERS, f"{key[1]} {key[0]} in {ZONE}", f"is {found.get(key)}, and was {values}")

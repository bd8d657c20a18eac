"""One run: set up, the schedule, heal, and the invariants."""

from __future__ import annotations

import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chaos import witness
from chaos.cast import (
    BY_KEY,
    CLAIMS,
    HOSTILE,
    INSTALLATION,
    NAMESPACES,
    REGIONS,
    ROLES,
    ZONE,
    Role,
    foreign_records,
    hostile_domains,
    is_the_forgers,
)
from chaos.deeds import End, carry_out, ensure_sets
from chaos.expected import OWNER_TAG, World, differences, leftovers, ready_of
from chaos.probes import probe
from chaos.schedule import Action, Kind, first_specs, schedule
from chaos.stage import PASSING, PATIENCE, Stage, set_up
from chaos.verdict import Invariant, Violation
from chaos.witness import LeaseWrite, SandboxClock
from devcluster.apiclient import ApiError
from devcluster.waiting import eventually

Say = Callable[[str], None]
MEMORY_BOUND = 120
"""Megabytes that a replica may have grown by since it was first ready."""

QUIET_POLLS = 4
"""How many lists of a region the operator reads while nothing may be written."""

PEOPLE_WORK_EVERY = 5
WITNESS_EVERY = 20


@dataclass(frozen=True)
class Plan:
    """What to run.

    ``skip``: kinds that are left out, to narrow a violation down. ``patience``: seconds to wait at most. ``first``: end
    with the first violations.
    """

    seed: int
    actions: int
    skip: frozenset[Kind] = frozenset()
    patience: float = PATIENCE
    first: bool = False


class EnoughError(Exception):
    """There is a violation, and the first was asked for."""


@dataclass
class Outcome:
    """What came of a run."""

    seed: int
    actions: tuple[Action, ...]
    violations: list[Violation] = field(default_factory=list)
    seconds: float = 0.0
    done: Counter[Kind] = field(default_factory=Counter)

    def report(self) -> str:
        """Return the table of a run: what was done, and what was violated."""
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(self.done.items()))
        head = (
            f"seed {self.seed}: {len(self.actions)} actions in {self.seconds:.0f} s, {len(self.violations)} violations"
        )
        return "\n".join([head, f"  {kinds}", *(f"  {violation}" for violation in self.violations)])


def run(plan: Plan, say: Say, *, keep: Path | None = None) -> Outcome:
    """Run a schedule and check all invariants. ``keep``: the folder for logs, which then stay."""
    chosen = tuple(action for action in schedule(plan.seed, plan.actions) if action.kind not in plan.skip)
    outcome, begun, seed = Outcome(plan.seed, chosen), time.monotonic(), plan.seed
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        place = keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        with set_up(place, first_specs(seed)) as stage:
            say(f"seed {seed}: everything runs after {time.monotonic() - begun:.0f} s")
            with suppress(EnoughError):
                Run(stage, outcome, say, plan).go()
    outcome.seconds = time.monotonic() - begun
    return outcome


class Run:
    """The steps of a run on a stage."""

    def __init__(self, stage: Stage, outcome: Outcome, say: Say, plan: Plan) -> None:
        self._stage = stage
        self._patience = plan.patience
        self._first, self._skip = plan.first, plan.skip
        self._outcome = outcome
        self._say = say
        self._foreign = foreign_records()
        self._memory: dict[str, int] = {}
        self._followed: set[str] = set()

    def go(self) -> None:
        """All of it. What is not reached because something before never came is not checked, and said."""
        stage = self._stage
        clock = stage.sandbox.ask("clock")
        self._clock = SandboxClock(datetime.now(UTC), datetime.fromisoformat(clock["now"]), clock["speed"])
        self._await_converged("at the beginning")
        self._memory = {name: replica.memory() for name, replica in stage.replicas.items()}
        lives = {name: replica.lives for name, replica in stage.replicas.items()}
        if not self._outcome.violations:
            self._act()
            self._await_converged("after everything healed")
            self._check_lives(lives)
            self._check_memory()
            self._check_quiet()
            if not self._outcome.violations:
                self._found(*probe(self._stage, self._patience, self._await_polls, self._skip))
                self._await_converged("after the probes")
        self._witness()
        self._delete_everything()
        self._witness()

    def _found(self, *violations: Violation) -> None:
        known = {each.key for each in self._outcome.violations}
        for violation in violations:
            if violation.key not in known:
                self._outcome.violations.append(violation)
                self._say(f"  {violation}")
        if self._first and self._outcome.violations:
            raise EnoughError

    def _act(self) -> None:
        stage, ends = self._stage, dict[int, list[End]]()
        for action in self._outcome.actions:
            self._say(str(action))
            stage.keep_running()
            self._end(ends, action.number)
            if (end := carry_out(stage, action)) is not None:
                ends.setdefault(action.number + action.lasts, []).append(end)
            self._outcome.done[action.kind] += 1
            if action.number % PEOPLE_WORK_EVERY == 0:
                self._people_work()
            if self._first and action.number % WITNESS_EVERY == 0:
                with suppress(ClientError, BotoCoreError, ApiError, *PASSING):
                    self._witness()
            time.sleep(action.pause)
        stage.heal()
        left = [end for number in sorted(ends) for end in ends[number]]

        def ended() -> bool:
            stage.keep_running()
            self._people_work()
            left[:] = [end for end in left if end() is False]
            return not left

        try:
            eventually(ended, timeout=self._patience, of="what was deleted to go")
        except TimeoutError:
            self._found(Violation(Invariant.CONVERGED, "deletion", "objects that were deleted do not go"))

    def _end(self, ends: dict[int, list[End]], number: int) -> None:
        """End what is to end before an action. What cannot yet is tried again later."""
        for due in [at for at in ends if at <= number]:
            for end in ends.pop(due):
                if end() is False:
                    ends.setdefault(number + PEOPLE_WORK_EVERY, []).append(end)

    def _people_work(self) -> None:
        with suppress(ClientError, BotoCoreError, ApiError, *PASSING):
            self._stage.people.work()
            self._follow_links()

    def _follow_links(self) -> None:
        stage = self._stage
        newest = {
            (mail["to"][0], mail["region"]): mail["link"]
            for mail in stage.sandbox.ask("outbox")["messages"]
            if mail["kind"] == "verification"
        }
        for link in set(newest.values()) - self._followed:
            with urllib.request.urlopen(link, timeout=30):  # noqa: S310 - of the sandbox
                self._followed.add(link)

    def _await_converged(self, when: str) -> None:
        stage, last = self._stage, dict[str, list[str]]()
        stage.heal()
        ensure_sets(stage, REGIONS)

        def converged() -> bool:
            stage.keep_running()
            self._people_work()
            if self._first:
                self._witness()
            last.clear()
            last.update(self._differences())
            return not last

        begun = time.monotonic()
        try:
            eventually(converged, timeout=self._patience, of="everything to be as the specs say")
            self._say(f"  {when}: all is as the specs say after {time.monotonic() - begun:.0f} s")
        except TimeoutError:
            for key, texts in last.items():
                self._found(
                    Violation(Invariant.CONVERGED, key, f"{when}: {texts[0]}", (*texts[1:], *self._calls_about(key)))
                )

    def _differences(self) -> dict[str, list[str]]:
        stage = self._stage
        at_ses = stage.identities_at_ses()
        zones = {role.zone: stage.people.records(role.zone) for role in ROLES}
        found: dict[str, list[str]] = {}
        others = frozenset(self._foreign)
        for key, spec in stage.specs.items():
            role = BY_KEY[key]
            mine = {region: item for (region, name), item in at_ses.items() if name == role.domain}
            world = World(stage.get(key), mine, self._topics(role, mine), zones[role.zone])
            texts = differences(role, spec, world)
            if not role.is_address and not texts:
                below = {
                    other.domain for other in ROLES if f".{other.domain}".endswith(f".{role.domain}") and other != role
                }
                known = others | {
                    item for item in world.records if any(f".{item[0]}".endswith(f".{name}") for name in below)
                }
                texts += leftovers(role, spec, world, frozenset(known))
            if texts:
                found[key] = texts
        for key in CLAIMS:
            ready = ready_of(stage.get(key))
            if ready is None or ready["status"] != "False" or ready["reason"] not in ("NotAdopted", "OwnedByAnother"):
                found[key] = [f"Ready is {ready}: what others have is not adopted"]
        return found

    def _topics(self, role: Role, at_ses: Mapping[str, Any]) -> dict[str, Any]:
        return {
            region: self._stage.ses_v1(region)
            .get_identity_notification_attributes(Identities=[role.domain])["NotificationAttributes"]
            .get(role.domain, {})
            for region in at_ses
        }

    def _calls_about(self, key: str) -> list[str]:
        domain = BY_KEY[key].domain if key in BY_KEY else CLAIMS[key]
        calls = self._stage.sandbox.ask(f"calls?identity={domain}&limit=8")["calls"]
        return [witness.shown(call) for call in calls]

    def _check_lives(self, before: Mapping[str, int]) -> None:
        """Replicas end when they are told to or lose the Lease; an exception that nothing catches is in the log."""
        for name, replica in self._stage.replicas.items():
            lines = [line for line in replica.process.log.splitlines() if "CRITICAL" in line or "Fatal Python" in line]
            if lines:
                self._found(
                    Violation(Invariant.ALIVE, name, f"{replica.lives - before[name]} restarts", tuple(lines[-8:]))
                )

    def _check_memory(self) -> None:
        for name, replica in self._stage.replicas.items():
            now, first = replica.memory(), self._memory[name]
            if now - first > MEMORY_BOUND:
                self._found(Violation(Invariant.MEMORY, name, f"{first} MB at the beginning, {now} MB now"))

    def _check_quiet(self) -> None:
        """Once all is as it is to be, there comes a while in which nothing is written, and then all still is so."""
        noise: list[Violation] = []

        def quiet() -> bool:
            noise[:] = self._noise()
            return not noise

        try:
            eventually(quiet, timeout=self._patience, of="quiet")
        except TimeoutError:
            self._found(*noise)
        self._await_converged("after it was quiet")

    def _noise(self) -> list[Violation]:
        """Return what was written while the operator read so many lists."""
        stage = self._stage
        mark, last = stage.plane.audit.mark(), self._last_call()
        self._await_polls()
        keys = self._keys()
        calls = [call for call in self._calls(last) if call["accessKey"] in keys and witness.is_write(call)]
        users = tuple(f"system:serviceaccount:ses-operator:replica-{name}" for name in stage.replicas)
        writes = [
            write
            for write in stage.plane.audit.writes(since=mark)
            if write.user in users and write.resource != "leases" and write.namespace != HOSTILE
        ]
        lines = tuple(f"{each.verb} {each.resource} {each.namespace}/{each.name} {each.subresource}" for each in writes)
        found = (
            [Violation(Invariant.QUIET, "AWS", "it is written to", tuple(map(witness.shown, calls)))] if calls else []
        )
        return [*found, *([Violation(Invariant.QUIET, "Kubernetes", "it is written to", lines)] if lines else [])]

    def _await_polls(self) -> None:
        """Return when the operator has read its lists so many times from now on."""
        last = self._last_call()

        def polled() -> bool:
            self._stage.keep_running()
            lists = [call for call in self._calls(last) if call["operation"] == "ListEmailIdentities"]
            return len(lists) >= QUIET_POLLS * len(REGIONS)

        eventually(polled, timeout=self._patience, of="the operator to look around")

    def _witness(self) -> None:
        stage, keys = self._stage, self._keys()
        calls = self._calls(0)
        ours = frozenset(role.domain for role in ROLES) | hostile_domains()
        self._found(*witness.touched_identities(calls, keys, ours))
        events = stage.sandbox.ask("dns/changes")["changes"]
        self._found(*witness.touched_records(events, keys, self._foreign, ours))
        self._found(*witness.foreign_zone_is_kept(stage.people.records(ZONE), self._foreign))
        self._found(*witness.overlapping_lives(calls, self._lease(), self._clock))

    def _keys(self) -> frozenset[str]:
        return frozenset(replica.access_key for replica in self._stage.replicas.values())

    def _calls(self, since: int) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self._stage.sandbox.ask(f"calls?limit=100000&since={since}")["calls"]
        return calls

    def _last_call(self) -> int:
        calls = self._stage.sandbox.ask("calls?limit=1")["calls"]
        return int(calls[-1]["number"]) if calls else 0

    def _lease(self) -> list[LeaseWrite]:
        users = {
            f"system:serviceaccount:ses-operator:replica-{name}": replica.access_key
            for name, replica in self._stage.replicas.items()
        }
        return [
            LeaseWrite(write.at, users[write.user])
            for write in self._stage.plane.audit.writes()
            if write.resource == "leases" and write.user in users and write.code in (200, 201)
        ]

    def _delete_everything(self) -> None:
        stage = self._stage
        keys = [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in self._objects()]
        for key in keys:
            stage.delete(key)

        def gone() -> bool:
            stage.keep_running()
            self._people_work()
            return not self._objects()

        try:
            eventually(gone, timeout=self._patience, of="our objects to go")
        except TimeoutError:
            for item in self._objects():
                self._found(
                    Violation(Invariant.NOTHING_LEFT, item["metadata"]["name"], f"does not go: {ready_of(item)}")
                )
        self._people_work()
        self._check_nothing_left()

    def _objects(self) -> list[dict[str, Any]]:
        path = "/apis/ses-operator.io/v1alpha1/sesidentities"
        found = self._stage.persist(lambda: self._stage.plane.api.get(path))
        items: list[dict[str, Any]] = (found or {"items": []})["items"]
        return items

    def _check_nothing_left(self) -> None:
        stage = self._stage
        for (region, name), found in stage.identities_at_ses().items():
            tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
            if tags.get(OWNER_TAG, "").startswith(f"{INSTALLATION}/") or name not in CLAIMS.values():
                self._found(Violation(Invariant.NOTHING_LEFT, f"{name} in {region}", f"is still at SES, with {tags}"))
        for zone in {role.zone for role in ROLES}:
            for key in stage.people.records(zone).keys() - self._foreign.keys():
                if is_the_forgers(*key):
                    continue
                self._found(Violation(Invariant.NOTHING_LEFT, f"{key[1]} {key[0]}", f"is still in {zone}"))
        for namespace in NAMESPACES:
            path = f"/apis/externaldns.k8s.io/v1alpha1/namespaces/{namespace}/dnsendpoints"
            for item in (stage.plane.api.get(path) or {"items": []})["items"]:
                self._found(
                    Violation(Invariant.NOTHING_LEFT, f"DNSEndpoint {item['metadata']['name']}", "is still there")
                )

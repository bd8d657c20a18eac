"""The product's own chaos: schedules that are the same from run to run, witnesses that can accuse, and one short run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chaos.cast import BY_KEY, CLAIMED_REGIONS, ROLES, TENANT_A, UNOWNED, ZONE, Spec, foreign_records
from chaos.expected import World, differences, owner
from chaos.run import Plan, run
from chaos.schedule import MOST_DRIFTS, Kind, counts, first_specs, schedule
from chaos.verdict import Invariant
from chaos.witness import (
    LeaseWrite,
    SandboxClock,
    foreign_zone_is_kept,
    overlapping_lives,
    touched_identities,
    touched_records,
)

SEEDS = range(1, 11)
FULL = 300
ONE, TWO, OTHERS = "AKIAREPLICAONE", "AKIAREPLICATWO", "AKIASOMEBODYELSE"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK = SandboxClock(BEGIN, BEGIN, 60.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_gives_the_same_schedule_again_and_uses_every_kind(seed: int) -> None:
    chosen = schedule(seed, FULL)
    assert chosen == schedule(seed, FULL)
    assert first_specs(seed) == first_specs(seed)
    assert len(chosen) == FULL
    assert counts(chosen).keys() == set(Kind)
    assert counts(schedule(seed, len(Kind))).keys() == set(Kind)


@pytest.mark.parametrize("seed", SEEDS)
def test_others_never_change_a_setting_so_often_that_the_operator_leaves_it_to_them(seed: int) -> None:
    drifts = [
        (action.target, action.details["what"])
        for action in schedule(seed, FULL)
        if action.kind is Kind.DRIFT_SETTING and not action.details["void"]
    ]
    assert max(map(drifts.count, drifts)) <= MOST_DRIFTS


def call(operation: str, key: str = ONE, **more: Any) -> dict[str, Any]:
    return {
        "number": 1,
        "at": BEGIN.isoformat(),
        "service": "ses",
        "operation": operation,
        "identity": ROLES[0].domain,
        "region": CLAIMED_REGIONS[0],
        "accessKey": key,
        "status": 200,
        "error": None,
        "lost": False,
        **more,
    }


OURS = frozenset(role.domain for role in ROLES)
TOUCHED = [
    ("a write to what an object claims", call("TagResource", identity=UNOWNED), True),
    (
        "the same with its answer lost",
        call("TagResource", identity=UNOWNED, status=0, error="ConnectionClosed", lost=True),
        True,
    ),
    ("a write to what no object is about", call("DeleteEmailIdentity", identity="www.example.com"), True),
    ("a read of what an object claims", call("GetEmailIdentity", identity=UNOWNED), False),
    (
        "a write that was refused",
        call("CreateEmailIdentity", identity=UNOWNED, status=400, error="AlreadyExists"),
        False,
    ),
    ("a write by its owner", call("TagResource", OTHERS, identity=UNOWNED), False),
    ("a write to what is ours", call("TagResource"), False),
]


@pytest.mark.parametrize(("made", "accused"), [case[1:] for case in TOUCHED], ids=[case[0] for case in TOUCHED])
def test_a_write_to_an_identity_of_others_is_seen(made: Mapping[str, Any], accused: bool) -> None:
    found = list(touched_identities([made], [ONE, TWO], OURS))
    assert [violation.invariant for violation in found] == [Invariant.OTHERS] * accused


def event(name: str, kind: str, key: str = ONE) -> dict[str, Any]:
    return {"number": 1, "accessKey": key, "zoneName": ZONE, "sets": [{"name": name, "type": kind, "values": None}]}


WRITTEN = [
    ("a record of others beside ours", event(f"easy.{ZONE}", "TXT"), True),
    ("one for what is claimed", event(f"bounce.{UNOWNED}", "MX"), True),
    ("one that belongs to no identity", event(f"elsewhere.{ZONE}", "TXT"), True),
    ("one of ours", event(f"abc._domainkey.easy.{ZONE}", "CNAME"), False),
    ("one of others by its owner", event(ZONE, "MX", OTHERS), False),
]


@pytest.mark.parametrize(("made", "accused"), [case[1:] for case in WRITTEN], ids=[case[0] for case in WRITTEN])
def test_a_write_to_a_record_of_others_is_seen(made: Mapping[str, Any], accused: bool) -> None:
    found = list(touched_records([made], [ONE, TWO], foreign_records(), OURS))
    assert bool(found) is accused


def test_a_record_of_others_that_is_gone_is_seen() -> None:
    present = {key: values for key, values in foreign_records().items() if key != (ZONE, "MX")}
    assert [found.subject for found in foreign_zone_is_kept(present, foreign_records())] == [f"MX {ZONE} in {ZONE}"]


def later(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


LEASE = [LeaseWrite(later(0), ONE), LeaseWrite(later(2), ONE), LeaseWrite(later(9), TWO)]


@pytest.mark.parametrize(
    ("key", "at", "accused"), [(ONE, 5, False), (TWO, 10, False), (ONE, 9.5, True), (TWO, 5, True), (ONE, -1, True)]
)
def test_a_write_of_a_replica_that_has_no_lease_is_seen(key: str, at: float, accused: bool) -> None:
    """The sandbox's log has simulated time: sixty times as fast."""
    made = call("TagResource", key, at=(BEGIN + timedelta(seconds=at * 60)).isoformat())
    found = list(overlapping_lives([made], LEASE, CLOCK))
    assert [violation.invariant for violation in found] == [Invariant.ONE_WRITER] * accused


def test_what_differs_from_a_spec_is_said_of_every_part_of_it() -> None:
    """Each setting that is not as asked for gives a line; what is missing as a whole, one for each place."""
    role = BY_KEY[f"{TENANT_A}/easy"]
    spec: Spec = {
        "regions": [CLAIMED_REGIONS[0]],
        "tags": {"team": "a"},
        "configurationSetName": "bulk",
        "mailFrom": {"subdomain": "bounce", "scope": "PerRegion"},
        "dmarc": {"policy": "none"},
        "dkim": {"mode": "Easy", "signingEnabled": True},
    }
    at_ses = {
        "Tags": [{"Key": "ses-operator.io/owner", "Value": owner(role)}],
        "FeedbackForwardingStatus": False,
        "Policies": {},
        "VerificationStatus": "PENDING",
        "DkimAttributes": {
            "Tokens": ["abc"],
            "SigningAttributesOrigin": "EXTERNAL",
            "Status": "PENDING",
            "SigningEnabled": False,
        },
    }
    found = differences(role, spec, World(None, {CLAIMED_REGIONS[0]: at_ses}, {}, {}))
    for words in (
        "object",
        "tags",
        "configuration set",
        "forwarding",
        "verification",
        "origin",
        "DKIM",
        "signing",
        "MAIL FROM",
    ):
        assert any(words in line for line in found), (words, found)
    assert any("_dmarc" in line for line in found)
    assert any("_ses-operator" in line for line in found)


def test_a_short_schedule_of_every_kind_violates_nothing(tmp_path: Path) -> None:
    """The real control plane, AWS and two replicas; `make chaos` runs longer ones."""
    lines: list[str] = []
    outcome = run(Plan(seed=1, actions=len(Kind)), lines.append, keep=tmp_path)
    assert outcome.done.keys() == set(Kind)
    assert not outcome.violations, "\n".join([*lines, outcome.report()])

"""The schedule of a run: what goes wrong, when, and for how long. Pure: the same seed and number give the same schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from chaos.cast import (
    BY_KEY,
    CLAIMED_REGIONS,
    CLAIMS,
    ENDPOINT_ZONE,
    MANUAL_ZONE,
    REGIONS,
    ROLES,
    SETS,
    ZONE,
    Provider,
    Role,
    random_spec,
)

Details = Mapping[str, Any]


class Kind(StrEnum):
    """The kinds of action. Every schedule of more than ``len(Kind)`` actions has each."""

    THROTTLE = "throttle"
    SERVER_ERROR = "server error"
    LATENCY = "latency"
    LOST_ANSWER = "lost answer"
    REGION_DOWN = "region down"
    DNS_FAILURE = "DNS failure"
    BLIND = "a claimed identity cannot be read"
    KILL = "SIGKILL of a replica"
    TERMINATE = "SIGTERM of a replica"
    FREEZE = "SIGSTOP of a replica"
    CUT = "replica cut off from the apiserver"
    APISERVER_RESTART = "restart of the apiserver"
    ETCD_RESTART = "restart of etcd"
    CHANGE_SPEC = "change of a spec"
    DELETE_OBJECT = "deletion of an object, and creation again"
    RECONCILE = "request for a reconcile"
    LOSE_STATUS = "lost status"
    LOSE_ANNOTATIONS = "lost annotations"
    DRIFT_SETTING = "setting changed at SES by others"
    DRIFT_RECORD = "record deleted by others"
    LOSE_IDENTITY = "identity deleted at SES by others"
    LOSE_SET = "configuration set deleted by others"
    OTHERS_WORK = "others change what is theirs"
    HOSTILE_OBJECT = "object of a hostile tenant"
    FORGED_LEDGER = "forged ledger"


class Hostility(StrEnum):
    """The objects of a hostile tenant."""

    DEEP_POLICY = "a policy document nested 2,000 deep"
    MANY_REGIONS = "an inventory annotation of 12,000 made-up regions"
    MADE_UP_REGIONS = "32 made-up regions"
    CONTROL_CHARACTERS = "control characters in every text"
    SILENT_SERVERS = "a domain whose name servers are silent"
    PARENT = "the parent of all domains"


class Drift(StrEnum):
    """Settings that others change at SES."""

    MAIL_FROM = "MAIL FROM"
    SIGNING = "DKIM signing"
    SET = "configuration set"
    TAGS = "tags"
    POLICY = "policy"
    FEEDBACK = "feedback"


WEIGHTS: Mapping[Kind, int] = {
    Kind.KILL: 4,
    Kind.TERMINATE: 2,
    Kind.FREEZE: 2,
    Kind.CUT: 3,
    Kind.APISERVER_RESTART: 1,
    Kind.ETCD_RESTART: 1,
    Kind.CHANGE_SPEC: 40,
    Kind.LOSE_STATUS: 12,
    Kind.LOSE_ANNOTATIONS: 12,
    Kind.DELETE_OBJECT: 10,
    Kind.LOSE_IDENTITY: 4,
    Kind.BLIND: 10,
    Kind.RECONCILE: 10,
    Kind.LOST_ANSWER: 14,
}
"""How often each kind comes, against 8 for any other."""

USUAL_WEIGHT = 8
MOST: Mapping[Kind, int] = {
    Kind.APISERVER_RESTART: 2,
    Kind.ETCD_RESTART: 2,
    Kind.KILL: 12,
    Kind.TERMINATE: 6,
    Kind.FREEZE: 6,
    Kind.HOSTILE_OBJECT: 12,
}
"""Of what takes its time, however long the schedule is."""

OVERWRITTEN = ("team-b/deep", "team-b/endpoint")
"""The identities whose policy others overwrite; they delete those of the others."""

MOST_DRIFTS = 2
"""Of one setting of an identity: from three corrections on, the operator leaves it to who keeps changing it back."""


@dataclass(frozen=True)
class Action:
    """One step. ``lasts``: so many further actions, after which it is ended. ``pause``: seconds until the next."""

    number: int
    kind: Kind
    target: str = ""
    details: Details = field(default_factory=dict)
    lasts: int = 0
    pause: float = 0.0

    def __str__(self) -> str:
        shown = " ".join(f"{name}={value}" for name, value in self.details.items() if name != "spec")
        spec = self.details.get("spec")
        members = "" if spec is None else f" {sorted(name for name, value in spec.items() if value is not None)}"
        lasts = f", for {self.lasts} actions" if self.lasts else ""
        return f"{self.number:4} {self.kind}: {self.target} {shown}{members}{lasts}".rstrip()


def schedule(seed: int, count: int) -> tuple[Action, ...]:
    """Return ``count`` actions. Every kind is among them if there are as many actions as kinds."""
    random = Random(seed)  # noqa: S311 - no secrets are drawn from it
    return tuple(_actions(_kinds(random, count), random))


def first_specs(seed: int) -> dict[str, dict[str, Any]]:
    """Return the specs that our identities begin with, by key."""
    random = Random(f"specs {seed}")  # noqa: S311
    return {role.key: random_spec(role, random) for role in ROLES}


def counts(actions: tuple[Action, ...]) -> Counter[Kind]:
    """Return how often each kind is in a schedule."""
    return Counter(action.kind for action in actions)


def _kinds(random: Random, count: int) -> list[Kind]:
    chosen = list(Kind)
    left = Counter({kind: MOST.get(kind, count) - 1 for kind in Kind})
    while len(chosen) < count:
        open_kinds = [kind for kind in Kind if left[kind] > 0]
        (kind,) = random.choices(open_kinds, [WEIGHTS.get(kind, USUAL_WEIGHT) for kind in open_kinds])
        left[kind] -= 1
        chosen.append(kind)
    random.shuffle(chosen)
    return chosen[:count]


def _actions(kinds: list[Kind], random: Random) -> Iterator[Action]:
    drifts: Counter[tuple[Any, ...]] = Counter()
    for number, kind in enumerate(kinds, 1):
        draw = Draw(random, drifts)
        target, details, lasts = DRAWS[kind](draw)
        yield Action(number, kind, target, details, lasts, round(random.uniform(0.0, 0.25), 3))


@dataclass(frozen=True)
class Draw:
    """Draws the details of an action."""

    random: Random
    drifts: Counter[tuple[Any, ...]]

    def role(self, *, domains: bool = False) -> Role:
        """One of our identities; of domains only, if so said."""
        return self.random.choice([role for role in ROLES if not (domains and role.is_address)])

    def replica(self) -> str:
        return self.random.choice(["one", "two"])

    def once_more(self, *what: Any) -> bool:
        """Return False if others have changed this as often as they may."""
        self.drifts[what] += 1
        return self.drifts[what] <= MOST_DRIFTS


Drawn = tuple[str, Details, int]


def _fault(draw: Draw, **details: Any) -> Drawn:
    service = draw.random.choice(["ses", "ses", "ses", "route53"])
    details |= {"service": service}
    if service == "ses" and draw.random.random() < 0.5:
        details["region"] = draw.random.choice(REGIONS)
    return service, details, draw.random.randint(2, 10)


def _throttle(draw: Draw) -> Drawn:
    return _fault(draw, kind="throttle", times=draw.random.randint(3, 30))


def _server_error(draw: Draw) -> Drawn:
    status, code = draw.random.choice([(500, "InternalFailure"), (503, "ServiceUnavailable"), (502, "BadGateway")])
    return _fault(draw, kind="error", status=status, code=code, probability=draw.random.choice([0.3, 1.0]))


def _latency(draw: Draw) -> Drawn:
    return _fault(draw, kind="latency", seconds=draw.random.choice([0.1, 0.5, 1.5]), times=draw.random.randint(3, 20))


def _lost_answer(draw: Draw) -> Drawn:
    return _fault(
        draw, kind="lost-response", lost=draw.random.choice(["close", "error"]), times=draw.random.randint(1, 8)
    )


def _region_down(draw: Draw) -> Drawn:
    region = draw.random.choice(REGIONS)
    return region, {"kind": "region-down", "service": "ses", "region": region}, draw.random.randint(3, 12)


def _dns_failure(draw: Draw) -> Drawn:
    suffix = draw.random.choice(
        [ZONE, ENDPOINT_ZONE, MANUAL_ZONE, *(role.domain for role in ROLES if not role.is_address)]
    )
    rcode = draw.random.choice(["SERVFAIL", "timeout", "SERVFAIL"])
    return suffix, {"kind": "dns", "rcode": rcode, "suffix": suffix}, draw.random.randint(2, 8)


def _blind(draw: Draw) -> Drawn:
    key = draw.random.choice(list(CLAIMS))
    details = {
        "kind": "error",
        "service": "ses",
        "operation": "GetEmailIdentity",
        "status": 503,
        "code": "ServiceUnavailable",
    }
    return key, {**details, "identity": CLAIMS[key]}, draw.random.randint(5, 15)


def _replica(draw: Draw) -> Drawn:
    return draw.replica(), {}, 0


def _freeze(draw: Draw) -> Drawn:
    return draw.replica(), {}, draw.random.randint(5, 25)


def _cut(draw: Draw) -> Drawn:
    return draw.replica(), {"how": draw.random.choice(["REFUSED", "SILENT"])}, draw.random.randint(3, 20)


def _nothing(_: Draw) -> Drawn:
    return "", {}, 0


def _change_spec(draw: Draw) -> Drawn:
    role = draw.role()
    return role.key, {"spec": random_spec(role, draw.random)}, 0


def _delete_object(draw: Draw) -> Drawn:
    role = draw.role()
    return role.key, {"spec": random_spec(role, draw.random)}, draw.random.randint(3, 20)


def _object(draw: Draw) -> Drawn:
    return draw.random.choice([*BY_KEY, *CLAIMS]), {}, 0


def _lose_annotations(draw: Draw) -> Drawn:
    """Of those only whose policies nobody overwrites: else nothing would be left that tells whose such a policy is."""
    return draw.random.choice([key for key in (*BY_KEY, *CLAIMS) if key not in OVERWRITTEN]), {}, 0


def _drift_setting(draw: Draw) -> Drawn:
    role, what = draw.role(), draw.random.choice(list(Drift))
    region = draw.random.choice(REGIONS)
    return role.key, {"what": what, "region": region, "void": not draw.once_more(role.key, what)}, 0


def _drift_record(draw: Draw) -> Drawn:
    role = draw.random.choice([role for role in ROLES if not role.is_address and role.provider is not Provider.MANUAL])
    return role.key, {"index": draw.random.random(), "void": not draw.once_more(role.key, "records")}, 0


def _lose_identity(draw: Draw) -> Drawn:
    role = draw.role()
    return role.key, {"region": draw.random.choice(REGIONS)}, 0


def _lose_set(draw: Draw) -> Drawn:
    name, region = draw.random.choice(SETS), draw.random.choice(REGIONS)
    return f"{name} in {region}", {"name": name, "region": region}, draw.random.randint(5, 25)


def _others_work(draw: Draw) -> Drawn:
    key = draw.random.choice(list(CLAIMS))
    return key, {"region": draw.random.choice(CLAIMED_REGIONS), "stamp": draw.random.randint(0, 10**6)}, 0


def _hostile_object(draw: Draw) -> Drawn:
    return draw.random.choice(list(Hostility)), {"suffix": draw.random.randint(0, 2)}, 0


def _forged_ledger(draw: Draw) -> Drawn:
    return f"victim{draw.random.randint(0, 1)}.{ZONE}", {}, 0


DRAWS: Mapping[Kind, Callable[[Draw], Drawn]] = {
    Kind.THROTTLE: _throttle,
    Kind.SERVER_ERROR: _server_error,
    Kind.LATENCY: _latency,
    Kind.LOST_ANSWER: _lost_answer,
    Kind.REGION_DOWN: _region_down,
    Kind.DNS_FAILURE: _dns_failure,
    Kind.BLIND: _blind,
    Kind.KILL: _replica,
    Kind.TERMINATE: _replica,
    Kind.FREEZE: _freeze,
    Kind.CUT: _cut,
    Kind.APISERVER_RESTART: _nothing,
    Kind.ETCD_RESTART: _nothing,
    Kind.CHANGE_SPEC: _change_spec,
    Kind.DELETE_OBJECT: _delete_object,
    Kind.RECONCILE: _object,
    Kind.LOSE_STATUS: _object,
    Kind.LOSE_ANNOTATIONS: _lose_annotations,
    Kind.DRIFT_SETTING: _drift_setting,
    Kind.DRIFT_RECORD: _drift_record,
    Kind.LOSE_IDENTITY: _lose_identity,
    Kind.LOSE_SET: _lose_set,
    Kind.OTHERS_WORK: _others_work,
    Kind.HOSTILE_OBJECT: _hostile_object,
    Kind.FORGED_LEDGER: _forged_ledger,
}

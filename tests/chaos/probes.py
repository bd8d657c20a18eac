"""What is tried on purpose after a schedule, because chance would need long for it: each has one thing go wrong, and looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from chaos.cast import BY_KEY, CLAIMS, REGIONS, TENANT_A, foreign_policy
from chaos.expected import OTHERS_POLICY
from chaos.schedule import Kind
from chaos.stage import Stage
from chaos.verdict import Invariant, Violation
from devcluster.waiting import eventually

PROBED = f"{TENANT_A}/easy"
ABSENT = "absent"


def probe(
    stage: Stage, patience: float, polled: Callable[[], None], skip: frozenset[Kind] = frozenset()
) -> Iterator[Violation]:
    """Yield what the probes violate. ``polled`` returns when the operator has looked around for a while."""
    if Kind.BLIND not in skip:
        _blind(stage, polled)
    yield from _policies_of_others(stage, polled)
    _region_comes_and_goes(stage, patience)
    yield from _refused_setting(stage, patience)


def request_reconcile(stage: Stage, stamp: str) -> None:
    """Request a reconcile of all objects of ours, claims included."""
    for key in (*stage.specs, *CLAIMS):
        stage.patch(key, {"metadata": {"annotations": {"ses-operator.io/reconcile-requested-at": stamp}}})


def _blind(stage: Stage, polled: Callable[[], None]) -> None:
    """Nothing can be read of what our objects claim: then nothing may be done about it. The logs tell, in the end."""
    fault = {
        "kind": "error",
        "service": "ses",
        "operation": "GetEmailIdentity",
        "status": 503,
        "code": "ServiceUnavailable",
    }
    for domain in CLAIMS.values():
        stage.sandbox.ask("faults", {**fault, "identity": domain})
    request_reconcile(stage, "blind")
    polled()
    stage.sandbox.ask("faults", method="DELETE")


def _policies_of_others(stage: Stage, polled: Callable[[], None]) -> Iterator[Violation]:
    """A policy that others have put on an identity of ours, under a name that no spec has, stays."""
    places = [(key, region) for key, spec in stage.specs.items() for region in spec["regions"]]
    for key, region in places:
        domain = BY_KEY[key].domain
        stage.ses(region).create_email_identity_policy(
            EmailIdentity=domain, PolicyName=OTHERS_POLICY, Policy=foreign_policy(domain, region)
        )
    request_reconcile(stage, "policies")
    polled()
    at_ses = stage.identities_at_ses()
    for key, region in places:
        domain = BY_KEY[key].domain
        if json.loads(at_ses[region, domain]["Policies"].get(OTHERS_POLICY, "null")) is None:
            yield Violation(Invariant.OTHERS, f"{domain} in {region}", "a policy of others was deleted")


def _region_comes_and_goes(stage: Stage, patience: float) -> None:
    """A region more, and when the identity is there, a region less: that nothing is left in it is seen in the end."""
    regions, domain = stage.specs[PROBED]["regions"], BY_KEY[PROBED].domain
    more = next(region for region in REGIONS if region not in regions)
    stage.patch(PROBED, {"spec": {"regions": [*regions, more]}})

    def is_there() -> bool:
        stage.keep_running()
        return (more, domain) in stage.identities_at_ses()

    eventually(is_there, timeout=patience, of=f"{domain} in {more}")
    stage.patch(PROBED, {"spec": {"regions": regions}})


def _refused_setting(stage: Stage, patience: float) -> Iterator[Violation]:
    """A configuration set that does not exist makes the identity not Ready, and holds up nothing else."""
    spec = stage.specs[PROBED]
    stage.patch(PROBED, {"spec": {"configurationSetName": ABSENT, "regionOverrides": None, "tags": {"stage": "probe"}}})
    domain = BY_KEY[PROBED].domain
    seen: dict[str, Any] = {}

    def is_said_and_the_rest_done() -> bool:
        stage.keep_running()
        found, at_ses = stage.get(PROBED), stage.identities_at_ses()
        status = (found or {}).get("status", {})
        ready = next((each["status"] for each in status.get("conditions", ()) if each["type"] == "Ready"), None)
        tags = [
            tag["Value"]
            for region in spec["regions"]
            for tag in at_ses[region, domain]["Tags"]
            if tag["Key"] == "stage"
        ]
        seen.update(ready=ready, tags=tags)
        is_current = found is not None and status.get("observedGeneration") == found["metadata"]["generation"]
        return bool(is_current and ready == "False" and set(tags) == {"probe"} and len(tags) == len(spec["regions"]))

    try:
        eventually(is_said_and_the_rest_done, timeout=patience, of="a missing configuration set to be said")
    except TimeoutError:
        words = (
            f"its configuration set does not exist, Ready is {seen.get('ready')} and the tags are {seen.get('tags')}"
        )
        yield Violation(Invariant.TRUE_STATUS, PROBED, words)
    overrides = spec.get("regionOverrides")
    tags = {"stage": None, **(spec.get("tags") or {})}
    back = {"configurationSetName": spec.get("configurationSetName"), "regionOverrides": overrides, "tags": tags}
    stage.patch(PROBED, {"spec": back})

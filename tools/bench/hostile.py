"""`python -m bench.hostile`: measures what objects that are written to do harm cost the operator's memory.

It exits with 1 if they cost more than the targets. Each case has an operator of its own, which is started twice: the second
start lists what is there. A baseline without them has the same objects beside them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bench.figures import Figure
from bench.run import usage
from bench.table import show, write
from devcluster.environment import Environment, running
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.sandbox_process import SandboxOptions
from devcluster.waiting import eventually
from ses_operator.api.base.meta import API_VERSION, IDENTITY_KIND, INVENTORY
from ses_operator.api.identity.kind import SesIdentity

COLLECTION = f"/apis/{API_VERSION}/namespaces/{{namespace}}/sesidentities"
OBJECTS = 40
REGIONS_EACH = 32
ANNOTATED = 12_000
PATIENCE = 180.0
MOST = 20.0
"""Megabytes more than without."""


@dataclass(frozen=True, slots=True)
class Case:
    """Objects that do harm: their names in the table, and how they are written and removed."""

    name: str
    write: Callable[[Environment], None]


def main_cases() -> tuple[Case, ...]:
    """Return the cases, the baseline first."""
    return (
        Case("without hostile objects", lambda _: None),
        Case(f"{ANNOTATED:,} made-up regions in an annotation", _annotated),
        Case(f"{OBJECTS * REGIONS_EACH:,} made-up regions in {OBJECTS} specs", _specified),
        Case("a policy nested 2,000 deep", _nested),
    )


@click.command(context_settings={"show_default": True})
@click.option(
    "--json", "path", type=click.Path(path_type=Path), default="build/bench-hostile.json", help="Where the figures go."
)
def main(path: Path) -> None:
    """Measure the memory that hostile objects cost the operator, while they are there and after a restart."""
    found: list[Figure] = []
    baseline = 0.0
    for number, case in enumerate(main_cases()):
        print(f"{case.name} …", file=sys.stderr, flush=True)
        running_peak, restarted_peak = _measure(case)
        peak = max(running_peak, restarted_peak)
        if number == 0:
            baseline = peak
            found.append(Figure(case.name, f"{peak:.0f} MB", "", None, peak))
            continue
        more = peak - baseline
        found.append(Figure(case.name, f"{more:+.1f} MB", f"<= {MOST:+.0f} MB", more <= MOST, more))
    show("Peak memory of the operator, running and after a restart", found)
    write(path, {}, found)
    sys.exit(any(figure.met is False for figure in found))


def _measure(case: Case) -> tuple[float, float]:
    """Return the peak memory in MB of an operator that sees the objects come, and of one that starts with them."""
    with running(SandboxOptions(rate=0)) as environment:
        _healthy(environment, "before")
        operator = environment.operator(OperatorOptions(installation_id="bench"), name="operator")
        with operator:
            eventually(lambda: _is_ready(environment, "before"), timeout=PATIENCE, of="the identity before")
            case.write(environment)
            first = _with_another(environment, operator, "beside")
        with operator:
            return first, _with_another(environment, operator, "after")


def _with_another(environment: Environment, operator: OperatorProcess, name: str) -> float:
    """Return the peak memory once an identity that is made now is ready: what came before it was looked at."""
    _healthy(environment, name)
    eventually(lambda: _is_ready(environment, name), timeout=PATIENCE, of=f"the identity {name}")
    return usage(operator.pid).peak_memory / 1e6


def _healthy(environment: Environment, name: str) -> None:
    _create(environment, name, {"domain": f"{name}.example.com", "regions": ["eu-west-1", "us-east-1"]})


def _create(environment: Environment, name: str, spec: dict[str, Any], **metadata: Any) -> None:
    body = {
        "apiVersion": API_VERSION,
        "kind": IDENTITY_KIND,
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": spec,
    }
    environment.plane.api.create(COLLECTION.format(namespace="default"), body)


def _is_ready(environment: Environment, name: str) -> bool:
    found = environment.plane.api.get(f"{COLLECTION.format(namespace='default')}/{name}")
    conditions = SesIdentity.model_validate(found).status.conditions if found else ()
    return any(condition.type == "Ready" and condition.is_true for condition in conditions)


def _made_up(count: int) -> Iterator[str]:
    """Yield names that the CRD takes for regions."""
    for number in range(count):
        letters = "".join(chr(97 + number // 26**place % 26) for place in range(4))
        yield f"eu-{letters}-{number % 90 + 10}"


def _annotated(environment: Environment) -> None:
    inventory = json.dumps({"regions": list(_made_up(ANNOTATED))})
    path = f"{COLLECTION.format(namespace='default')}/before"
    environment.plane.api.patch(path, {"metadata": {"annotations": {INVENTORY: inventory}}})


def _specified(environment: Environment) -> None:
    names = list(_made_up(OBJECTS * REGIONS_EACH))
    for number in range(OBJECTS):
        regions = names[number * REGIONS_EACH : (number + 1) * REGIONS_EACH]
        _create(environment, f"hostile-{number}", {"domain": f"h{number}.example.com", "regions": regions})


def _nested(environment: Environment) -> None:
    document = '{"a":' * 2000 + "1" + "}" * 2000
    spec = f'{{"domain":"deep.example.com","regions":["eu-west-1"],"policies":[{{"name":"p","document":{document}}}]}}'
    body = f'{{"apiVersion":"{API_VERSION}","kind":"{IDENTITY_KIND}","metadata":{{"name":"deep"}},"spec":{spec}}}'
    environment.kubectl("create", "--raw", COLLECTION.format(namespace="default"), "-f", "-", stdin=body)


if __name__ == "__main__":
    main()

"""The main job on embedded defaults: an identity in three regions, from `kubectl apply` to verified."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from devcluster.environment import Environment, running
from devcluster.journey import RECORD_COLUMNS, REGION_COLUMNS, Journey
from devcluster.kubectl import KubectlError
from devcluster.operator_process import OperatorOptions, OperatorProcess
from devcluster.process import ProcessError
from devcluster.sandbox_process import SandboxOptions

ZONE = "example.com"
NAME = "mail"
IDENTITY = f"""
apiVersion: ses-operator.io/v1alpha1
kind: SesIdentity
metadata:
  name: {NAME}
  namespace: default
spec:
  domain: mail.{ZONE}
  regions: [eu-west-1, us-east-1, ap-southeast-2]
  mailFrom: {{subdomain: bounce}}
  tags: {{team: payments}}
"""

# SES looks at records after some minutes; here 15 of its seconds pass in one of ours, and it looks every minute. So
# verification takes some seconds and can be watched. The rate is what SES allows: 1 request a second.
SANDBOX = SandboxOptions(speed=15, rate=1, check_interval=60, zones=(ZONE,))
OPERATOR = OperatorOptions(installation_id="demo", flags={"pending-poll": 1})

_REFRESH = 0.3


class Screen(Protocol):
    """The place where the journey is shown."""

    def show(self, journey: Journey) -> None:
        """Show its present state."""
        ...


class Lines:
    """A line for each thing that changed, for logs."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._told: set[str] = set()

    def show(self, journey: Journey) -> None:
        """Write a line for each new fact."""
        for fact in journey.facts():
            if fact not in self._told:
                self._told.add(fact)
                self._write(fact)


class Tables:
    """Tables that are redrawn in place, for terminals."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._started = time.monotonic()

    def show(self, journey: Journey) -> None:
        """Redraw the tables."""
        elapsed = f"{time.monotonic() - self._started:.0f} s since kubectl apply"
        regions = _table(f"SesIdentity {NAME}, {elapsed}", REGION_COLUMNS, journey.regions())
        records = _table(f"Records in the zone {ZONE}, as its name server answers", RECORD_COLUMNS, journey.records())
        self._live.update(Group(regions, Text(journey.message), records))


@contextmanager
def screen(console: Console) -> Iterator[Screen]:
    """Yield tables on a terminal, lines elsewhere."""
    if not console.is_terminal:
        yield Lines(lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True))
        return
    with Live(console=console, refresh_per_second=8) as live:
        yield Tables(live)


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    table = Table(*columns, title=title, title_justify="left", title_style="bold")
    for row in rows:
        table.add_row(*(_coloured(cell) for cell in row))
    return table


def _coloured(cell: str) -> str:
    match cell:
        case "SUCCESS" | "served":
            return f"[green]{cell}[/green]"
        case "PENDING" | "not yet":
            return f"[yellow]{cell}[/yellow]"
        case "FAILED" | "TEMPORARY_FAILURE":
            return f"[red]{cell}[/red]"
    return cell


def run(console: Console, timeout: float) -> None:
    """Run the demo. Raises TimeoutError with the operator's last message if it is not done after `timeout` seconds."""
    console.print("Starting a control plane, a sandbox of AWS, and the operator …")
    with running(SANDBOX) as environment, environment.operator(OPERATOR) as operator:
        console.print("$ kubectl apply -f - <<EOF" + IDENTITY + "EOF", highlight=False, markup=False)
        environment.kubectl.apply(IDENTITY)
        with screen(console) as shown:
            _watch(environment, operator, shown, timeout)
        console.print("$ kubectl get sesid -o wide")
        console.print(environment.kubectl("get", "sesid", "-o", "wide"), highlight=False, soft_wrap=True)


def _watch(environment: Environment, operator: OperatorProcess, shown: Screen, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        journey = Journey.now(environment, NAME)
        shown.show(journey)
        if journey.is_done:
            return
        if time.monotonic() > deadline or not operator.process.running:
            raise TimeoutError(
                f"the identity is not ready after {timeout:.0f} s: {journey.message}\nThe operator's log ends:\n"
                f"{operator.process.tail(20)}"
            )
        time.sleep(_REFRESH)


@click.command()
@click.option("--timeout", default=120.0, show_default=True, help="Seconds that the identity may take.")
def demo(timeout: float) -> None:
    """Show an identity going from kubectl apply to verified in three regions; all of it on this machine."""
    try:
        run(Console(), timeout)
    except (TimeoutError, ProcessError, KubectlError) as error:
        click.echo(f"The demo failed: {error}", err=True)
        sys.exit(1)

"""The command line of the bench: options, progress on standard error, the table, the JSON."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from bench.figures import figures
from bench.run import NotReadyError, Plan, measure
from bench.table import show, write

LARGE = 2_000
USUAL = 200


@click.command(context_settings={"show_default": True})
@click.option("--large", is_flag=True, help=f"{LARGE:,} identities instead of {USUAL}.")
@click.option("--identities", type=click.IntRange(1), help="So many identities instead, each in four regions.")
@click.option("--rate", default=20.0, help="SES requests per second, action and region that the sandbox allows.")
@click.option("--speed", default=60.0, help="How much faster the sandbox's clock runs than ours.")
@click.option("--quiet-minutes", default=5.0, help="How long to watch that nothing happens.")
@click.option("--patience", default=900.0, help="Seconds after which an identity that is not Ready is a failure.")
@click.option(
    "--json", "path", type=click.Path(path_type=Path), default="build/bench.json", help="Where the figures go."
)
def main(
    large: bool, identities: int | None, rate: float, speed: float, quiet_minutes: float, patience: float, path: Path
) -> None:
    """Measure what the operator costs, on a real control plane and against the sandbox.

    It takes many identities in four regions from nothing to Ready, each with a MAIL FROM domain.

    Prints a table of figures and targets, and writes the same as JSON. Times depend on the machine; counts and shares
    do not. It exits with 1 if a target is missed.
    """
    plan = Plan(identities or (LARGE if large else USUAL), rate, speed, quiet_minutes, patience)
    try:
        found = figures(measure(plan, say=lambda line: click.echo(line, err=True)))
    except NotReadyError as error:
        raise click.ClickException(str(error)) from error
    size = plan.size
    show(
        f"{size.identities:,} identities × {size.regions} regions, {size.rate:g} requests/s per action and region",
        found,
    )
    write(path, asdict(size), found)
    sys.exit(any(figure.met is False for figure in found))

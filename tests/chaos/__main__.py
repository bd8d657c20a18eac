"""``python -m chaos``: runs schedules of faults, and says what they violated."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from chaos.run import Plan, run
from chaos.schedule import Kind, counts, schedule
from chaos.stage import PATIENCE


@click.command()
@click.option(
    "--seed", "seeds", multiple=True, type=int, default=(1,), show_default=True, help="Of a schedule. Repeatable."
)
@click.option("--actions", default=300, show_default=True, help="Actions of each schedule.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder for logs, which then stay.")
@click.option(
    "--skip", multiple=True, type=click.Choice(list(Kind.__members__)), help="A kind to leave out. Repeatable."
)
@click.option("--patience", default=PATIENCE, show_default=True, help="Seconds to wait for what must come.")
@click.option("--first", is_flag=True, help="End with the first violations.")
@click.option("--dry-run", is_flag=True, help="Print the schedules only.")
@click.option("--quietly", is_flag=True, help="Print the outcomes only.")
def main(
    seeds: tuple[int, ...],
    actions: int,
    keep: Path | None,
    skip: tuple[str, ...],
    patience: float,
    first: bool,
    dry_run: bool,
    quietly: bool,
) -> None:
    """Run a schedule for each seed, and end with status 1 if one violates an invariant."""
    if dry_run:
        for seed in seeds:
            chosen = schedule(seed, actions)
            click.echo("\n".join([f"seed {seed}: {dict(counts(chosen))}", *map(str, chosen)]))
        return
    say = (lambda _: None) if quietly else click.echo
    outcomes = []
    for seed in seeds:
        plan = Plan(seed, actions, frozenset(Kind[name] for name in skip), patience, first)
        outcomes.append(run(plan, say, keep=keep and keep / str(seed)))
    for outcome in outcomes:
        click.echo(outcome.report())
    sys.exit(any(outcome.violations for outcome in outcomes))


if __name__ == "__main__":
    main()

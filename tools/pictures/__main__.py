"""`python -m pictures`: draws the pictures of the documentation, from a run of a quarter of an hour. By `make pictures`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from devcluster.environment import running
from devcluster.operator_process import OperatorOptions
from docs.dashboard import FILE
from docs.writing import ROOT
from pictures import dashboard, scenario, terminal
from pictures.prometheus import SCRAPE_SECONDS, scraping

FOLDER = ROOT / "docs" / "images"


@click.command()
@click.option("--minutes", default=12.0, show_default=True, help="How long metrics are taken for the dashboard.")
@click.option("--folder", default=FOLDER, show_default=True, type=click.Path(path_type=Path), help="Where they go.")
def main(minutes: float, folder: Path) -> None:
    """Draw the pictures of the documentation."""
    folder.mkdir(parents=True, exist_ok=True)
    click.echo("the terminal …", err=True)
    terminal.draw(folder / "terminal.svg")
    click.echo(f"the dashboard: {minutes:g} minutes …", err=True)
    _dashboard(minutes, folder / "dashboard.png")


def _dashboard(minutes: float, path: Path) -> None:
    options = OperatorOptions(installation_id="demo", flags=scenario.FLAGS)
    with (
        tempfile.TemporaryDirectory(prefix="ses-operator-") as folder,
        running(scenario.SANDBOX) as environment,
        environment.operator(options) as operator,
        scraping(operator.metrics_address, Path(folder)) as prometheus,
    ):
        start = time.time()
        scenario.play(environment, minutes)
        time.sleep(2 * SCRAPE_SECONDS)
        dashboard.draw(dashboard.load(FILE), prometheus, dashboard.Window(start, time.time()), path)


if __name__ == "__main__":
    main()

"""Runs the command line: `python -m devcluster --help`."""

from devcluster.cli import main

main(prog_name="python -m devcluster")

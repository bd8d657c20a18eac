"""``ses-operator crds``: the CustomResourceDefinitions of this version."""

from __future__ import annotations

from pathlib import Path

import click

from ses_operator.api.schema.crd import render_all

STANDARD_OUTPUT = "-"


@click.command(short_help="Print the CustomResourceDefinitions, or write them to files.")
@click.option(
    "-o",
    "--output",
    metavar="DIR|-",
    default=STANDARD_OUTPUT,
    show_default=True,
    help="Folder to write one file per kind into (made if missing), or - for standard output.",
)
def crds(output: str) -> None:
    """Print the CustomResourceDefinitions, or write them into a folder.

    They are made from the models that this version uses, so that kinds and operator always fit together.

    \b
    Install or upgrade the kinds:
      ses-operator crds | kubectl apply --server-side -f -
    Write them into a folder, one file per kind:
      ses-operator crds --output crds
    """
    manifests = render_all()
    if output == STANDARD_OUTPUT:
        click.echo("---\n".join(manifests.values()), nl=False)
        return
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in manifests.items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(folder / name)

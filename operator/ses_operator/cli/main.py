"""The command ``ses-operator``. Subcommands are imported when they are used, so that --help stays quick."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

from ses_operator.api.base.meta import API_VERSION

SUBCOMMANDS: Final[Mapping[str, str]] = {
    "admission": "ses_operator.cli.admission:admission",
    "crds": "ses_operator.cli.crds:crds",
    "handover": "ses_operator.cli.handover:handover",
    "iam-policy": "ses_operator.cli.iam_policy:iam_policy",
    "migrate-storage": "ses_operator.cli.migrate_storage:migrate_storage",
    "run": "ses_operator.cli.run:run",
}
"""The place of each subcommand, as ``module:attribute``."""


class LazyGroup(click.Group):
    """A group whose subcommands are found in SUBCOMMANDS and imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names, without importing anything."""
        return sorted(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the subcommand; None if there is none of this name."""
        location = SUBCOMMANDS.get(cmd_name)
        if location is None:
            return None
        module, _, attribute = location.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ses-operator", message=f"%(prog)s %(version)s (API {API_VERSION})")
def main() -> None:
    """Take Amazon SES identities from one YAML file to verified in every region, and keep them so.

    The operator watches SesIdentity objects: for each it creates the identity in every region named, publishes the DNS
    records that SES asks for, and reports in status what is done, what is pending and why.

    \b
    To begin with:
      ses-operator crds | kubectl apply --server-side -f -     install the kinds
      kubectl explain sesidentity.spec                         read what can be written
      kubectl get ses --all-namespaces                         see all identities and accounts
    """

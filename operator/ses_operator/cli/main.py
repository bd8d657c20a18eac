"""The command ``ses-operator``. Subcommands are imported when they are used, so that --help stays quick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

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


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Leave out the usage that click prints before a usage error; the exit code is 2 all the same."""
    try:
        yield
    except click.UsageError as error:
        error.ctx = None
        raise


class LazyGroup(click.Group):
    """A group whose subcommands are found in SUBCOMMANDS and imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names, without importing anything."""
        return sorted(SUBCOMMANDS)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the group's own options; what is wrong with them is said in one line."""
        with _in_one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand; what is wrong with how it was called is said in one line."""
        with _in_one_line():
            return super().invoke(ctx)

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

"""``ses-operator migrate-storage``: rewrites all objects of the operator's kinds in the stored version of the API.

Run by a person, or a Job, after an upgrade that stores another version, with permissions that the operator does not
have.
"""

from __future__ import annotations

import asyncio
import sys

import click
import yaml
from kubernetes.aio.config.config_exception import ConfigException

from ses_operator.api.schema.crd import definition_name
from ses_operator.api.schema.kinds import KINDS
from ses_operator.cli.storage import objects_of, rewrite, settle, stored_versions
from ses_operator.core.kinds.stored_versions import StoredVersions, migration_role
from ses_operator.core.model.problems import OperatorError, Stale
from ses_operator.runtime.kube.client import KubeClient, load_configuration

TOLD_EVERY = 500


@click.command("migrate-storage", short_help="Rewrite all objects in the version of the API that is stored now.")
@click.option("--dry-run", is_flag=True, help="Print which objects are stored in which version, and write nothing.")
@click.option("--rbac", is_flag=True, help="Print the ClusterRole that this command needs, and do nothing.")
@click.option("--kubeconfig", default="", help="Path of a kubeconfig. Empty: $KUBECONFIG, else as kubectl does.")
def migrate_storage(dry_run: bool, rbac: bool, kubeconfig: str) -> None:
    """Rewrite all SesIdentities, SesAccounts and SesVerificationTemplates in the version of the API that is stored now.

    Needed once after an upgrade that stores another version, before one that no longer has the old version: the apiserver
    refuses that upgrade until this is done. Nothing in the objects changes, and the operator may run meanwhile. It can be
    stopped and run again at any moment; if there is nothing to do, it writes nothing.

    \b
    See what is stored in which version, then rewrite:
      ses-operator migrate-storage --dry-run
      ses-operator migrate-storage
    Its user needs these permissions:
      ses-operator migrate-storage --rbac
    """
    if rbac:
        click.echo(yaml.safe_dump(migration_role(), sort_keys=False), nl=False)
        return
    try:
        done = asyncio.run(_run(kubeconfig, dry_run))
    except (OperatorError, ConfigException) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if done else 1)


async def _run(kubeconfig: str, dry_run: bool) -> bool:
    """Migrate all kinds; return True if everything is in the stored version, or in a dry run."""
    async with KubeClient(await load_configuration(kubeconfig)) as client:
        done = [await _migrate(client, definition_name(kind), dry_run) for kind in KINDS]
    return dry_run or all(done)


async def _migrate(client: KubeClient, definition: str, dry_run: bool) -> bool:
    """Migrate one kind; return True if every object of it is in the stored version."""
    known = await stored_versions(client, definition)
    if known.is_up_to_date:
        click.echo(f"{definition}: everything is stored as {known.current}")
        return True
    if known.way is None:
        click.echo(f"{definition}: none of its versions is served", err=True)
        return False
    keys = await objects_of(client, known)
    click.echo(f"{definition}: {len(keys)} objects, stored as {' or '.join(known.stored)}; written as {known.current}")
    if dry_run:
        return False
    failures = await rewrite(client, known, keys, lambda done, of: _tell(known, done, of))
    for failure in failures:
        click.echo(f"{definition}: not rewritten: {failure}", err=True)
    return not failures and await _settle(client, known)


async def _settle(client: KubeClient, known: StoredVersions) -> bool:
    try:
        await settle(client, known)
    except Stale:
        click.echo(f"{known.definition}: it was changed meanwhile; run this again", err=True)
        return False
    click.echo(f"{known.definition}: everything is stored as {known.current}")
    return True


def _tell(known: StoredVersions, done: int, of: int) -> None:
    if done % TOLD_EVERY == 0 and done < of:
        click.echo(f"{known.definition}: {done} of {of} rewritten")

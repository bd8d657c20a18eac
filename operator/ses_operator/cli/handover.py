"""``ses-operator handover``: gives what objects of this cluster own to another installation.

The command writes one annotation on each object, with the permissions of the user. The operator of this installation
does the rest, because it has the permissions at AWS; the command waits for it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import click
from kubernetes.aio.config.config_exception import ConfigException

from ses_operator.api.base.conditions import ConditionType, find
from ses_operator.api.base.meta import HAND_OVER_TO
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.controllers.shared.identity_objects import key_of
from ses_operator.controllers.shared.resources import IDENTITIES
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Gone, OperatorError
from ses_operator.core.planning.handover import invalid_new_owner, is_handed_over, possessions
from ses_operator.runtime.kube.client import KubeClient, load_configuration

POLL_SECONDS = 1.0

NOBODY_ACTS = (
    "No operator has acted on the annotation. Is the operator of the installation that owns it running here? If --to is its own "
    "id, there is nothing to hand over. If it is gone for good, start the other one with --inherit-from"
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The objects to hand over: by name in one namespace, all of one, or (``namespace`` empty) all there are."""

    namespace: str
    names: tuple[str, ...] = ()

    async def find(self, client: KubeClient) -> list[SesIdentity]:
        """Return the objects as they are. Raises Gone if one of the names does not exist."""
        if self.names:
            keys = [ObjectKey(self.namespace, name) for name in self.names]
            found = [await client.get(IDENTITIES.object(key)) for key in keys]
        else:
            found = (await client.get(IDENTITIES.collection(self.namespace)))["items"]
        return [SesIdentity.model_validate(each) for each in found]


@click.command(short_help="Give what objects own to another installation.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--to", "new_owner", required=True, metavar="INSTALLATION-ID", help="The installation that becomes the owner."
)
@click.option("-n", "--namespace", default="default", show_default=True, help="Namespace of the objects.")
@click.option("--all", "everything", is_flag=True, help="All objects of the namespace.")
@click.option("-A", "--all-namespaces", is_flag=True, help="All objects of the cluster.")
@click.option("--dry-run", is_flag=True, help="Print what would be handed over, and write nothing.")
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait for the operator.")
@click.option("--kubeconfig", default="", help="Path of a kubeconfig. Empty: $KUBECONFIG, else as kubectl does.")
def handover(
    names: tuple[str, ...],
    new_owner: str,
    namespace: str,
    everything: bool,
    all_namespaces: bool,
    dry_run: bool,
    timeout: float,
    kubeconfig: str,
) -> None:
    """Hand what SesIdentities of this cluster own over to another installation.

    The tag of each SES identity and the ledger of its DNS records then name the object of the same namespace and name in
    the other installation. Nothing else changes: mail goes out as before. The objects here own nothing any more, and can be
    deleted. SesVerificationTemplates are not handed over: each installation has its own at SES.

    \b
    See first what would be handed over, then do it:
      ses-operator handover --to prod-new -n team-a mail --dry-run
      ses-operator handover --to prod-new -n team-a mail
    All of a cluster:
      ses-operator handover --to prod-new --all-namespaces
    """
    if invalid_new_owner(new_owner) is not None:
        raise click.UsageError(
            f"--to is {new_owner!r}, which is not an installation id: use the installationID of the other installation"
        )
    if bool(names) + everything + all_namespaces != 1:
        raise click.UsageError("Name the objects, or use one of --all and --all-namespaces")
    selection = Selection("" if all_namespaces else namespace, names)
    try:
        done = asyncio.run(_run(selection, new_owner, None if dry_run else timeout, kubeconfig))
    except (OperatorError, ConfigException) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if done else 1)


async def _run(selection: Selection, new_owner: str, timeout: float | None, kubeconfig: str) -> bool:
    """Hand the objects over; return True if all of them were. ``timeout`` None: only print what would be."""
    async with KubeClient(await load_configuration(kubeconfig)) as client:
        identities = await selection.find(client)
        for identity in identities:
            click.echo(f"{_name(identity)}: {possessions(identity)}")
        if timeout is None:
            click.echo(f"dry run: nothing was written; {len(identities)} would be handed over to {new_owner}")
            return True
        for identity in identities:
            await _ask(client, identity, new_owner)
        left = await _wait(client, [key_of(identity) for identity in identities], new_owner, timeout)
    for identity in left:
        click.echo(f"{_name(identity)}: not handed over: {_reason(identity, new_owner)}", err=True)
    click.echo(f"{len(identities) - len(left)} of {len(identities)} handed over to {new_owner}")
    return not left


async def _ask(client: KubeClient, identity: SesIdentity, new_owner: str) -> None:
    if identity.metadata.annotations.get(HAND_OVER_TO) != new_owner:
        metadata = {"uid": identity.metadata.uid, "annotations": {HAND_OVER_TO: new_owner}}
        await client.merge_patch(IDENTITIES.object(key_of(identity)), {"metadata": metadata})


async def _wait(client: KubeClient, keys: Sequence[ObjectKey], new_owner: str, timeout: float) -> list[SesIdentity]:
    """Return the objects that are not handed over when the time is up."""
    deadline = time.monotonic() + timeout
    left = list(keys)
    while True:
        open_: list[SesIdentity] = []
        for key in left:
            identity = await _get(client, key)
            if identity is None or is_handed_over(identity, new_owner):
                click.echo(f"{key}: {'gone' if identity is None else 'handed over'}")
            else:
                open_.append(identity)
        if not open_ or time.monotonic() >= deadline:
            return open_
        left = [key_of(identity) for identity in open_]
        await asyncio.sleep(POLL_SECONDS)


async def _get(client: KubeClient, key: ObjectKey) -> SesIdentity | None:
    try:
        return SesIdentity.model_validate(await client.get(IDENTITIES.object(key)))
    except Gone:
        return None


def _reason(identity: SesIdentity, new_owner: str) -> str:
    ready, known = find(identity.status.conditions, ConditionType.READY), identity.status.handover
    return ready.message if ready and known and known.to == new_owner else NOBODY_ACTS


def _name(identity: SesIdentity) -> str:
    return str(key_of(identity))

"""``ses-operator iam-policy``: prints the smallest sufficient IAM policy, for the operator or for teams that send."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Any, TextIO

import click
import yaml
from pydantic import ValidationError

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.base.meta import ACCOUNT_KIND, API_VERSION, IDENTITY_KIND, TEMPLATE_KIND
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.template import SesVerificationTemplate
from ses_operator.aws.catalog import aws_regions
from ses_operator.core.iam.permissions import USUAL
from ses_operator.core.iam.policy import (
    Document,
    PolicyScope,
    Sending,
    entry_policy,
    operator_policy,
    sender_policy,
    zone_policy,
)
from ses_operator.core.iam.scope import scope_of
from ses_operator.core.model.iam_actions import Feature


class PolicyHolder(StrEnum):
    """The holder of the policy."""

    OPERATOR = "operator"
    SENDER = "sender"
    ZONE_ROLE = "zone-role"
    POD = "pod"


LONGEST = 6144
"""Characters of a managed policy, white space apart (IAM User Guide, "IAM and AWS STS quotas")."""

POLICIES: dict[PolicyHolder, Callable[[PolicyScope], Document]] = {
    PolicyHolder.OPERATOR: operator_policy,
    PolicyHolder.SENDER: sender_policy,
    PolicyHolder.ZONE_ROLE: zone_policy,
    PolicyHolder.POD: entry_policy,
}


@click.command(
    "iam-policy", short_help="Print the smallest sufficient IAM policy.", context_settings={"max_content_width": 100}
)
@click.option(
    "--for",
    "holder",
    type=click.Choice([holder.value for holder in PolicyHolder]),
    default=PolicyHolder.OPERATOR.value,
    show_default=True,
    help="operator: the credentials of a SesAccount. sender: a team that sends from these domains, and from no others. "
    "zone-role: the role of a zone in another AWS account. pod: credentials that only assume the role of a SesAccount.",
)
@click.option("--sender", "holder", flag_value=PolicyHolder.SENDER.value, help="The same as --for sender.")
@click.option(
    "-f",
    "--filename",
    "files",
    type=click.File(),
    multiple=True,
    help="SesAccounts, SesIdentities and templates to read regions, domains, zones, roles and features from; - for standard "
    "input, as in: kubectl get ses -A -o yaml | ses-operator iam-policy -f -",
)
@click.option("--account", help="Name of the SesAccount, if the files have several.")
@click.option("--account-id", help="Id of the AWS account. Default: that of the SesAccount's status, else any.")
@click.option(
    "--partition",
    help="The partition, as ARNs begin with it: aws, aws-us-gov, aws-eusc, … Default: that of the regions, else aws.",
)
@click.option("--region", "regions", multiple=True, help="An AWS region. Default: those of the files, else all.")
@click.option(
    "--domain",
    "--email",
    "identities",
    multiple=True,
    help="A domain, or an address. Default: those of the files, else all.",
)
@click.option("--zone", "zones", multiple=True, help="Id of a hosted zone. Default: those of the files, else all.")
@click.option("--role", "roles", multiple=True, help="ARN of a zone's role. Default: those of the files, else none.")
@click.option(
    "--notify-from",
    metavar="ADDRESS",
    help="The address that emails about identities come from: spec.notifications.from of a SesAccount. Default: that of the "
    "files, else none are sent.",
)
@click.option(
    "--feature",
    "features",
    type=click.Choice([feature.value for feature in Feature]),
    multiple=True,
    help="A feature that is used. Default: those of the files, else all but notifications.",
)
@click.option(
    "--with",
    "more",
    type=click.Choice([feature.value for feature in Feature]),
    multiple=True,
    help="A feature in addition to those of the files: mail-figures, which a setting of the operator switches on.",
)
def iam_policy(holder: str, files: Iterable[TextIO], account: str | None, **given: Any) -> None:
    """Print an IAM policy as JSON, with nothing in it that is not needed.

    \b
    ses-operator iam-policy                                     every feature, everywhere
    ses-operator iam-policy -f identities.yaml -f account.yaml  what these manifests need
    ses-operator iam-policy --sender --domain mail.example.com  what a team needs that sends
    """
    scope = _given(_read(files, account), given)
    try:
        policy = POLICIES[PolicyHolder(holder)](scope)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(policy, indent=2))
    length = len(json.dumps(policy, separators=(",", ":")))
    if length > LONGEST:
        click.echo(
            f"This policy has {length} characters, and IAM takes {LONGEST} in a managed one. Name domains that several "
            "identities are below, as in --domain '*.example.com'.",
            err=True,
        )


def _given(scope: PolicyScope, given: dict[str, Any]) -> PolicyScope:
    """Return the scope with what options give in place of what was read."""
    named = {name: value for name, value in given.items() if value}
    more = frozenset(map(Feature, named.pop("more", ())))
    if "features" in named:
        named["features"] = frozenset(map(Feature, named["features"])) | {Feature.IDENTITIES}
    if (address := named.pop("notify_from", None)) is not None:
        known = scope.sending or Sending(address)
        named["sending"] = replace(known, address=address)
        more |= {Feature.NOTIFICATIONS}
    scope = replace(scope, **named)
    return replace(
        scope, features=scope.features | more, partition=named.get("partition") or _partition_of(scope.regions)
    )


def _partition_of(regions: tuple[str, ...]) -> str:
    """Return the partition that all of these regions are in. Raises UsageError if they are in several."""
    known = aws_regions()
    found = sorted({known.partition_of(region).id for region in regions}) or [known.partitions[0].id]
    if len(found) > 1:
        raise click.UsageError(
            f"--partition is required: the regions are in {' and '.join(found)}, and an AWS account is in one partition"
        )
    return found[0]


def _read(files: Iterable[TextIO], account_name: str | None) -> PolicyScope:
    objects = [found for file in files for found in _objects(file)]
    if not objects:
        return PolicyScope(features=USUAL)
    accounts = {found.metadata.name: found for found in objects if isinstance(found, SesAccount)}
    identities = [found for found in objects if isinstance(found, SesIdentity)]
    if account_name is None and len(accounts) > 1:
        raise click.UsageError(
            f"--account is required, because the files have several SesAccounts: {', '.join(sorted(accounts))}"
        )
    if account_name is not None and account_name not in accounts:
        raise click.UsageError(f"--account is {account_name}, but the files have no such SesAccount")
    account = accounts[account_name] if account_name else next(iter(accounts.values()), None)
    templates = [found for found in objects if isinstance(found, SesVerificationTemplate)]
    return scope_of(account, identities, templates)


def _objects(file: TextIO) -> Iterator[SesAccount | SesIdentity | SesVerificationTemplate]:
    try:
        for document in yaml.safe_load_all(file):
            yield from _parsed(document)
    except yaml.YAMLError as error:
        raise click.UsageError(f"{file.name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise click.UsageError(f"{file.name}: a {error.title} cannot be read: {where}: {first['msg']}") from error


def _parsed(document: Any) -> Iterator[SesAccount | SesIdentity | SesVerificationTemplate]:
    """Yield the operator's objects in a document, which may be a List; others are left out."""
    if not isinstance(document, dict):
        return
    if document.get("kind", "").endswith("List"):
        for item in document.get("items") or ():
            yield from _parsed(item)
    if document.get("apiVersion") != API_VERSION:
        return
    if document.get("kind") == ACCOUNT_KIND:
        yield SesAccount.model_validate(document)
    elif document.get("kind") == IDENTITY_KIND:
        yield SesIdentity.model_validate(document)
    elif document.get("kind") == TEMPLATE_KIND:
        yield SesVerificationTemplate.model_validate(document)

"""Checks that the cluster serves the kinds as this version of the operator needs them. Pure.

The apiserver silently drops fields that its schemas do not have. With kinds that are older than the operator, status
would lose what has to be remembered: how many emails were sent, which key SES was given. So the operator does not
start then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ses_operator.api.schema.crd import root_schema
from ses_operator.api.schema.kinds import KINDS, Kind
from ses_operator.api.schema.structural import Schema
from ses_operator.api.schema.versions import SPOKEN

NAMED = 3
"""The number of missing fields of a kind that are named."""

APPLY = "`ses-operator crds | kubectl apply --server-side -f -`"


def not_served(plurals: Collection[str], kinds: Collection[Kind] = KINDS) -> str:
    """Return what is missing if these are the resources of the operator's API that the apiserver serves; empty if nothing is."""
    missing = [kind.kind for kind in kinds if kind.plural not in plurals]
    if not missing:
        return ""
    return f"the CustomResourceDefinitions of {' and '.join(missing)} are not installed; install them with {APPLY}"


def outdated(published: Mapping[str, Schema], kinds: Collection[Kind] = KINDS) -> str:
    """Return what the schemas lack that the apiserver publishes, by kind; empty if nothing.

    A kind without a published schema counts as complete.
    """
    gaps = {
        kind.kind: list(lacking(root_schema(kind, SPOKEN), published[kind.kind]))
        for kind in kinds
        if kind.kind in published
    }
    said = [f"{kind} has no {_listed(fields)}" for kind, fields in gaps.items() if fields]
    if not said:
        return ""
    return (
        f"the CustomResourceDefinitions are older than this operator, and status would lose what it has to remember: "
        f"{'; '.join(said)}. Upgrade them with {APPLY}; it then goes on by itself"
    )


def lacking(wanted: Schema, served: Schema, path: str = "") -> Iterator[str]:
    """Yield the fields that one schema has and the other does not, each named by its path, without those below it."""
    if served.get("x-kubernetes-preserve-unknown-fields"):
        return
    for name, schema in wanted.get("properties", {}).items():
        inner = f"{path}.{name}".lstrip(".")
        known = served.get("properties", {}).get(name)
        if known is None:
            yield inner
        else:
            yield from lacking(schema, known, inner)
    for word in ("items", "additionalProperties"):
        if isinstance(wanted.get(word), dict) and isinstance(served.get(word), dict):
            yield from lacking(wanted[word], served[word], f"{path}[]")


def _listed(fields: list[str]) -> str:
    named, more = fields[:NAMED], len(fields) - NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")

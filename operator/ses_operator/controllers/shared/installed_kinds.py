"""Reads from the apiserver if it serves the operator's kinds, and with which fields.

Discovery and OpenAPI show it, which every authenticated client may read (the ClusterRole system:discovery): no
permission for CustomResourceDefinitions is needed.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

from ses_operator.api.schema.kinds import KINDS
from ses_operator.api.schema.structural import Schema
from ses_operator.api.schema.versions import SPOKEN
from ses_operator.core.kinds.installed import not_served, outdated
from ses_operator.core.model.problems import Gone, OperatorError, Retry
from ses_operator.runtime.kube.client import KubeClient

logger = logging.getLogger(__name__)

DISCOVERY = f"/apis/{SPOKEN.api_version}"
OPENAPI = f"/openapi/v3/apis/{SPOKEN.api_version}"


async def obstacle(client: KubeClient, plurals: Collection[str]) -> str:
    """Return what prevents the operator from watching these of its kinds, in words; empty if nothing does."""
    kinds = [kind for kind in KINDS if kind.plural in plurals]
    try:
        return not_served(await _served(client), kinds) or outdated(await _published(client), kinds)
    except OperatorError as error:
        return str(error)


async def _served(client: KubeClient) -> set[str]:
    """Return the plural names of the operator's kinds that are served."""
    try:
        answer = await client.get(DISCOVERY)
    except Gone:
        return set()
    return {resource["name"] for resource in answer["resources"]}


async def _published(client: KubeClient) -> Mapping[str, Schema]:
    """Return the schema of each of the operator's kinds, by its name; empty if the apiserver does not publish it.

    Raises Retry.
    """
    try:
        answer = await client.get(OPENAPI)
    except Retry:
        raise
    except OperatorError as error:
        logger.info("cannot tell whether the CustomResourceDefinitions fit this version: %s", error)
        return {}
    return {
        entry["kind"]: schema
        for schema in answer["components"]["schemas"].values()
        for entry in schema.get("x-kubernetes-group-version-kind", ())
    }

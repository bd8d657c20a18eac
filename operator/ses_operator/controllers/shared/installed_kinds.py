"""What the apiserver says of our own kinds: whether it serves them, and which fields they have there.

Discovery and OpenAPI tell it, which everybody may read who is logged in (the ClusterRole system:discovery): no right on
CustomResourceDefinitions is needed.
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
    """What keeps the operator from beginning to watch these of our kinds, in words; empty if nothing does."""
    kinds = [kind for kind in KINDS if kind.plural in plurals]
    try:
        return not_served(await _served(client), kinds) or outdated(await _published(client), kinds)
    except OperatorError as error:
        return str(error)


async def _served(client: KubeClient) -> set[str]:
    """The plural names of our kinds that are served."""
    try:
        answer = await client.get(DISCOVERY)
    except Gone:
        return set()
    return {resource["name"] for resource in answer["resources"]}


async def _published(client: KubeClient) -> Mapping[str, Schema]:
    """The schema of each of our kinds, by its name; empty where the apiserver does not tell. Raises Retry."""
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

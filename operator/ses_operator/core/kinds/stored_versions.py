"""The versions of the API in which objects are stored in etcd, by the CustomResourceDefinition, and a role to rewrite them. Pure.

An object stays in the version in which it was written last. ``status.storedVersions`` names all in which some may be;
the apiserver adds to it and never removes, and refuses a definition without one of them. When every object has been
rewritten, the others may be removed.
Source: Kubernetes documentation, "Versions in CustomResourceDefinitions", Upgrade existing objects to a new stored
version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ses_operator.api.base.meta import GROUP, MANAGED_BY
from ses_operator.api.schema.crd import definition_name
from ses_operator.api.schema.kinds import KINDS

EXTENSIONS = "apiextensions.k8s.io"
ROLE = f"{MANAGED_BY}-migrate-storage"


@dataclass(frozen=True, slots=True)
class StoredVersions:
    """The versions of a definition: the one that objects are written in now, those that some may be in, those that are served.

    ``resource_version`` is that of the definition.
    """

    definition: str
    plural: str
    current: str
    stored: tuple[str, ...]
    served: tuple[str, ...]
    resource_version: str

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Self:
        """Read the CustomResourceDefinition as the apiserver has it."""
        spec = definition["spec"]
        return cls(
            definition=definition["metadata"]["name"],
            plural=spec["names"]["plural"],
            current=next(version["name"] for version in spec["versions"] if version["storage"]),
            stored=tuple(definition.get("status", {}).get("storedVersions") or ()),
            served=tuple(version["name"] for version in spec["versions"] if version["served"]),
            resource_version=definition["metadata"]["resourceVersion"],
        )

    @property
    def is_up_to_date(self) -> bool:
        """True if every object is in the version in which objects are written now."""
        return set(self.stored) <= {self.current}

    @property
    def way(self) -> str | None:
        """A version by which objects can be reached; None if none is served."""
        return self.current if self.current in self.served else next(iter(self.served), None)


def migration_role() -> dict[str, Any]:
    """Return the ClusterRole that suffices to rewrite all objects of the operator's kinds, and to record that it is done."""
    definitions = [definition_name(kind) for kind in KINDS]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": ROLE},
        "rules": [
            _rule(EXTENSIONS, ["customresourcedefinitions"], ["get"], definitions),
            _rule(EXTENSIONS, ["customresourcedefinitions/status"], ["patch"], definitions),
            _rule(GROUP, [kind.plural for kind in KINDS], ["list", "patch"]),
        ],
    }


def _rule(group: str, resources: list[str], verbs: list[str], names: list[str] | None = None) -> dict[str, Any]:
    limited = {"resourceNames": names} if names else {}
    return {"apiGroups": [group], "resources": resources, **limited, "verbs": verbs}

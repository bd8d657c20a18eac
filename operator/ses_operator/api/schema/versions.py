"""The versions of the API that the CustomResourceDefinitions have, and the state of each: docs/upgrades.md."""

from __future__ import annotations

from dataclasses import dataclass

from ses_operator.api.base.meta import GROUP, VERSION


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the API.

    Objects can be read and written in each that is ``served``, and are stored in etcd in the one that is ``stored``.
    ``deprecation`` is the warning that kubectl shows to users of the version; empty where there is none.
    """

    name: str
    served: bool = True
    stored: bool = False
    deprecation: str = ""

    @property
    def api_version(self) -> str:
        """The value of apiVersion in a manifest."""
        return f"{GROUP}/{self.name}"


SPOKEN = Version(VERSION, stored=True)
"""The version that the operator uses."""

VERSIONS = (SPOKEN,)
"""All of them, the newest first."""

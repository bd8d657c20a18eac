"""The versions of the API that the CustomResourceDefinitions have, and what becomes of each: docs/upgrades.md."""

from __future__ import annotations

from dataclasses import dataclass

from ses_operator.api.base.meta import GROUP, VERSION


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the API. Objects can be read and written in each that is ``served``, and lie in etcd in the one that is
    ``stored``. ``deprecation`` is what kubectl warns those with who use it; empty where nobody is warned.
    """

    name: str
    served: bool = True
    stored: bool = False
    deprecation: str = ""

    @property
    def api_version(self) -> str:
        """As a manifest names it."""
        return f"{GROUP}/{self.name}"


SPOKEN = Version(VERSION, stored=True)
"""The one that the operator speaks."""

VERSIONS = (SPOKEN,)
"""All of them, the newest first."""

"""Names of things: the object that a reconcile is about, and the owner written on what it makes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""The shape of an installation id and of a namespace (RFC 1123)."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """A Kubernetes object by namespace and name; the namespace of a cluster-scoped object is empty."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Installation:
    """This installation of the operator. ``inherits``: ids of former installations whose things it owns."""

    id: str
    inherits: tuple[str, ...] = ()

    def owner(self, key: ObjectKey) -> Owner:
        """Return the owner that a SesIdentity of this installation is."""
        return Owner(self.id, key, self.inherits)


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """The owner of an SES identity or a DNS ledger: one SesIdentity of one installation.

    There is no UID in it, so that an object restored from a backup or deployed again from Git still owns what it
    made.
    ``inherits``: ids of installations; what the object of the same namespace and name owned there is this one's.
    """

    installation_id: str
    key: ObjectKey
    inherits: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.installation_id}/{self.key.namespace}/{self.key.name}"

    def holds(self, mark: Owner | None) -> bool:
        """Return True if what carries this mark is this owner's, by its own name or by one that it inherits from."""
        if mark is None or mark.key != self.key:
            return False
        return mark.installation_id in (self.installation_id, *self.inherits)

    def new_owner(self, installation_id: str) -> Owner:
        """Return the owner that the same object is in another installation."""
        return Owner(installation_id, self.key)

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """Return the owner that ``text`` names, or None if it is not of the form ``installation/namespace/name``."""
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            return None
        return cls(parts[0], ObjectKey(parts[1], parts[2]))

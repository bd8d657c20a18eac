"""Names of things: the object a reconcile is about, and the owner written on what it makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """A Kubernetes object by namespace and name; the namespace of a cluster-scoped object is empty."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Who holds an SES identity or a DNS ledger: one SesIdentity of one installation.

    There is no UID in it, so that an object restored from a backup or deployed anew from Git still owns what it made.
    """

    installation_id: str
    key: ObjectKey

    def __str__(self) -> str:
        return f"{self.installation_id}/{self.key.namespace}/{self.key.name}"

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """The owner that ``text`` names, or None where it is not of the form ``installation/namespace/name``."""
        parts = text.split("/")
        if len(parts) != 3 or not all(parts):
            return None
        return cls(parts[0], ObjectKey(parts[1], parts[2]))

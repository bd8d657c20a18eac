"""Whether an account lets an identity in: the rules of ``core.acceptance`` on what stands in Kubernetes now."""

from __future__ import annotations

from ses_operator.api.identity import SesIdentity
from ses_operator.controllers.accounts import OpenAccount
from ses_operator.controllers.cluster import NamespaceReader
from ses_operator.core.keys import ObjectKey
from ses_operator.core.tenancy import Namespace, Petition


class Admissions:
    """Puts petitions together. Labels of a namespace that cannot be seen are unknown, and no rule takes them for granted."""

    def __init__(self, namespaces: NamespaceReader) -> None:
        self._namespaces = namespaces

    def petition(self, identity: SesIdentity, account: OpenAccount) -> Petition:
        """What the identity asks of the account."""
        return Petition(self._namespace(identity.metadata.namespace), identity.spec, account.name, account.spec)

    def _namespace(self, name: str) -> Namespace:
        found = self._namespaces.get(ObjectKey("", name))
        return Namespace(name, None if found is None else found["metadata"].get("labels", {}))

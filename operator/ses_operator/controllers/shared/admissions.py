"""Checks if an account admits an identity: the rules of ``core.admission`` on the present objects."""

from __future__ import annotations

from ses_operator.api.account.kind import SesAccount
from ses_operator.api.identity.kind import SesIdentity, SesIdentitySpec
from ses_operator.controllers.shared.accounts import OpenAccount
from ses_operator.controllers.shared.cluster import NamespaceReader
from ses_operator.core.admission.tenancy import AdmissionRequest, Namespace
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.watch.cache import ObjectStore


class Admissions:
    """Builds admission requests. Labels of a namespace that cannot be read are unknown, and no rule assumes them."""

    def __init__(self, accounts: ObjectStore[SesAccount], namespaces: NamespaceReader) -> None:
        self._accounts = accounts
        self._namespaces = namespaces

    def request(self, identity: SesIdentity, account: OpenAccount) -> AdmissionRequest:
        """Return the identity's request to the account, under its present rules: it may have been opened with others."""
        return self.petition_of(identity.metadata.namespace, identity.spec, account)

    def petition_of(self, namespace: str, spec: SesIdentitySpec, account: OpenAccount) -> AdmissionRequest:
        """Return the same for an object that is no identity, and requests as much as one would."""
        newest = self._accounts.get(ObjectKey("", account.name))
        rules = newest.spec if newest is not None else account.spec
        return AdmissionRequest(self._namespace(namespace), spec, account.name, rules)

    def _namespace(self, name: str) -> Namespace:
        found = self._namespaces.get(ObjectKey("", name))
        return Namespace(name, None if found is None else found["metadata"].get("labels", {}))

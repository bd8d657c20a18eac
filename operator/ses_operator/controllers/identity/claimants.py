"""Finds the competing claims to an identity, among all SesIdentity objects that are known."""

from __future__ import annotations

from datetime import UTC, datetime

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.controllers.shared.accounts import Accounts, OpenAccount
from ses_operator.controllers.shared.admissions import Admissions
from ses_operator.controllers.shared.cluster import BY_DOMAIN
from ses_operator.core.admission.acceptance import admit
from ses_operator.core.features.ownership import Claimant, idle_since
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.watch.cache import ObjectStore


class Claimants:
    """The competing claims. An object that is being deleted does not compete: what it still owns is its by the tag.

    Nor does one that its account does not admit: without a grant it keeps no other from a domain by coming first.
    """

    def __init__(self, store: ObjectStore[SesIdentity], accounts: Accounts, admissions: Admissions) -> None:
        self._store = store
        self._accounts = accounts
        self._admissions = admissions

    def of(self, identity: SesIdentity, account_id: str) -> Claimant:
        """Return the object itself as a claimant."""
        meta = identity.metadata
        return Claimant(
            key=ObjectKey(meta.namespace, meta.name),
            created=meta.creation_timestamp or datetime.max.replace(tzinfo=UTC),
            account_id=account_id,
            identity=identity.spec.identity,
            regions=frozenset(identity.spec.regions),
            idle_since=idle_since(identity.status.conditions),
        )

    def object(self, key: ObjectKey) -> SesIdentity | None:
        """Return the object of a claimant, as last seen."""
        return self._store.get(key)

    def others(self, identity: SesIdentity) -> tuple[Claimant, ...]:
        """Return all others that claim the same name, in accounts that are open."""
        found = []
        for key in self._store.by_index(BY_DOMAIN, identity.spec.identity):
            other = self._store.get(key)
            if other is None or other.metadata.uid == identity.metadata.uid or other.metadata.is_deleting:
                continue
            account = self._accounts.get(other.spec.account_ref.name)
            if isinstance(account, OpenAccount) and admit(self._admissions.request(other, account)).problem is None:
                found.append(self.of(other, account.aws.account_id))
        return tuple(found)

"""The Kubernetes side of an identity: the three writes that are made to the object, and the Events about it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from weakref import WeakValueDictionary

from ses_operator.api.account.notifications import Moment
from ses_operator.api.base.meta import INVENTORY, WITHDRAW_FROM
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import SesIdentityStatus
from ses_operator.controllers.shared import writes
from ses_operator.controllers.shared.recent_finalizers import RecentFinalizers
from ses_operator.controllers.shared.resources import IDENTITIES
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.problems import Gone, Stale
from ses_operator.core.notifications.selection import notified_after
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.publication import Witness
from ses_operator.core.status.transitions import Transition, new_contests, new_losses, new_warnings, transitions
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.events import Event, EventRecorder
from ses_operator.runtime.kube.resources import JsonObject
from ses_operator.runtime.source import Source
from ses_operator.runtime.watch.cache import ObjectChange, ObjectStore

OWN_DOING = frozenset({ObjectChange.NOTHING, ObjectChange.STATUS})
"""The changes that a status write of the operator makes. Any other is another client's, and no watch will show it any more."""


def inventory_of_object(identity: SesIdentity) -> Inventory:
    """Return the inventory in the object's annotation."""
    return Inventory.decode(identity.metadata.annotations.get(INVENTORY))


def witness_of(identity: SesIdentity) -> Witness:
    """Return what the object remembers of the records that were written for it."""
    return Witness(inventory_of_object(identity).records, identity.metadata.creation_timestamp)


def key_of(identity: SesIdentity) -> ObjectKey:
    """Return the object's key."""
    return ObjectKey(identity.metadata.namespace, identity.metadata.name)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A status that was written, and the object as it was before."""

    before: SesIdentity
    status: SesIdentityStatus


class IdentityObjects:
    """Writes to SesIdentity objects, and the objects as they are after it.

    The ``changes`` of the store show what an answer to a write shows and a watch therefore will not: a spec that was
    changed just before the status arrived, an object that is gone with its finalizer. ``reports`` emits each status
    written.
    """

    def __init__(
        self,
        client: KubeClient,
        store: ObjectStore[SesIdentity],
        events: EventRecorder,
        moments: Callable[[str], Collection[Moment]] = lambda _: (),
    ) -> None:
        """Take the ``moments`` that a SesAccount reports by email."""
        self.reports: Source[StatusReport] = Source()
        self._client = client
        self._store = store
        self._events = events
        self._moments = moments
        self._writing: WeakValueDictionary[ObjectKey, asyncio.Lock] = WeakValueDictionary()
        self._anchors = RecentFinalizers(store.uid)

    async def ensure_finalizer(self, identity: SesIdentity, inventory: Inventory) -> SesIdentity:
        """Return the object with finalizer and inventory. No write if they are as they should be."""
        if identity.metadata.has_finalizer and inventory_of_object(identity) == inventory:
            return identity
        requested = identity.metadata.annotations.get(WITHDRAW_FROM)
        # A request about a place that is finished must not apply when records go there again.
        spent = (WITHDRAW_FROM,) if requested is not None and requested not in inventory.places else ()
        written = await writes.ensure_finalizer(self._client, IDENTITIES, identity.metadata, inventory.encode(), spent)
        self._store.observe(written)
        anchored = self._as_written(identity, written)
        if not identity.metadata.has_finalizer:
            self._anchors.note(key_of(identity), anchored)
        return anchored

    async def annotate(self, identity: SesIdentity, name: str, value: str) -> SesIdentity:
        """Return the object with this annotation."""
        written = await writes.annotate(self._client, IDENTITIES, identity.metadata, {name: value})
        self._store.observe(written)
        return self._as_written(identity, written)

    def vanished(self, key: ObjectKey) -> SesIdentity | None:
        """Return an object that went without waiting for the finalizer that had just been put on it."""
        return self._anchors.vanished(key)

    async def report(self, identity: SesIdentity, status: SesIdentityStatus) -> SesIdentity:
        """Return the object with this status, written only if it differs, and record an Event if that matters to a person."""
        async with self._one_at_a_time(key_of(identity)):
            identity = self._as_last_notified(identity)
            status = notified_after(identity.status, status, self._moments(identity.spec.account_ref.name))
            written = await self._write_status(identity, status)
        if written is None:
            return identity
        self.reports.emit(StatusReport(identity, status))
        told = transitions(identity.status.conditions, status.conditions)
        lost = new_losses(identity.status.regions, status.regions, told)
        warned = new_warnings(identity.status.warnings, status.warnings)
        contested = new_contests(identity.status.repairs or (), status.repairs or ())
        for transition in (*told, *lost, *warned, *contested):
            self.tell(identity, transition)
        return self._as_written(identity, written)

    async def note_told(self, key: ObjectKey, uid: str, notified: str | None) -> None:
        """Let the object's status say that it was reported; an object that is gone needs none."""
        async with self._one_at_a_time(key):
            identity = self._store.get(key)
            if identity is None or identity.metadata.uid != uid:
                return
            with contextlib.suppress(Gone, Stale):
                await self._write_status(identity, identity.status.model_copy(update={"notified": notified}))

    async def _write_status(self, identity: SesIdentity, status: SesIdentityStatus) -> JsonObject | None:
        """Return the object after the write, which the store has too; None if nothing had to be written."""
        written = await writes.write_status(
            self._client, IDENTITIES, identity.metadata, identity.status.to_json(), status.to_json()
        )
        if written is not None and (sighting := self._store.observe(written)).change not in OWN_DOING:
            self._store.changes.emit(sighting)
        return written

    def _one_at_a_time(self, key: ObjectKey) -> asyncio.Lock:
        """Return the lock of the object.

        Status is written as a whole, and what was reported by email separately; neither must undo the other.
        """
        return self._writing.setdefault(key, asyncio.Lock())

    def _as_last_notified(self, identity: SesIdentity) -> SesIdentity:
        """Return the object as it was observed, but with what was reported by email meanwhile."""
        known = self._store.get(key_of(identity))
        if (
            known is None
            or known.metadata.uid != identity.metadata.uid
            or known.status.notified == identity.status.notified
        ):
            return identity
        notified = {"notified": known.status.notified}
        return identity.model_copy(update={"status": identity.status.model_copy(update=notified)})

    def tell(self, identity: SesIdentity, transition: Transition) -> None:
        """Record an Event about the object."""
        self._events.record(Event(IDENTITIES, identity.metadata, transition))

    async def released(self, identity: SesIdentity) -> None:
        """Remove the finalizer: nothing is left to be done."""
        self._anchors.done(key_of(identity))
        try:
            sighting = self._store.observe(await writes.remove_finalizer(self._client, IDENTITIES, identity.metadata))
        except Gone:
            sighting = self._store.remove(key_of(identity), identity.metadata.uid)
        if sighting.change is ObjectChange.REMOVED:
            self._store.changes.emit(sighting)

    def _as_written(self, identity: SesIdentity, written: JsonObject) -> SesIdentity:
        """Return the object just as the write left it: what came after that is for the next reconcile."""
        known = self._store.get(key_of(identity))
        if known is not None and known.metadata.resource_version == written["metadata"]["resourceVersion"]:
            return known
        return SesIdentity.model_validate(written)

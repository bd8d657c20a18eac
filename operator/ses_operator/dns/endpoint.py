"""Publication through ExternalDNS: one DNSEndpoint for each SesIdentity. The object is the ledger.

There is no ownerReference: the garbage collector would delete the object, and ExternalDNS the records, before the
identity is gone from SES. The operator's finalizer holds it instead, until the records are withdrawn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from ses_operator.api.account.kind import TxtQuoting
from ses_operator.api.base.meta import FINALIZER
from ses_operator.api.base.reasons import Reason
from ses_operator.core.dns.endpoint_entries import Endpoint, OwnedEntries, merge_entries, serves, surplus_entries
from ses_operator.core.dns.judge import advice
from ses_operator.core.model.keys import ObjectKey, Owner
from ses_operator.core.model.problems import Blocked, Gone, Problem, Retry
from ses_operator.core.model.records import RecordId, RecordSet
from ses_operator.core.state.publication import DnsObservation, Publication, PublishedRecord, RecordState
from ses_operator.core.state.steps import Surplus
from ses_operator.dns.endpoint_object import (
    DNS_ENDPOINTS,
    EndpointObject,
    finalizer_patch,
    handover_patch,
    manifest,
    release_patch,
    withdrawal_patch,
)
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.kube.resources import JsonObject

REMAKE_AFTER_SECONDS = 10.0
"""An object that another client deletes is made again only after this: in a namespace that is being deleted the
SesIdentity goes too, and the records must outlast it."""

RECORDS_MAY_STAY = (
    "The DNSEndpoint of {domain} is deleted. Whether its records are removed too depends on ExternalDNS: "
    "with --policy=upsert-only none are, and up to version 0.21 TXT records never are. Remove by hand what is left"
)

LEFT_TO_OTHERS = (
    "DNSEndpoint {key} stays, because it has entries of other clients ({entries}). The operator has removed its own; whether "
    "their records are removed depends on ExternalDNS"
)

LEFT_OVER = (
    "DNSEndpoint {key} stays, so that ExternalDNS does not remove the records. If they were handed over to another "
    "cluster, delete it once the ExternalDNS there publishes them and the one here no longer does"
)

Read = Callable[[ObjectKey], EndpointObject | None]
"""A copy of the objects that a watch keeps up to date."""


class DnsEndpointPublisher:
    """Implements ``DnsPublisher``. Only DNS shows if the records are served: what is handed over is PENDING.

    Surplus that is to be released is kept in the object: ExternalDNS deletes what leaves it.
    """

    def __init__(
        self,
        client: KubeClient,
        quoting: TxtQuoting = TxtQuoting.QUOTED,
        read: Read | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        remake_after: float = REMAKE_AFTER_SECONDS,
    ) -> None:
        self._client = client
        self._quoting = quoting
        self._read = read
        self._now = now
        self._remake_after = remake_after

    async def observe(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Read the copy that a watch keeps, if there is one; else the object."""
        key = publication.owner.key
        found = self._read(key) if self._read is not None else None
        try:
            found = found or await self._get(key)
        except Blocked as error:
            return DnsObservation(_all(records, RecordState.MISSING, str(error)), problem=error.problem)
        return self._compare(publication, records, surplus, found)

    async def publish(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> DnsObservation:
        """Make one server-side apply, if anything differs. Blocked if ExternalDNS's kind is not installed."""
        found = await self._get(publication.owner.key)
        observation = self._compare(publication, records, surplus, found)
        if observation.in_sync or observation.problem is not None or (found is None and not records):
            return observation
        if found is not None and found.deleted_at is not None:
            await self._let_go_of_deleted(publication, found, found.deleted_at)
            found = None
        written = await self._apply(publication, self._manifest(publication, records, surplus, found), found)
        return self._compare(publication, records, surplus, EndpointObject.of(written))

    async def holdings(self, publication: Publication) -> frozenset[RecordId]:
        """Return the record sets that the object asks for."""
        found = await self._ours(publication)
        return found.record_ids if found is not None else frozenset()

    async def retain(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus = Surplus.REMOVE
    ) -> None:
        """Make one server-side apply, if anything differs.

        Labels and annotations are kept: they choose the ExternalDNS that serves it.
        """
        found = await self._ours(publication)
        if found is None or found.deleted_at is not None:
            return
        kept = [record for record in records if record.id in found.record_ids]
        body = self._manifest(found.as_it_is(publication), kept, surplus, found)
        if not found.holds(body):
            await self._apply(publication, body, found)

    async def withdraw(self, publication: Publication) -> tuple[str, ...]:
        """Delete the object, then remove the operator's finalizer. ExternalDNS deletes the records, if its policy is sync."""
        found = await self._ours(publication)
        if found is None:
            return ()
        path = _path(publication)
        if found.of_others and found.deleted_at is None:
            await self._unless_gone(self._client.json_patch(path, withdrawal_patch(found, publication.owner)))
            entries = ", ".join(map(str, found.of_others))
            return (LEFT_TO_OTHERS.format(key=publication.owner.key, entries=entries),)
        if found.deleted_at is None:
            await self._unless_gone(self._client.delete(path, uid=found.uid))
        if FINALIZER in found.finalizers:
            await self._unless_gone(self._client.json_patch(path, finalizer_patch(found)))
        return (RECORDS_MAY_STAY.format(domain=publication.domain),)

    async def hand_over(self, publication: Publication, new_owner: Owner) -> tuple[str, ...]:
        """Write the new owner's name on the object. In another cluster it makes one of its own, and this one is left over."""
        found = await self._ours(publication)
        if found is None:
            return ()
        await self._unless_gone(self._client.json_patch(_path(publication), handover_patch(found, new_owner)))
        return (LEFT_OVER.format(key=publication.owner.key),)

    async def release(self, publication: Publication) -> None:
        """Remove the operator's finalizer, labels and annotations from the object, which is kept."""
        found = await self._ours(publication)
        if found is not None:
            patch = release_patch(found, publication.owner)
            await self._unless_gone(self._client.json_patch(_path(publication), patch))

    async def _ours(self, publication: Publication) -> EndpointObject | None:
        try:
            found = await self._get(publication.owner.key)
        except Blocked as error:
            if error.problem.reason is Reason.DNS_ENDPOINT_CRD_MISSING:
                return None
            raise
        return found if found is not None and found.belongs_to(publication.owner) else None

    async def _get(self, key: ObjectKey) -> EndpointObject | None:
        try:
            return EndpointObject.of(await self._client.get(DNS_ENDPOINTS.object(key)))
        except Gone as error:
            if f'"{key.name}" not found' in str(error):
                return None
            raise _crd_missing() from error

    async def _apply(self, publication: Publication, body: JsonObject, found: EndpointObject | None) -> JsonObject:
        path = _path(publication)
        if found is None:
            try:
                return await self._client.apply_new(path, body)
            except Gone as error:
                raise _crd_missing() from error
        metadata = {**body["metadata"], "uid": found.uid, "resourceVersion": found.resource_version}
        return await self._client.apply(path, {**body, "metadata": metadata})

    async def _let_go_of_deleted(self, publication: Publication, found: EndpointObject, deleted_at: datetime) -> None:
        key = publication.owner.key
        remaining = self._remake_after - (self._now() - deleted_at).total_seconds()
        if remaining > 0:
            raise Retry(
                Reason.PUBLISHING_RECORDS,
                f"DNSEndpoint {key} is being deleted; if this object stays, it is created again shortly",
                remaining,
            )
        if FINALIZER in found.finalizers:
            await self._unless_gone(self._client.json_patch(_path(publication), finalizer_patch(found)))
        held_by = [name for name in found.finalizers if name != FINALIZER]
        if held_by:
            raise Retry(
                Reason.PUBLISHING_RECORDS,
                f"DNSEndpoint {key} is being deleted and waits for the finalizers {', '.join(held_by)}; it is created again "
                "when it is gone",
            )

    async def _unless_gone(self, write: Awaitable[object]) -> None:
        try:
            await write
        except Gone:
            return

    def _endpoints(self, publication: Publication, records: Sequence[RecordSet]) -> list[Endpoint]:
        return [Endpoint.of(record, self._quoting, publication.provider_specific) for record in records]

    def _manifest(
        self, publication: Publication, records: Sequence[RecordSet], surplus: Surplus, found: EndpointObject | None
    ) -> JsonObject:
        wanted = self._endpoints(publication, records)
        standing, owned = (found.endpoints, found.owned) if found is not None else ((), OwnedEntries())
        kept = surplus_entries(standing, owned, wanted) if surplus is not Surplus.REMOVE else ()
        return manifest(publication, merge_entries(standing, owned, wanted, kept))

    def _compare(
        self,
        publication: Publication,
        records: Sequence[RecordSet],
        surplus: Surplus,
        found: EndpointObject | None,
    ) -> DnsObservation:
        key = publication.owner.key
        if found is None:
            message = f"DNSEndpoint {key} does not exist yet"
            return DnsObservation(_all(records, RecordState.MISSING, message), in_sync=not records)
        if not found.belongs_to(publication.owner):
            problem = Problem(
                Reason.DNS_RECORD_CONFLICT,
                f"DNSEndpoint {key} does not belong to this object and is not overwritten. Delete or rename it",
            )
            return DnsObservation(_all(records, RecordState.CONFLICT, problem.message), problem=problem)
        return DnsObservation(
            records=tuple(self._judge(publication, record, found) for record in records),
            surplus=tuple(
                map(str, surplus_entries(found.endpoints, found.owned, self._endpoints(publication, records)))
            ),
            in_sync=found.holds(self._manifest(publication, records, surplus, found)),
        )

    def _judge(self, publication: Publication, record: RecordSet, found: EndpointObject) -> PublishedRecord:
        wanted = Endpoint.of(record, self._quoting, publication.provider_specific)
        standing = [entry for entry in found.endpoints if entry.id == wanted.id]
        if not standing:
            return PublishedRecord(record, RecordState.MISSING, f"{record} is not in the DNSEndpoint yet")
        targets = ", ".join(target for entry in standing for target in entry.targets)
        if wanted.id not in found.owned.entries:
            if serves(record, standing[0]):
                return PublishedRecord(record, RecordState.PENDING)
            message = (
                f"{record} is {targets} in the DNSEndpoint, in an entry of another client, which is not overwritten"
            )
            return PublishedRecord(record, RecordState.CONFLICT, f"{message}. {advice(record, standing[0].values)}")
        merged = merge_entries(found.endpoints, found.owned, [wanted])
        if standing == [entry for entry in merged.endpoints if entry.id == wanted.id]:
            return PublishedRecord(record, RecordState.PENDING)
        if standing[0].targets == wanted.targets:
            message = f"The TTL or providerSpecific of {record} is not as wanted in the DNSEndpoint"
        else:
            message = f"{record} is {targets} in the DNSEndpoint; expected {', '.join(wanted.targets)}"
        return PublishedRecord(record, RecordState.DIFFERENT, message)


def _path(publication: Publication) -> str:
    return DNS_ENDPOINTS.object(publication.owner.key)


def _all(records: Sequence[RecordSet], state: RecordState, message: str) -> tuple[PublishedRecord, ...]:
    return tuple(PublishedRecord(record, state, message) for record in records)


def _crd_missing() -> Blocked:
    return Blocked(
        Reason.DNS_ENDPOINT_CRD_MISSING,
        "The kind DNSEndpoint (externaldns.k8s.io/v1alpha1) is not installed. Install the CRD of ExternalDNS, or choose "
        "another spec.dns.provider",
    )

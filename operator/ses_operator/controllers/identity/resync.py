"""Decides which identities need nothing, so that a steady state, and a restart, cost list pages only.

An identity is up to date when its status says Ready for the present configuration and the lists of SES still say
verified. It is then left alone until something changes or its next resync comes, in which everything is read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.meta import INVENTORY, RECONCILE_REQUESTED_AT
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.status import RegionStatus
from ses_operator.aws.listing.identity_cache import IdentityCache, Listed
from ses_operator.controllers.shared.cluster import EndpointReader
from ses_operator.core.model.keys import ObjectKey
from ses_operator.core.model.schedule import next_sweep
from ses_operator.core.model.ses import VerificationStatus
from ses_operator.core.planning.leftovers import has_no_leftovers
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.status.dependencies import depends_on_others_alone
from ses_operator.core.status.report import is_ready
from ses_operator.core.status.stability import has_its_key, is_stable, lasting_places
from ses_operator.runtime.kube.resources import JsonObject


class Resync:
    """Decides by status, lists and resync times; ``now`` is Unix time, ``period`` that of the resync, in seconds."""

    def __init__(
        self, identity_cache: IdentityCache, endpoints: EndpointReader, period: float, now: Callable[[], float]
    ) -> None:
        self._identity_cache = identity_cache
        self._endpoints = endpoints
        self._period = period
        self._now = now
        self._turns: dict[str, float] = {}
        self._seen: dict[ObjectKey, object] = {}

    def is_up_to_date(self, identity: SesIdentity, desired: Desired, account_id: str) -> bool:
        """Return True if there is nothing to read, and nothing to write but what others have changed beside the identity."""
        return (
            not self.is_due(identity)
            and self._is_undisturbed(desired)
            and _is_reported(identity, desired, self._now())
            and all(self._is_listed_verified(account_id, region, desired.identity) for region in desired.regions)
            and all(
                self._is_mail_from_as_reported(account_id, desired.identity, each) for each in identity.status.regions
            )
        )

    def may_send(self, desired: Desired, account_id: str) -> dict[str, bool | None]:
        """Return by region if SES lets the identity send, as the lists have it; None if they do not."""
        listed = {
            region: self._identity_cache.listed(account_id, region, desired.identity) for region in desired.regions
        }
        return {
            region: found.identity.sending_enabled if isinstance(found, Listed) else None
            for region, found in listed.items()
        }

    def is_due(self, identity: SesIdentity) -> bool:
        """Return True if the identity is due to be read in full, or a person has requested that."""
        turn = self._turns.setdefault(identity.metadata.uid, self._next_turn(identity))
        return self.is_requested(identity) or self._now() >= turn

    def is_requested(self, identity: SesIdentity) -> bool:
        """Return True if a person has requested a reconcile that has not been reported yet."""
        return identity.metadata.annotations.get(RECONCILE_REQUESTED_AT) != identity.status.last_handled_reconcile_at

    def note_read(self, identity: SesIdentity) -> None:
        """Note that it has been read; if it was due, the next resync is set."""
        if self._now() >= self._turns.get(identity.metadata.uid, 0.0):
            self._turns[identity.metadata.uid] = self._next_turn(identity)
        key = ObjectKey(identity.metadata.namespace, identity.metadata.name)
        if (endpoint := self._endpoints.get(key)) is not None:
            self._seen[key] = _fingerprint(endpoint)

    def keep_due(self, identity: SesIdentity) -> None:
        """Keep a read due that could not be made, also when a request for it has been acknowledged."""
        if self.is_due(identity):
            self._turns[identity.metadata.uid] = self._now()

    def until_next_resync(self, identity: SesIdentity) -> float:
        """Return the seconds until the identity's next resync."""
        return max(self._turns.get(identity.metadata.uid, self._next_turn(identity)) - self._now(), 1.0)

    def forget(self, key: ObjectKey, uid: str) -> None:
        """Forget an object that is gone."""
        self._turns.pop(uid, None)
        self._seen.pop(key, None)

    def _is_undisturbed(self, desired: Desired) -> bool:
        """Return True if the DNSEndpoint, if there is one, is as it was when it was last looked at (or first seen)."""
        if desired.provider is not DnsProvider.DNS_ENDPOINT:
            return True
        key = desired.owner.key
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            return False
        fingerprint = _fingerprint(endpoint)
        return self._seen.setdefault(key, fingerprint) == fingerprint

    def _next_turn(self, identity: SesIdentity) -> float:
        return next_sweep(identity.metadata.uid, self._now(), self._period)

    def _is_mail_from_as_reported(self, account_id: str, identity: str, reported: RegionStatus) -> bool:
        seen = self._identity_cache.mail_from(account_id, reported.region, identity)
        return seen is None or reported.mail_from is None or reported.mail_from.status == seen

    def _is_listed_verified(self, account_id: str, region: str, identity: str) -> bool:
        listed = self._identity_cache.listed(account_id, region, identity)
        return isinstance(listed, Listed) and listed.identity.verification_status is VerificationStatus.SUCCESS


def is_reported_ready(identity: SesIdentity, desired: Desired) -> bool:
    """Return True if status says Ready about just this configuration."""
    return _is_about(identity, desired) and is_ready(identity.status)


def _is_about(identity: SesIdentity, desired: Desired) -> bool:
    """Return True if status is about just this configuration."""
    return (
        identity.status.observed_generation == identity.metadata.generation
        and identity.status.applied_configuration == desired.digest()
        and has_its_key(identity.status, desired)
    )


def _is_reported(identity: SesIdentity, desired: Desired, now: float) -> bool:
    """Return True if status says that all is done, and nothing is left over from another configuration."""
    inventory = Inventory.decode(identity.metadata.annotations.get(INVENTORY))
    moment = datetime.fromtimestamp(now, UTC)
    return (
        _is_about(identity, desired)
        and depends_on_others_alone(identity.status)
        and identity.metadata.has_finalizer
        and is_stable(identity.status, moment)
        and has_no_leftovers(desired, inventory, lasting_places(identity.status, moment))
    )


def _fingerprint(endpoint: JsonObject) -> object:
    """Return the parts of a DNSEndpoint that matter to the operator: not its status, which ExternalDNS writes."""
    metadata = endpoint["metadata"]
    members = ("uid", "generation", "labels", "annotations", "finalizers", "deletionTimestamp")
    return tuple(metadata.get(member) for member in members)

"""Decides if nothing is left to wait for by status, so that an identity can be left alone until the resync. Pure.

A DMARC policy is for the receivers of mail: SES verifies without it. If another client's is in its place, or it is
not published, that is reported, and may stay so for good: the identity must not be read again and again, nor after
each restart.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ses_operator.api.base.conditions import Condition, ConditionType, find
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import RecordStatus, SesIdentityStatus
from ses_operator.core.model.dkim_source import MissingKey, OwnKey
from ses_operator.core.model.records import Purpose
from ses_operator.core.model.schedule import LOOKUP_PATIENCE
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.publication import RecordState

_ABOUT_RECORDS = frozenset({Reason.DNS_RECORD_CONFLICT, Reason.WAITING_FOR_DNS, Reason.PUBLISHING_RECORDS})


def is_stable(status: SesIdentityStatus, now: datetime) -> bool:
    """Return True if every record is published except a DMARC policy that others keep from being so."""
    published = find(status.conditions, ConditionType.DNS_PUBLISHED)
    if published is None or status.dns is None:
        # An address has conditions, and none of them is about DNS.
        return bool(status.conditions) and published is None and status.dns is None
    if published.is_true:
        return True
    open_ = [record for record in status.dns.records if record.state != RecordState.PUBLISHED]
    return (
        bool(open_)
        and published.reason in _ABOUT_RECORDS
        and all(_is_left_to_others(record, published, now) for record in open_)
    )


def has_its_key(status: SesIdentityStatus, desired: Desired) -> bool:
    """Return True if every region has just the customer's key that is wanted, by status; False while that key is missing."""
    match desired.dkim:
        case MissingKey():
            return False
        case OwnKey() as key:
            known = {each.region: each.dkim.key_fingerprint for each in status.regions if each.dkim is not None}
            return all(known.get(region) == key.fingerprint for region in desired.regions)
        case _:
            return True


def lasting_places(status: SesIdentityStatus, now: datetime) -> frozenset[str]:
    """Return old places that have been kept for so long that only the resync looks at them: a person has to act first."""
    known = status.dns.former_places or () if status.dns else ()
    patience = timedelta(seconds=LOOKUP_PATIENCE)
    return frozenset(place.place for place in known if now - place.since > patience)


def _is_left_to_others(record: RecordStatus, published: Condition, now: datetime) -> bool:
    """Return True for a conflict, which others have to end; a record that is not seen may come in a moment, or never."""
    if record.purpose != Purpose.DMARC:
        return False
    waited = now - published.last_transition_time
    return record.state == RecordState.CONFLICT or waited > timedelta(seconds=LOOKUP_PATIENCE)

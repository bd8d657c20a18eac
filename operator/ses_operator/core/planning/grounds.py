"""What a publication is based on: knowledge of each region. What is only remembered adds no record. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ses_operator.core.features.dkim import needed_dkim_records
from ses_operator.core.features.mail_from import records_of_mail_from
from ses_operator.core.features.ownership import Ownership, ownership
from ses_operator.core.model.records import RecordId, RecordSet, dmarc_record
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.observed import Absent, Known, Observed, Present, Read, Remembered, Unread

Grounds = Mapping[str, Known | Unread]
"""What is known of each region when records are published. Records of one that could not be read are kept, not added."""


def grounds(observed: Observed) -> Grounds | None:
    """Return what a publication may be based on; None if a region is only recalled, and has to be read first."""
    known = {region: view for region, view in observed.regions.items() if isinstance(view, Read | Absent | Unread)}
    return known if known.keys() == observed.regions.keys() else None


def may_be_published(record: RecordSet, desired: Desired, observed: Observed) -> bool:
    """Return True if a region needs the record whose identity is the object's, or if the ledger has it already."""
    return record.id in observed.held or any(
        isinstance(view := observed.regions.get(region), Present)
        and ownership(view.facts, desired.owner) is Ownership.OURS
        for region in record.regions
    )


def has_remembered_records(desired: Desired, observed: Observed) -> bool:
    """Return True if a region cannot be read that had records: only a ledger can say whether they are the object's."""
    return not desired.is_address and any(
        isinstance(view, Unread) and bool(observed.remembered.get(region, Remembered()).tokens)
        for region, view in observed.regions.items()
    )


def remembered_records(desired: Desired, observed: Observed) -> frozenset[RecordId]:
    """Return the records of all regions, as far as they are remembered: for a list that people keep."""
    records = list(records_of_mail_from(desired, observed))
    for region, view in observed.regions.items():
        records += needed_dkim_records(desired, region, view, observed) or ()
    if records and desired.dmarc is not None:
        records.append(dmarc_record(desired.identity, desired.dmarc, desired.regions, desired.ttl))
    return frozenset(record.id for record in records)

"""Identifies the DKIM key that SES has of an identity: of a key of the customer's SES returns the selector alone. Pure.

What the operator sent is remembered in status, as a fingerprint of the public key. If that was lost, SES and DNS are
evidence: SES reports SUCCESS only of a key whose public half it found at the selector.
"""

from __future__ import annotations

from ses_operator.core.model.dkim_source import OwnKey, fingerprint
from ses_operator.core.model.record_values.dkim_key_record import published_key
from ses_operator.core.model.records import Purpose, RecordSet, RecordType
from ses_operator.core.model.ses import IdentityFacts, SigningOrigin, VerificationStatus
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present, Unread
from ses_operator.core.state.publication import PublishedRecord, RecordState

_BYODKIM = "byodkim/"


def own_selector(facts: IdentityFacts) -> str | None:
    """Return the selector of the customer's key that SES signs with; None if the key is made by SES."""
    if facts.dkim.origin is not SigningOrigin.EXTERNAL:
        return None
    return facts.dkim.tokens[0].lower() if facts.dkim.tokens else ""


def selectors_in_use(observed: Observed, inventory: Inventory) -> frozenset[str]:
    """Return the selectors of customers' keys that SES signs with in any region, from any client.

    Of a region that cannot be read, all that it may have been given.
    """
    selectors = (own_selector(view.facts) for view in observed.regions.values() if isinstance(view, Present))
    seen = frozenset(selector for selector in selectors if selector is not None)
    unread = (region for region, view in observed.regions.items() if isinstance(view, Unread))
    return seen | _selectors_given(inventory) if any(region in inventory.regions for region in unread) else seen


def selector_setting(selector: str) -> str:
    """Return how an inventory names a selector under which SES may have been given a key."""
    return f"{_BYODKIM}{selector}"


def _selectors_given(inventory: Inventory) -> frozenset[str]:
    return frozenset(name.removeprefix(_BYODKIM) for name in inventory.settings if name.startswith(_BYODKIM))


def signs_with(key: OwnKey, region: str, observed: Observed) -> bool:
    """Return True if the key of the identity in this region is just this one."""
    view = observed.regions.get(region)
    if not isinstance(view, Present) or own_selector(view.facts) != key.selector:
        return False
    known = known_fingerprint(observed, region)
    if known is not None:
        return known == key.fingerprint
    entry = entry_of(key, observed)
    return (
        view.facts.dkim.status is VerificationStatus.SUCCESS
        and entry is not None
        and entry.state is RecordState.PUBLISHED
    )


def known_fingerprint(observed: Observed, region: str) -> str | None:
    """Return the fingerprint of the key that SES has of the identity in this region, if it is remembered."""
    known = observed.remembered.get(region)
    return known.key_fingerprint if known else None


def entry_of(key: OwnKey, observed: Observed) -> PublishedRecord | None:
    """Return the state of a key's record in DNS; None if that was not observed."""
    records = observed.dns.records if observed.dns else ()
    return next((entry for entry in records if _holds(entry.record, key.fingerprint)), None)


def ses_looks_at(record: RecordSet, region: str, observed: Observed) -> bool:
    """Return True if this DKIM record is one of those that SES looks for in the region at present."""
    view = observed.regions.get(region)
    if not isinstance(view, Present) or _label(record) not in {token.lower() for token in view.facts.dkim.tokens}:
        return False
    if own_selector(view.facts) is None:
        return record.type is RecordType.CNAME
    known = known_fingerprint(observed, region)
    return known is not None and _holds(record, known)


def _holds(record: RecordSet, key_fingerprint: str) -> bool:
    if (record.purpose, record.type) != (Purpose.DKIM, RecordType.TXT):
        return False
    key = published_key(record.values[0])
    return key is not None and fingerprint(key) == key_fingerprint


def _label(record: RecordSet) -> str:
    return record.name.partition(".")[0]

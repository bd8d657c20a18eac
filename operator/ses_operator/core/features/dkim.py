"""DKIM of one identity in one region: obstacles, steps at SES, needed records. Pure.

Every decision that depends on the source of the key is made here, by ``desired.dkim_in``. A key that is in use is not
withdrawn: the record of a customer's key is seen before SES gets the key, and the records of the last key stay until
SES signs with the next. Sources: SES Developer Guide, "Easy DKIM" and "BYODKIM"; API reference,
PutEmailIdentityDkimSigningAttributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from ses_operator.api.base.fields import DnsProvider
from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.deterministic_dkim import hosted_zone_of, replacement_needed, replicas_of
from ses_operator.core.features.keys.key_identity import (
    entry_of,
    known_fingerprint,
    own_selector,
    selector_setting,
    signs_with,
)
from ses_operator.core.features.ownership import Ownership, ownership
from ses_operator.core.model.dkim_source import EasyDkim, MissingKey, NoDkim, OwnKey, ReplicaDkim
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import RecordSet, dkim_records, own_key_record
from ses_operator.core.model.schedule import lookup_interval
from ses_operator.core.model.ses import IdentityFacts, SigningOrigin, VerificationStatus
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed, Present, RegionView, Remembered, Unread
from ses_operator.core.state.publication import RecordState
from ses_operator.core.state.steps import RestartVerification, SesStep, SetDkimSource
from ses_operator.core.state.todo import Todo
from ses_operator.core.state.waits import seconds_waited

_LOST = {VerificationStatus.FAILED, VerificationStatus.TEMPORARY_FAILURE}


def dkim_conflict(
    desired: Desired, region: str, facts: IdentityFacts, observed: Observed, inventory: Inventory
) -> Problem | None:
    """Return why the DKIM of an existing identity must be left as it is.

    Its key is neither the operator's nor the one that the spec asks for, or others replicate it.
    """
    if (problem := replacement_needed(desired, region, facts, observed)) is not None:
        return problem
    if isinstance(desired.dkim, OwnKey | MissingKey) and (replicas := replicas_of(region, observed)):
        return Problem(
            Reason.DKIM_CONFLICT,
            f"Replicas in {', '.join(replicas)} share the DKIM key of {desired.identity}, and SES does not replicate a "
            "key of yours; it is left as it is. Remove these regions from spec.regions before spec.dkim.mode becomes BYODKIM",
            region=region,
        )
    found = own_selector(facts)
    ours = ownership(facts, desired.owner) is Ownership.OURS
    if ours and (found is None or selector_setting(found) in inventory.settings):
        return None
    match desired.dkim_in(region):
        case EasyDkim() if found is not None:
            what = f"signs with a key that is not Easy DKIM's, under the selector {found}"
            way_out = "Set spec.dkim.mode to BYODKIM with this selector and its key, or switch it to Easy DKIM in SES"
        case OwnKey(selector) | MissingKey(selector) if found is None:
            what = f"signs with Easy DKIM, but spec.dkim.byodkim.selector is {selector}"
            way_out = "Adopt it with spec.dkim.mode Easy first, then change the mode, or switch it in SES"
        case OwnKey(selector) | MissingKey(selector) if found != selector:
            what = f"signs with a key under the selector {found}, but spec.dkim.byodkim.selector is {selector}"
            way_out = "Write that selector and its key in spec.dkim.byodkim first, or switch it in SES"
        case _:
            return None
    message = f"The existing identity {desired.identity} {what}; it is left as it is. {way_out}"
    return Problem(Reason.DKIM_CONFLICT, message, region=region)


def missing_key(desired: Desired, region: str) -> Problem | None:
    """Return why no identity can be created while its key is missing."""
    match desired.dkim_in(region):
        case MissingKey(problem=problem):
            return replace(problem, region=region)
        case _:
            return None


def dkim_steps(desired: Desired, region: str, facts: IdentityFacts, observed: Observed, now: datetime) -> Todo:
    """Return the steps that make SES sign with the wanted key, and what keeps them from being done now."""
    match desired.dkim_in(region):
        case EasyDkim() as easy if own_selector(facts) is not None:
            # SES returns the CNAMEs that it needs only when it has been switched.
            return Todo((SetDkimSource(region, desired.identity, easy),))
        case OwnKey() as key:
            return _own_key(desired, region, key, facts, observed, now)
        case MissingKey():
            problem = missing_key(desired, region)
            return Todo() if problem is None else Todo.held_up(SetDkimSource.KEY, problem)
        case EasyDkim() | ReplicaDkim() | NoDkim():
            return Todo()


def dkim_restarts(desired: Desired, region: str, facts: IdentityFacts, observed: Observed) -> Iterator[SesStep]:
    """Yield the steps that make SES look for its records again, after it has given up.

    A key of the customer's is sent once more as soon as SES finds that its record does not fit: it may have another.
    """
    match desired.dkim_in(region):
        case EasyDkim() if own_selector(facts) is None and has_failed(facts):
            yield RestartVerification(region, desired.identity)
        case OwnKey() as key if signs_with(key, region, observed) and (has_failed(facts) or facts.dkim.status in _LOST):
            yield SetDkimSource(region, desired.identity, key)
        case _:
            return  # for a replica there is nothing that does


def has_failed(facts: IdentityFacts) -> bool:
    """Return True if SES has given up looking for the DKIM records."""
    return VerificationStatus.FAILED in facts.verifications


def dkim_differs(desired: Desired, region: str, observed: Observed) -> bool:
    """Return True if SES has another key of an identity than is wanted, or none that is known. Its length does not count."""
    view = observed.regions.get(region)
    if not isinstance(view, Present):
        return True
    match desired.dkim_in(region):
        case EasyDkim():
            return view.facts.dkim.origin is not SigningOrigin.EASY or not view.facts.dkim.tokens
        case ReplicaDkim():
            return view.facts.dkim.origin is not SigningOrigin.REPLICA or not view.facts.dkim.tokens
        case OwnKey() as key:
            return not signs_with(key, region, observed)
        case MissingKey():
            return True
        case NoDkim():
            return False


def fingerprint_at_ses(desired: Desired, region: str, facts: IdentityFacts, observed: Observed) -> str | None:
    """Return the fingerprint of the customer's key that SES has, for status to remember."""
    if own_selector(facts) is None:
        return None
    match desired.dkim_in(region):
        case OwnKey() as key if signs_with(key, region, observed):
            return key.fingerprint
        case _:
            return known_fingerprint(observed, region)


def needed_dkim_records(
    desired: Desired, region: str, view: RegionView, observed: Observed
) -> tuple[RecordSet, ...] | None:
    """Return the DKIM records that a region needs, for the key that SES has and the one that it is to have.

    None if the object has nothing to publish. A region that cannot be read keeps the records remembered.
    """
    if desired.is_address:
        return None
    match view:
        case Present(facts) if ownership(facts, desired.owner) is Ownership.OURS:
            selector, hosted_zone = own_selector(facts), hosted_zone_of(facts, observed)
            tokens = facts.dkim.tokens if selector is None else ()
        case Unread() if (known := observed.remembered.get(region)) is not None and known.tokens:
            # Without a hosted zone, the token is the name of a selector, and no CNAME belongs there.
            tokens, hosted_zone = (known.tokens if known.signing_hosted_zone else ()), known.signing_hosted_zone
            selector = None if known.signing_hosted_zone else known.tokens[0]
        case _:
            return None
    records = dkim_records(desired.identity, region, tokens, hosted_zone, desired.ttl)
    match desired.dkim_in(region):
        case OwnKey() as key if region in desired.regions or selector == key.selector:
            return (*records, own_key_record(desired.identity, region, key.selector, key.public_key, desired.ttl))
        case _:
            return records


def may_need_others(desired: Desired, region: str, facts: IdentityFacts, observed: Observed) -> bool:
    """Return True if an identity may still need DKIM records that are not among the needed ones.

    It signs with a key that is not known, or did a moment ago, and mail in transit carries its signature.
    """
    if desired.is_address:
        return False
    wanted = region in desired.regions
    if ownership(facts, desired.owner) is not Ownership.OURS:
        return wanted
    if not wanted:
        selector = own_selector(facts)
        return selector is not None and not (isinstance(desired.dkim, OwnKey) and desired.dkim.selector == selector)
    verified, dkim = facts.verification_status, facts.dkim.status
    changes = verified is VerificationStatus.SUCCESS and dkim is not VerificationStatus.SUCCESS
    return changes or dkim_differs(desired, region, observed)


def dkim_settings(desired: Desired) -> frozenset[str]:
    """Return the selectors that the spec names, for the inventory: SES may sign with a key that the operator gave it."""
    match desired.dkim:
        case OwnKey(selector) | MissingKey(selector):
            return frozenset({selector_setting(selector)})
        case _:
            return frozenset()


def _own_key(
    desired: Desired, region: str, key: OwnKey, facts: IdentityFacts, observed: Observed, now: datetime
) -> Todo:
    """Give a customer's key to SES once its record is seen; at once if no mail has a valid signature at present."""
    if signs_with(key, region, observed):
        return Todo()
    entry = entry_of(key, observed)
    seen = entry is not None and entry.state is RecordState.PUBLISHED
    if seen or facts.dkim.status is not VerificationStatus.SUCCESS:
        return Todo((SetDkimSource(region, desired.identity, key),))
    return Todo.held_up(SetDkimSource.KEY, _not_seen(desired, region, key, observed, now))


def _not_seen(desired: Desired, region: str, key: OwnKey, observed: Observed, now: datetime) -> Problem:
    what = (
        f"SES is given the key of selector {key.selector} once its TXT record is served; "
        "until then mail is signed as before"
    )
    known, entry = observed.remembered.get(region, Remembered()), entry_of(key, observed)
    again = lookup_interval(seconds_waited(known.waits, SetDkimSource.KEY, now))
    blocker = observed.dns_failure or (observed.dns.problem if observed.dns else None)
    if blocker is not None:
        return Problem(blocker.reason, f"{what}. {blocker.message}", blocker.retry_after, region)
    manual = desired.provider is DnsProvider.MANUAL
    reason = Reason.MANUAL_RECORDS_PENDING if manual else Reason.WAITING_FOR_DNS
    if entry is None or not entry.message:
        return Problem(reason, what, again, region)
    if entry.state is RecordState.CONFLICT:
        reason = Reason.DNS_RECORD_CONFLICT
    return Problem(entry.reason or reason, f"{what}. {entry.message}", again, region)

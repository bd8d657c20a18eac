"""The custom MAIL FROM domain: its differences, when SES is changed, and the records that are needed meanwhile.

A name that is in use is never withdrawn: the records of the new name are published and seen before SES is changed,
and those of the old one are kept for as long as SES has it in any region. A name has one MX record at every moment,
whichever regions share it: SES redirects bounces to the region that sent the mail. Source: SES Developer Guide,
"Using a custom MAIL FROM domain" and "Regions and Amazon SES".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ses_operator.api.base.meta import SETTINGS_MARK
from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.ownership import Ownership, ownership
from ses_operator.core.model.iam_actions import Action, Feature, On
from ses_operator.core.model.mark_tags import names_in
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.records import Purpose, RecordSet, mail_from_records
from ses_operator.core.model.ses import IdentityFacts, MailFromFacts, VerificationStatus
from ses_operator.core.state.desired import Desired, MailFrom, MailFromBehavior
from ses_operator.core.state.observed import Observed, Present, Unread
from ses_operator.core.state.publication import RecordState
from ses_operator.core.state.setting import UNMANAGED, Call, NoValue, Setting
from ses_operator.core.state.steps import PutSetting, SesStep

LOOK_AGAIN = 60.0
"""Seconds until the next check if a name that is about to be used has its record."""


@dataclass(frozen=True, slots=True)
class MailFromValue:
    """The value for SES. ``domain`` None: no custom MAIL FROM domain."""

    domain: str | None
    behavior_on_mx_failure: str


_NONE = MailFromValue(None, MailFromBehavior.USE_DEFAULT_VALUE)


def _wanted(desired: Desired, region: str) -> MailFromValue | NoValue:
    wanted = desired.mail_from.get(region)
    return MailFromValue(wanted.domain, wanted.behavior_on_mx_failure) if wanted else UNMANAGED


def _found(facts: IdentityFacts) -> MailFromValue:
    found = facts.mail_from
    return MailFromValue(found.domain, found.behavior_on_mx_failure) if found else _NONE


def _expected(facts: IdentityFacts, value: MailFromValue) -> IdentityFacts:
    pending = (
        MailFromFacts(value.domain, VerificationStatus.PENDING, value.behavior_on_mx_failure) if value.domain else None
    )
    return replace(facts, mail_from=pending)


def _call(identity: str, value: MailFromValue) -> Call:
    """Return the request; without MailFromDomain it removes the custom MAIL FROM domain."""
    named = {"MailFromDomain": value.domain} if value.domain else {}
    parameters = {"EmailIdentity": identity, **named, "BehaviorOnMxFailure": value.behavior_on_mx_failure}
    return Call("PutEmailIdentityMailFromAttributes", parameters)


def _current(found: MailFromValue, value: MailFromValue) -> str:
    if found.domain is None:
        return "none"
    return found.domain if found.domain != value.domain else f"{found.domain} with {found.behavior_on_mx_failure}"


def _wait(desired: Desired, region: str, facts: IdentityFacts, observed: Observed, _: datetime) -> Problem | None:
    """Return why SES is not changed to a new name yet: it is changed once the MX record of the name is served."""
    if not is_move(desired, region, facts) or _has_mx(observed, desired.mail_from[region].domain):
        return None
    return Problem(
        Reason.WAITING_FOR_MAIL_FROM,
        f"The MAIL FROM domain is changed from {_name(facts)} to {desired.mail_from[region].domain} "
        "once its MX record is served; until then mail is sent as before",
        LOOK_AGAIN,
        region,
    )


MAIL_FROM = Setting(
    key="mail-from",
    spec_field="spec.mailFrom.subdomain",
    wanted=_wanted,
    found=_found,
    expected=_expected,
    reset_to=_NONE,
    call=_call,
    words=lambda value: f"set the MAIL FROM domain {value.domain}" if value.domain else "remove the MAIL FROM domain",
    iam_action=Action(
        "ses:PutEmailIdentityMailFromAttributes",
        Feature.MAIL_FROM,
        On.IDENTITY,
        "`spec.mailFrom`, and removing a MAIL FROM domain",
    ),
    memory="mailFrom",
    wait=_wait,
    current=_current,
)


def is_move(desired: Desired, region: str, facts: IdentityFacts) -> bool:
    """Return True if mail is sent correctly now, and would suffer from a name whose MX record SES has yet to find.

    It would use amazonses.com for a while, or be refused.
    """
    wanted, found = desired.mail_from.get(region), facts.mail_from
    if wanted is None or facts.verification_status is not VerificationStatus.SUCCESS:
        return False
    if found is None:
        return wanted.behavior_on_mx_failure is MailFromBehavior.REJECT_MESSAGE
    return found.domain != wanted.domain and found.status is VerificationStatus.SUCCESS


def restarts_mail_from(desired: Desired, region: str, facts: IdentityFacts, observed: Observed) -> Iterable[SesStep]:
    """Set a name again that SES has given up on, once its MX record is served: SES does not look again by itself."""
    found = facts.mail_from
    if (
        found is not None
        and region in desired.mail_from
        and found.status is VerificationStatus.FAILED
        and not mail_from_differs(desired, region, facts)
        and _has_mx(observed, found.domain)
    ):
        yield PutSetting(region, desired.identity, MAIL_FROM, _wanted(desired, region))


def mail_from_differs(desired: Desired, region: str, facts: IdentityFacts) -> bool:
    """Return True if SES has another MAIL FROM domain, or another behaviour without it, than is wanted."""
    wanted = _wanted(desired, region)
    return not isinstance(wanted, NoValue) and wanted != _found(facts)


def is_mail_from_verified(wanted: MailFrom | None, facts: IdentityFacts | None) -> bool:
    """Return True if SES has found the MX record of the MAIL FROM domain that is wanted, or of any if none is."""
    found = facts.mail_from if facts else None
    right = found is not None and (wanted is None or found.domain == wanted.domain)
    return right and found is not None and found.status is VerificationStatus.SUCCESS


def holds_up_ready(wanted: MailFrom | None, facts: IdentityFacts | None, once: str | None) -> bool:
    """Return True if mail cannot be sent as the spec asks because SES does not find the MX record of the MAIL FROM domain.

    ``once``: the domain that SES has verified before. Until then it is waited for, whatever SES does without it; a domain that is
    lost later makes SES use its own, unless it is to reject the mail.
    """
    if wanted is None or is_mail_from_verified(wanted, facts):
        return False
    return once != wanted.domain or wanted.behavior_on_mx_failure is MailFromBehavior.REJECT_MESSAGE


def wanted_mail_from(desired: Desired, region: str) -> str:
    """Return the MAIL FROM domain that the spec asks for, in words."""
    wanted = desired.mail_from.get(region)
    return wanted.domain if wanted else "none"


def mail_from_conflict(desired: Desired, region: str, found: str) -> Problem:
    """Return why an identity without an owner is not adopted: adoption alone would change or remove its MAIL FROM domain."""
    in_ses = (
        "Remove its MAIL FROM domain in SES (aws sesv2 put-email-identity-mail-from-attributes "
        f"--region {region} --email-identity {desired.identity})"
    )
    way_out = (
        f"{in_ses}: an address uses that of its domain" if desired.is_address else f"{in_ses}, or change spec.mailFrom"
    )
    return Problem(
        Reason.MAIL_FROM_CONFLICT,
        f"The existing identity {desired.identity} has the MAIL FROM domain {found}, "
        f"and {wanted_mail_from(desired, region)} is wanted; it is not adopted. {way_out}",
        region=region,
    )


def records_of_mail_from(desired: Desired, observed: Observed) -> tuple[RecordSet, ...]:
    """Return the records of every name that is wanted or that SES still has, each name with one MX."""
    sharing: dict[str, set[str]] = {}
    for region in observed.regions:
        for name in _names(desired, region, observed):
            sharing.setdefault(name, set()).add(region)
    chosen = {
        wanted.domain: wanted.mx_region
        for wanted in desired.mail_from.values()
        if not observed.is_nowhere(wanted.mx_region)  # there is no SES that bounces could be sent to
    }
    return tuple(
        record
        for name, regions in sorted(sharing.items())
        for record in mail_from_records(name, chosen.get(name) or _mx_region(desired, regions), desired.ttl, regions)
    )


def _names(desired: Desired, region: str, observed: Observed) -> set[str]:
    """Return the MAIL FROM domains whose records a region needs: the one that is wanted, and the one that SES has."""
    wanted = desired.mail_from.get(region)
    names = {wanted.domain} if wanted else set()
    match observed.regions.get(region):
        case Present(facts) if ownership(facts, desired.owner) is Ownership.OURS:
            # What others have set, and the spec does not, is theirs: its records too.
            is_known = wanted is not None or MAIL_FROM.memory in names_in(facts.tags, SETTINGS_MARK)
            return names | ({facts.mail_from.domain} if facts.mail_from and is_known else set())
        case Unread() if (known := observed.remembered.get(region)) and known.tokens:
            return names
        case _:
            return set()


def _mx_region(desired: Desired, regions: set[str]) -> str:
    """Return the region of the MX of a name for which none was chosen, or one without SES.

    A name that is being removed was one region's own, or had the MX of the first.
    """
    return desired.first_region if desired.first_region in regions else min(regions)


def _has_mx(observed: Observed, name: str) -> bool:
    dns = observed.dns
    return dns is not None and any(
        (entry.record.name, entry.record.purpose) == (name.lower(), Purpose.MAIL_FROM)
        and entry.state is RecordState.PUBLISHED
        for entry in dns.records
    )


def _name(facts: IdentityFacts) -> str:
    return facts.mail_from.domain if facts.mail_from else "amazonses.com"

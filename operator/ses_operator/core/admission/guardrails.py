"""The guardrails: what a platform team requires of every identity of an account. A chain of small rules, each met or violated.

Source of the recommendations: the guides that docs/governance.md maps to fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ses_operator.api.account.guardrails import GuardrailAction
from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.dkim import DkimMode
from ses_operator.api.identity.dmarc import DmarcPolicy, DmarcSpec
from ses_operator.api.identity.kind import SesIdentitySpec
from ses_operator.core.admission.open_policies import open_statement


@dataclass(frozen=True, slots=True)
class Violation:
    """A guardrail that is not met: the effect, the reason, and which field to change how."""

    action: GuardrailAction
    reason: Reason
    message: str


KEYS_BY_SES = frozenset({DkimMode.EASY, DkimMode.DETERMINISTIC})
"""The modes in which SES makes the key, of the length that the spec says."""

Guardrail = Callable[[SesIdentitySpec, SesAccountSpec], Violation | None]

SEVERITY: Mapping[DmarcPolicy, int] = {DmarcPolicy.NONE: 0, DmarcPolicy.QUARANTINE: 1, DmarcPolicy.REJECT: 2}


def domains_only(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require a domain, and not a single address."""
    guardrail = account.guardrails.domains_only
    if guardrail is None or _is_domain(identity):
        return None
    return Violation(
        guardrail.action,
        Reason.DOMAIN_IDENTITY_REQUIRED,
        "single addresses are not allowed: make a SesIdentity with spec.domain for the domain of the address",
    )


def required_tags(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require that the required tags are all present and not empty."""
    guardrail = account.guardrails.required_tags
    if guardrail is None:
        return None
    tags = {**account.default_tags, **identity.tags}
    missing = [key for key in guardrail.keys if not tags.get(key, "").strip()]
    if not missing:
        return None
    return Violation(
        guardrail.action, Reason.REQUIRED_TAG_MISSING, f"give these tags a value in spec.tags: {', '.join(missing)}"
    )


def allowed_regions(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require that every region is an allowed one."""
    guardrail = account.guardrails.allowed_regions
    if guardrail is None:
        return None
    others = sorted(set(identity.regions) - set(guardrail.regions))
    if not others:
        return None
    return Violation(
        guardrail.action,
        Reason.REGION_NOT_ALLOWED,
        f"take {', '.join(others)} out of spec.regions; allowed: {', '.join(sorted(guardrail.regions))}",
    )


def minimum_regions(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require enough regions to go on when one fails."""
    guardrail = account.guardrails.minimum_regions
    if guardrail is None or len(identity.regions) >= guardrail.count:
        return None
    return Violation(
        guardrail.action,
        Reason.TOO_FEW_REGIONS,
        f"add {guardrail.count - len(identity.regions)} to spec.regions: for disaster recovery there have to be at least "
        f"{guardrail.count}",
    )


def dkim(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require that mail is signed, with a key that is long enough."""
    guardrail = account.guardrails.dkim
    if guardrail is None or not _is_domain(identity):
        return None
    if not identity.dkim.signing_enabled:
        words = "set spec.dkim.signingEnabled to true: mail has to be signed with DKIM"
        return Violation(guardrail.action, Reason.DKIM_REQUIRED, words)
    if identity.dkim.mode in KEYS_BY_SES and identity.dkim.key_size < guardrail.minimum_key_size:
        words = f"set spec.dkim.keySize to {guardrail.minimum_key_size}: the DKIM key is too short"
        return Violation(guardrail.action, Reason.DKIM_REQUIRED, words)
    return None


def own_key(identity: SesIdentitySpec, account: SesAccountSpec, bits: int | None) -> Violation | None:
    """Require that a key of the customer's is long enough, if its length is known; that mail is not signed is reported first."""
    guardrail = account.guardrails.dkim
    if guardrail is None or bits is None or bits >= guardrail.minimum_key_size or dkim(identity, account):
        return None
    words = (
        f"put a DKIM key of at least {guardrail.minimum_key_size} bits into the Secret that spec.dkim.byodkim names, under "
        f"another selector; the one there has {bits}"
    )
    return Violation(guardrail.action, Reason.DKIM_REQUIRED, words)


def mail_from(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require a MAIL FROM domain."""
    guardrail = account.guardrails.mail_from
    if guardrail is None or identity.mail_from is not None or not _is_domain(identity):
        return None
    return Violation(
        guardrail.action,
        Reason.MAIL_FROM_REQUIRED,
        "add spec.mailFrom, such as {subdomain: bounce}: the MAIL FROM domain has to be of the domain itself",
    )


def dmarc(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require a DMARC policy that is severe enough."""
    guardrail = account.guardrails.dmarc
    if guardrail is None or not _is_domain(identity):
        return None
    least = guardrail.minimum_policy
    if identity.dmarc is None:
        words = f"add spec.dmarc with a policy of at least {least}"
        return Violation(guardrail.action, Reason.DMARC_TOO_WEAK, words)
    if _severity(identity.dmarc) >= SEVERITY[least]:
        return None
    words = (
        f"let spec.dmarc ask for at least {least}: by policy, by subdomainPolicy where it is set, and for the rest of the "
        "mail where percentage is below 100, which is treated one step less severely"
    )
    return Violation(guardrail.action, Reason.DMARC_TOO_WEAK, words)


def sending_policies(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require that no policy lets unintended principals send."""
    guardrail = account.guardrails.sending_policies
    if guardrail is None:
        return None
    fault = open_statement(identity.authorized_senders, identity.policies, frozenset(guardrail.allowed_accounts))
    return Violation(guardrail.action, Reason.OPEN_SENDING_POLICY, fault) if fault else None


GUARDRAILS: tuple[Guardrail, ...] = (
    domains_only,
    required_tags,
    allowed_regions,
    minimum_regions,
    dkim,
    mail_from,
    dmarc,
    sending_policies,
)


def violations(
    identity: SesIdentitySpec, account: SesAccountSpec, key_bits: int | None = None
) -> tuple[Violation, ...]:
    """Return every guardrail that is not met, in the order of the chain.

    ``key_bits``: the length of a DKIM key of the customer's, which no spec has.
    """
    found = (
        *(guardrail(identity, account) for guardrail in GUARDRAILS),
        own_key(identity, account, key_bits),
    )
    return tuple(violation for violation in found if violation is not None)


def _is_domain(identity: SesIdentitySpec) -> bool:
    return identity.domain is not None


def _severity(spec: DmarcSpec) -> int:
    """Return what is certain to happen to failing mail, of the domain and of names below it. Source: RFC 7489, 6.6.4."""
    severities = [SEVERITY[policy] for policy in (spec.policy, spec.subdomain_policy) if policy is not None]
    return min(severities) if spec.percentage == 100 else max(min(severities) - 1, 0)

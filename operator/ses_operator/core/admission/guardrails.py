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
    """A guardrail that is not met: its name, the effect, the reason, what it requires, and which field to change how."""

    guardrail: str
    action: GuardrailAction
    reason: Reason
    demand: str
    remedy: str

    def message(self, account_name: str) -> str:
        """Return what is said of it; ``account_name`` is that of the SesAccount."""
        return f"SesAccount {account_name} {self.demand} (guardrail {self.guardrail}); {self.remedy}"


KEYS_BY_SES = frozenset({DkimMode.EASY, DkimMode.DETERMINISTIC})
"""The modes in which SES makes the key, of the length that the spec says."""

Guardrail = Callable[[SesIdentitySpec, SesAccountSpec], Violation | None]

SEVERITY: Mapping[DmarcPolicy, int] = {DmarcPolicy.NONE: 0, DmarcPolicy.QUARANTINE: 1, DmarcPolicy.REJECT: 2}


def domains_only(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require a domain, and not a single address."""
    guardrail = account.guardrails.domains_only
    if guardrail is None or _is_domain(identity):
        return None
    domain = identity.identity.rpartition("@")[2]
    return Violation(
        "domainsOnly",
        guardrail.action,
        Reason.DOMAIN_IDENTITY_REQUIRED,
        "allows no single addresses",
        f"create a SesIdentity with spec.domain {domain} instead of spec.email {identity.identity}",
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
    one = len(missing) == 1
    return Violation(
        "requiredTags",
        guardrail.action,
        Reason.REQUIRED_TAG_MISSING,
        f"requires the {'tag' if one else 'tags'} {', '.join(missing)}",
        f"set {'it' if one else 'them'} in spec.tags",
    )


def allowed_regions(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require that every region is an allowed one."""
    guardrail = account.guardrails.allowed_regions
    if guardrail is None:
        return None
    others = sorted(set(identity.regions) - set(guardrail.regions))
    if not others:
        return None
    named, is_all = ", ".join(others), len(others) == len(set(identity.regions))
    return Violation(
        "allowedRegions",
        guardrail.action,
        Reason.REGION_NOT_ALLOWED,
        f"allows only the regions {', '.join(sorted(guardrail.regions))}",
        f"replace {named} in spec.regions" if is_all else f"remove {named} from spec.regions",
    )


def minimum_regions(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require enough regions to go on when one fails."""
    guardrail = account.guardrails.minimum_regions
    if guardrail is None or len(identity.regions) >= guardrail.count:
        return None
    return Violation(
        "minimumRegions",
        guardrail.action,
        Reason.TOO_FEW_REGIONS,
        f"requires at least {guardrail.count} regions",
        f"add {guardrail.count - len(identity.regions)} to spec.regions",
    )


def dkim(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require that mail is signed, with a key that is long enough."""
    guardrail = account.guardrails.dkim
    if guardrail is None or not _is_domain(identity):
        return None
    if not identity.dkim.signing_enabled:
        remedy = "set spec.dkim.signingEnabled to true"
        return Violation("dkim", guardrail.action, Reason.DKIM_REQUIRED, "requires DKIM signing", remedy)
    least = guardrail.minimum_key_size
    if identity.dkim.mode in KEYS_BY_SES and identity.dkim.key_size < least:
        remedy = f"change spec.dkim.keySize from {identity.dkim.key_size} to {least}"
        return Violation("dkim", guardrail.action, Reason.DKIM_REQUIRED, _requires_bits(least), remedy)
    return None


def own_key(identity: SesIdentitySpec, account: SesAccountSpec, bits: int | None) -> Violation | None:
    """Require that a key of the customer's is long enough, if its length is known; that mail is not signed is reported first."""
    guardrail = account.guardrails.dkim
    if guardrail is None or bits is None or bits >= guardrail.minimum_key_size or dkim(identity, account):
        return None
    secret = f"Secret {identity.dkim.byodkim.private_key_secret_ref.name}" if identity.dkim.byodkim else "Secret"
    remedy = f"the key in the {secret} has {bits}: put a longer one there and choose another spec.dkim.byodkim.selector"
    return Violation("dkim", guardrail.action, Reason.DKIM_REQUIRED, _requires_bits(guardrail.minimum_key_size), remedy)


def mail_from(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require a MAIL FROM domain."""
    guardrail = account.guardrails.mail_from
    if guardrail is None or identity.mail_from is not None or not _is_domain(identity):
        return None
    return Violation(
        "mailFrom",
        guardrail.action,
        Reason.MAIL_FROM_REQUIRED,
        "requires a MAIL FROM domain",
        f"set spec.mailFrom, such as {{subdomain: bounce}} for bounce.{identity.identity}",
    )


def dmarc(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require a DMARC policy that is severe enough."""
    guardrail = account.guardrails.dmarc
    if guardrail is None or not _is_domain(identity):
        return None
    least = guardrail.minimum_policy
    demand = f"requires a DMARC policy of at least {least}"
    if identity.dmarc is None:
        return Violation("dmarc", guardrail.action, Reason.DMARC_TOO_WEAK, demand, f"set spec.dmarc.policy to {least}")
    if _severity(identity.dmarc) >= SEVERITY[least]:
        return None
    remedy = f"{_dmarc_of(identity.dmarc)}: receivers treat mail beyond percentage one step less severely"
    return Violation("dmarc", guardrail.action, Reason.DMARC_TOO_WEAK, demand, f"raise {remedy}")


def sending_policies(identity: SesIdentitySpec, account: SesAccountSpec) -> Violation | None:
    """Require that no policy lets unintended principals send."""
    guardrail = account.guardrails.sending_policies
    if guardrail is None:
        return None
    fault = open_statement(identity.authorized_senders, identity.policies, frozenset(guardrail.allowed_accounts))
    if not fault:
        return None
    demand = "does not allow a sending policy that is so open"
    return Violation("sendingPolicies", guardrail.action, Reason.OPEN_SENDING_POLICY, demand, fault)


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


def _requires_bits(bits: int) -> str:
    return f"requires a DKIM key of at least {bits} bits"


def _dmarc_of(spec: DmarcSpec) -> str:
    """Return the fields and values of the policy."""
    below = f", subdomainPolicy ({spec.subdomain_policy})" if spec.subdomain_policy else ""
    return f"spec.dmarc.policy ({spec.policy}){below} or percentage ({spec.percentage})"


def _severity(spec: DmarcSpec) -> int:
    """Return what is certain to happen to failing mail, of the domain and of names below it. Source: RFC 7489, 6.6.4."""
    severities = [SEVERITY[policy] for policy in (spec.policy, spec.subdomain_policy) if policy is not None]
    return min(severities) if spec.percentage == 100 else max(min(severities) - 1, 0)

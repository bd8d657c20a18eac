"""Which namespaces may use an account, for which domains, in which zones: pure rules, of which the first violation is reported.

What they say of a domain is the same if it is granted to another or to no one: the requester learns nothing of the
holder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ses_operator.api.account.kind import SesAccountSpec
from ses_operator.api.account.tenancy import LabelOperator, LabelRequirement, NamespaceSelector
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentitySpec
from ses_operator.core.model.name_rights import ANY_NAME, NameHolder, NameRights, NameVerdict, Pattern
from ses_operator.core.model.problems import Problem


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace as selectors see it. ``labels`` None: not known."""

    name: str
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """A namespace's request to an account: the spec of an identity.

    ``account_name`` is that of the SesAccount. ``key_bits``: the length of the customer's DKIM key, if it is known.
    """

    namespace: Namespace
    identity: SesIdentitySpec
    account_name: str
    account: SesAccountSpec
    key_bits: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names at which the spec asks for records: the domain, with what belongs to it, and MAIL FROM."""
        spec = self.identity
        mail_from = dict.fromkeys(name for region in spec.regions if (name := spec.mail_from_domain(region)))
        return (self.domain, *mail_from)

    @property
    def domain(self) -> str:
        """The domain that it is about; of an address, the part after the @."""
        return self.identity.identity.rpartition("@")[2].lower()


class UnknownLabelsError(Exception):
    """A selector needs labels of a namespace, and they are not known."""


def selects(selector: NamespaceSelector, namespace: Namespace) -> bool:
    """Return True if the selector selects the namespace.

    Raises UnknownLabelsError if that depends on labels that are not known.
    """
    if selector.match_names and namespace.name not in selector.match_names:
        return False
    if not selector.match_labels and not selector.match_expressions:
        return True
    if namespace.labels is None:
        raise UnknownLabelsError
    labels = namespace.labels
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _meets(labels, requirement) for requirement in selector.match_expressions
    )


def _meets(labels: Mapping[str, str], requirement: LabelRequirement) -> bool:
    match requirement.operator:
        case LabelOperator.IN:
            return labels.get(requirement.key) in requirement.values
        case LabelOperator.NOT_IN:
            return labels.get(requirement.key) not in requirement.values
        case LabelOperator.EXISTS:
            return requirement.key in labels
        case LabelOperator.DOES_NOT_EXIST:
            return requirement.key not in labels


def namespace_allowed(request: AdmissionRequest) -> Problem | None:
    """Require that the account may be used from this namespace."""
    selector = request.account.tenancy.namespaces
    if selector is None or selects(selector, request.namespace):
        return None
    return Problem(
        Reason.NAMESPACE_NOT_ALLOWED,
        f"Namespace {request.namespace.name} may not use SesAccount {request.account_name}. Name another in spec.accountRef, or "
        "have spec.tenancy.namespaces of the SesAccount select this namespace",
    )


def name_rights(request: AdmissionRequest, hosted_zone_id: str | None = None) -> NameRights:
    """Return at which names the identity may have records; ``hosted_zone_id``: of the Route 53 zone, where there is one."""
    grants = request.account.tenancy.grants
    return NameRights(
        request.domain,
        tuple(_patterns(request, ((grant.domains, grant.namespaces) for grant in grants))) if grants else None,
        _zone_patterns(request, hosted_zone_id) if hosted_zone_id is not None else None,
    )


def names_granted(request: AdmissionRequest) -> Problem | None:
    """Require that the grants leave each name that the spec asks for to this namespace."""
    rights = name_rights(request)
    for name in request.names:
        match rights.by_grants(name):
            case NameVerdict.UNKNOWN:
                raise UnknownLabelsError
            case NameVerdict.REFUSED:
                return _not_granted(request, name)
            case NameVerdict.ALLOWED:
                continue
    return None


def zone_allowed(request: AdmissionRequest, hosted_zone_id: str) -> Problem | None:
    """Require that records at each name that the spec asks for may be written into the zone.

    The entry that the identity names decides, else any for the zone.
    """
    rights = name_rights(request, hosted_zone_id)
    for name in request.names:
        match rights.by_zone(name):
            case NameVerdict.UNKNOWN:
                raise UnknownLabelsError
            case NameVerdict.REFUSED:
                return _not_in_zone(request, name, hosted_zone_id)
            case NameVerdict.ALLOWED:
                continue
    return None


def _not_granted(request: AdmissionRequest, name: str) -> Problem:
    refusal = f"SesAccount {request.account_name} does not grant {name} to namespace {request.namespace.name}"
    way_out = "Ask for a grant in spec.tenancy.grants of the SesAccount"
    if name != request.domain:
        refusal += f", and spec.mailFrom.subdomain ({_subdomain(request)}) asks for records at that name"
        way_out += ", or choose another spec.mailFrom.subdomain"
    return Problem(Reason.DOMAIN_NOT_GRANTED, f"{refusal}. {way_out}")


def _not_in_zone(request: AdmissionRequest, name: str, hosted_zone_id: str) -> Problem:
    way_out = "another spec.dns.provider"
    if name != request.domain:
        way_out = f"another spec.mailFrom.subdomain (it is {_subdomain(request)}), or {way_out}"
    return Problem(
        Reason.ZONE_NOT_ALLOWED,
        f"SesAccount {request.account_name} does not let namespace {request.namespace.name} publish records of {name} "
        f"in hosted zone {hosted_zone_id}. Ask for that in spec.dns.zones of the SesAccount (namespaces, allowedDomains), "
        f"or choose {way_out}",
    )


def _subdomain(request: AdmissionRequest) -> str:
    return request.identity.mail_from.subdomain if request.identity.mail_from else ""


def _patterns(
    request: AdmissionRequest, rules: Iterable[tuple[Iterable[str], NamespaceSelector | None]]
) -> Iterator[Pattern]:
    """Yield the patterns, and whose each is."""
    for names, selector in rules:
        holder = _holder(selector, request.namespace)
        yield from (Pattern(name, holder) for name in names)


def _holder(selector: NamespaceSelector | None, namespace: Namespace) -> NameHolder:
    try:
        return NameHolder.OURS if selector is None or selects(selector, namespace) else NameHolder.OTHERS
    except UnknownLabelsError:
        return NameHolder.UNKNOWN


def _zone_patterns(request: AdmissionRequest, hosted_zone_id: str) -> tuple[Pattern, ...] | None:
    """Return the patterns of the entries for the zone; None if none is for it, or for it under the name that was chosen.

    An entry under another name does not open the zone to the identity; that it is for others counts all the same.
    """
    route53 = request.identity.dns.route53
    chosen = route53.zone_ref.name if route53 and route53.zone_ref else None
    entries = [entry for entry in request.account.dns.zones if entry.hosted_zone_id == hosted_zone_id]
    if not any(chosen in (None, entry.name) for entry in entries):
        return None
    rules = ((entry, entry.allowed_domains or (ANY_NAME,)) for entry in entries)
    return tuple(
        pattern
        for entry, names in rules
        for pattern in _patterns(request, [(names, entry.namespaces)])
        if chosen in (None, entry.name) or pattern.holder is NameHolder.OTHERS
    )

"""Which namespaces may use an account, for which domains, in which zones: pure rules, of which the first violation is reported.

What they say of a domain is the same if it is granted to another or to no one: the requester learns nothing of the
holder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ses_operator.api.account.kind import SesAccountSpec, Zone
from ses_operator.api.account.tenancy import WILDCARD, DomainGrant, LabelOperator, LabelRequirement, NamespaceSelector
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.kind import SesIdentitySpec
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


def precision(pattern: str, domain: str) -> int:
    """Return how exactly a pattern names the domain: 0 not at all, more for a longer wildcard, most for the name itself."""
    if pattern == domain:
        return len(domain) + 1
    is_below = pattern.startswith(WILDCARD) and domain.endswith(pattern.removeprefix("*"))
    return len(pattern) if is_below else 0


def _best(patterns: Iterable[str], domain: str) -> int:
    return max((precision(pattern, domain) for pattern in patterns), default=0)


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


def domain_granted(request: AdmissionRequest) -> Problem | None:
    """Require that the grant that names the domain most exactly is for this namespace."""
    grants = request.account.tenancy.grants
    if not grants:
        return None
    ranked = [(_best(grant.domains, request.domain), grant) for grant in grants]
    highest = max(rank for rank, _ in ranked)
    if highest and any(
        selects(grant.namespaces, request.namespace) for rank, grant in _names_before_labels(ranked) if rank == highest
    ):
        return None
    return Problem(
        Reason.DOMAIN_NOT_GRANTED,
        f"SesAccount {request.account_name} does not grant {request.domain} to namespace {request.namespace.name}. Ask for a "
        "grant in spec.tenancy.grants of the SesAccount",
    )


def zone_allowed(request: AdmissionRequest, hosted_zone_id: str) -> Problem | None:
    """Require that records of this domain may be written into the zone.

    The entry that the identity names decides, else any for the zone.
    """
    route53 = request.identity.dns.route53
    named = route53.zone_ref.name if route53 and route53.zone_ref else None
    entries = [
        entry
        for entry in request.account.dns.zones
        if entry.hosted_zone_id == hosted_zone_id and named in (None, entry.name)
    ]
    if not entries or any(_admits(entry, request) for entry in entries):
        return None
    return Problem(
        Reason.ZONE_NOT_ALLOWED,
        f"SesAccount {request.account_name} does not let namespace {request.namespace.name} publish records of {request.domain} "
        f"in hosted zone {hosted_zone_id}. Ask for that in spec.dns.zones of the SesAccount (namespaces, allowedDomains), "
        "or choose "
        "another spec.dns.provider",
    )


def _admits(zone: Zone, request: AdmissionRequest) -> bool:
    if zone.allowed_domains and not _best(zone.allowed_domains, request.domain):
        return False
    return zone.namespaces is None or selects(zone.namespaces, request.namespace)


def _names_before_labels(ranked: Iterable[tuple[int, DomainGrant]]) -> list[tuple[int, DomainGrant]]:
    """Return grants by name first: where one of them decides, labels need not be known."""
    return sorted(
        ranked, key=lambda item: bool(item[1].namespaces.match_labels or item[1].namespaces.match_expressions)
    )

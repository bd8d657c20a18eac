"""IAM policies for the operator, and for teams that send: no more than a configuration needs. Pure.

Sources: IAM User Guide, "IAM JSON policy elements reference"; Service Authorization Reference, "Amazon SES v2" and
"Amazon Route 53" (condition keys); Route 53 Developer Guide, "Using IAM policy conditions for fine-grained access
control".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ses_operator.core.iam.permissions import AUDIT_ACTIONS, actions_of
from ses_operator.core.model.iam_actions import Action, Feature, On

Document = Mapping[str, object]
Statement = dict[str, object]

ANY = "*"
SEND_ACTIONS = (
    "ses:SendEmail",
    "ses:SendRawEmail",
    "ses:SendBulkEmail",
    "ses:SendTemplatedEmail",
    "ses:SendBulkTemplatedEmail",
)
"""The actions that send mail, in both APIs of SES. SMTP needs SendRawEmail."""

RECORD_TYPES = ("CNAME", "MX", "TXT")
CHANGE_ACTIONS = ("CREATE", "DELETE")
_CHANGE = "route53:ChangeResourceRecordSets"


@dataclass(frozen=True, slots=True)
class Sending:
    """Emails of the operator's own: from one address; in these regions (empty: those of the scope); with a configuration set."""

    address: str
    regions: tuple[str, ...] = ()
    configuration_set: str | None = None

    @property
    def identities(self) -> tuple[str, ...]:
        """The identities that may cover the address at SES: itself, its domain, and each domain above that but the last label."""
        labels = self.address.rpartition("@")[2].split(".")
        return (self.address, *(".".join(labels[start:]) for start in range(len(labels) - 1)))


@dataclass(frozen=True, slots=True)
class PolicyScope:
    """The scope of a policy.

    ``regions`` and ``identities`` (domains and email addresses) empty: all. ``zones``: ids of Route 53 hosted zones
    that the same credentials write to; empty: all. ``roles``: ARNs of roles that these credentials assume, for zones
    of other accounts.
    ``audited``: regions that are audited; empty: all, if ``features`` include audits. ``entry_roles``: the role that
    the first credentials assume, if they do not do the work themselves. ``sending``: for the feature of
    notifications, which is never allowed for more than one address.
    """

    features: frozenset[Feature]
    regions: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    entry_roles: tuple[str, ...] = ()
    audited: tuple[str, ...] = ()
    sending: Sending | None = None
    account_id: str = ANY
    partition: str = "aws"


def operator_policy(scope: PolicyScope) -> Document:
    """Return the policy of the operator's credentials for an AWS account."""
    return _document(_operator_statements(scope))


def zone_policy(scope: PolicyScope) -> Document:
    """Return the policy of the role that a SesAccount names for a zone of another AWS account."""
    return _document(_zone_statements(scope, actions_of(frozenset({Feature.ROUTE53}))))


def entry_policy(scope: PolicyScope) -> Document:
    """Return the policy of credentials, of the pod or of a Secret, that only assume the account's role."""
    if not scope.entry_roles:
        raise ValueError(
            "the SesAccount names no role in spec.credentials.assumeRole: its credentials do the work themselves"
        )
    return _document(_assume(scope.entry_roles))


def sender_policy(scope: PolicyScope) -> Document:
    """Return a policy to send from the scope's addresses, and from addresses of its domains, through these identities only.

    Raises ValueError if there are none, because there is nothing that it could allow.
    """
    if not scope.identities:
        raise ValueError("name the domains or addresses that may be sent from")
    statement = _statement(
        "SendAsOwnIdentities", SEND_ACTIONS, (*_identities(scope), *_arns(scope, ("configuration-set/*",)))
    )
    addresses = [name if "@" in name else f"*@{name}" for name in sorted(scope.identities)]
    statement["Condition"] = {"StringLike": {"ses:FromAddress": addresses}}
    return _document([statement])


def _operator_statements(scope: PolicyScope) -> Iterator[Statement]:
    actions = actions_of(scope.features)
    ses = [action for action in actions if action.name.startswith("ses:")]
    yield _in_regions(_statement("Account", _names(ses, On.ANYTHING), (ANY,)), scope.regions)
    yield _statement("Identities", _names(ses, On.IDENTITY, On.IDENTITY_AND_CONFIGURATION_SET), _identities(scope))
    if Feature.CONFIGURATION_SETS in scope.features:
        used_with = _names(ses, On.IDENTITY_AND_CONFIGURATION_SET)
        yield _statement("ConfigurationSets", used_with, _arns(scope, ("configuration-set/*",)))
    yield _statement("Topics", _names(actions, On.TOPIC), _arns(scope, (ANY,), service="sns"))
    audit = (name for feature, names in AUDIT_ACTIONS.items() if feature in scope.features for name in names)
    yield _in_regions(_statement("Audit", audit, (ANY,)), scope.audited)
    if Feature.NOTIFICATIONS in scope.features:
        yield _notifications(scope, _names(ses, On.SENDER))
    if scope.features & {Feature.ROUTE53, Feature.FIND_ZONES}:
        yield from _zone_statements(scope, tuple(action for action in actions if action not in ses))
    yield from _assume(scope.roles)


def _notifications(scope: PolicyScope, actions: tuple[str, ...]) -> Statement:
    """Allow sending as this address and no other: the operator's credentials must not allow writing as any address."""
    if scope.sending is None:
        raise ValueError(
            "name the address that notifications come from: by --notify-from, or a SesAccount that has them"
        )
    sending = scope.sending
    where = replace(scope, regions=sending.regions or scope.regions)
    sets = (f"configuration-set/{sending.configuration_set}",) if sending.configuration_set else ()
    names = tuple(f"identity/{name}" for name in sending.identities)
    statement = _statement("Notifications", actions, _arns(where, (*names, *sets)))
    return {**statement, "Condition": {"StringEquals": {"ses:FromAddress": sending.address}}}


def _zone_statements(scope: PolicyScope, actions: tuple[Action, ...]) -> Iterator[Statement]:
    yield _statement("Zones", _names(actions, On.ANYTHING), (ANY,))
    zones = tuple(f"arn:{scope.partition}:route53:::hostedzone/{zone}" for zone in sorted(scope.zones) or (ANY,))
    reads = tuple(name for name in _names(actions, On.ZONE) if name != _CHANGE)
    if reads:
        yield _statement("ReadRecords", reads, zones)
        yield {**_statement("WriteRecords", (_CHANGE,), zones), "Condition": _record_condition(scope)}


def _record_condition(scope: PolicyScope) -> Statement:
    """Allow only records of these types, at or below these domains, and no change of another client's records.

    ForAllValues, because a batch has many changes, each of which must be allowed.
    """
    equals: dict[str, object] = {f"{_CHANGE}RecordTypes": list(RECORD_TYPES), f"{_CHANGE}Actions": list(CHANGE_ACTIONS)}
    condition: Statement = {"ForAllValues:StringEquals": equals}
    if names := [f"*.{name}" for name in sorted(scope.identities) if "@" not in name]:
        condition["ForAllValues:StringLike"] = {f"{_CHANGE}NormalizedRecordNames": names}
    return condition


def _assume(roles: tuple[str, ...]) -> Iterator[Statement]:
    if roles:
        yield _statement("AssumeRoles", ("sts:AssumeRole",), sorted(set(roles)))


def _identities(scope: PolicyScope) -> tuple[str, ...]:
    return _arns(scope, tuple(f"identity/{name}" for name in sorted(scope.identities) or (ANY,)))


def _arns(scope: PolicyScope, resources: tuple[str, ...], service: str = "ses") -> tuple[str, ...]:
    return tuple(
        f"arn:{scope.partition}:{service}:{region}:{scope.account_id}:{resource}"
        for region in sorted(scope.regions) or (ANY,)
        for resource in resources
    )


def _in_regions(statement: Statement, regions: tuple[str, ...]) -> Statement:
    """Limit actions without resource, or allowed on any, to the regions by a condition."""
    if regions:
        statement["Condition"] = {"StringEquals": {"aws:RequestedRegion": sorted(regions)}}
    return statement


def _names(actions: Iterable[Action], *on: On) -> tuple[str, ...]:
    return tuple(action.name for action in actions if action.on in on)


def _statement(sid: str, actions: Iterable[str], resources: Iterable[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _document(statements: Iterable[Statement]) -> Document:
    return {"Version": "2012-10-17", "Statement": [found for found in statements if found["Action"]]}

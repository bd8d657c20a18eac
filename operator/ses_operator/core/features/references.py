"""What an identity refers to and depends on without owning it: the table of all, and why each may not serve. Pure.

Ready says that an application can send. For each entry of ``DEPENDENCIES`` a test breaks it behind the operator's back,
and Ready must follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ses_operator.api.base.conditions import ConditionType
from ses_operator.api.base.reasons import Reason
from ses_operator.api.identity.status import WarningStatus
from ses_operator.core.features.configuration_set import CONFIGURATION_SET
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts, VerificationStatus
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.surroundings import AccountStanding, Surroundings


@dataclass(frozen=True, slots=True)
class DependencyCase:
    """One identity in one region, with what is around it. ``may_send``: SES lets it send; None if it is not verified."""

    desired: Desired
    region: str
    surroundings: Surroundings
    may_send: bool | None = None

    @classmethod
    def of(
        cls, desired: Desired, region: str, surroundings: Surroundings, facts: IdentityFacts | None
    ) -> DependencyCase:
        """Return the case of an identity with these facts; None: it does not exist, or was not read."""
        verified = facts is not None and facts.verification_status is VerificationStatus.SUCCESS
        return cls(desired, region, surroundings, facts.sending_enabled if facts is not None and verified else None)


@dataclass(frozen=True, slots=True)
class Dependency:
    """One thing that sending depends on.

    ``key``: stable. ``condition``: the one that says so. ``problem``: why mail is refused because of it, None if it is not, or
    if that is not known.
    """

    key: str
    condition: ConditionType
    problem: Callable[[DependencyCase], Problem | None]


def _configuration_set_exists(case: DependencyCase) -> Problem | None:
    name = case.desired.configuration_set(case.region)
    if name is None or case.surroundings.has_configuration_set is not False:
        return None
    return Problem(
        Reason.CONFIGURATION_SET_NOT_FOUND,
        f'Configuration set "{name}" does not exist in {case.region}, and SES refuses mail that uses it. Create it there, or '
        "change spec.configurationSetName or spec.regionOverrides",
        region=case.region,
    )


def _topics_exist(case: DependencyCase) -> Problem | None:
    named = {topic.arn for topic in case.desired.topics.get(case.region, {}).values() if topic.arn}
    missing = sorted(named & case.surroundings.missing_topics)
    if not missing:
        return None
    return Problem(
        Reason.SNS_TOPIC_NOT_FOUND,
        f"SNS topic {', '.join(missing)} does not exist, so notifications about bounces and complaints are lost. Create it, "
        "or change the topics of spec.regionOverrides",
        region=case.region,
    )


def _account_sends(case: DependencyCase) -> Problem | None:
    standing = case.surroundings.standing
    if standing is None or (standing.sending_enabled and not standing.is_shut_down):
        return None
    if standing.is_shut_down:
        words = (
            f"AWS has suspended sending for the AWS account in {case.region} (EnforcementStatus SHUTDOWN): SES refuses all its "
            "mail. The owner of the AWS account has to resolve that with AWS Support"
        )
    else:
        words = (
            f"Sending is paused for the AWS account in {case.region}: SES refuses all its mail. The owner of the AWS account can "
            "resume it in the SES console, or by PutAccountSendingAttributes"
        )
    return Problem(Reason.SENDING_PAUSED, words, region=case.region)


def _identity_sends(case: DependencyCase) -> Problem | None:
    if case.may_send is not False:
        return None
    return Problem(
        Reason.SENDING_PAUSED,
        f"SES does not let {case.desired.identity} send in {case.region} although it is verified "
        "(VerifiedForSendingStatus is false). The owner of the AWS account has to resolve that with AWS Support",
        region=case.region,
    )


DEPENDENCIES: tuple[Dependency, ...] = (
    Dependency(CONFIGURATION_SET.key, ConditionType.REFERENCES_RESOLVED, _configuration_set_exists),
    Dependency("topics", ConditionType.REFERENCES_RESOLVED, _topics_exist),
    Dependency("account", ConditionType.SENDING_ENABLED, _account_sends),
    Dependency("sending", ConditionType.SENDING_ENABLED, _identity_sends),
)
"""All of them. What SES verifies of the identity itself is read with it: ``IdentityFacts``."""


def unmet(case: DependencyCase) -> dict[str, Problem]:
    """Return why mail is refused or lost in the region, by the key of the dependency; nothing if it is not known to be."""
    return {each.key: problem for each in DEPENDENCIES if (problem := each.problem(case)) is not None}


def unmet_of(condition: ConditionType, case: DependencyCase) -> list[Problem]:
    """Return the same for one condition."""
    found = unmet(case)
    return [found[each.key] for each in DEPENDENCIES if each.condition is condition and each.key in found]


def has_references(desired: Desired) -> bool:
    """Return True if the spec names a configuration set or an SNS topic."""
    return any(desired.configuration_set(region) is not None for region in desired.regions) or any(
        topic.arn for topics in desired.topics.values() for topic in topics.values()
    )


def account_warnings(name: str, standings: Mapping[str, AccountStanding | None]) -> tuple[WarningStatus, ...]:
    """Return what the author of an identity has to know of the AWS account of SesAccount ``name`` in these regions."""
    boxed = {region: each for region, each in standings.items() if each is not None and not each.production_access}
    if not boxed:
        return ()
    limits = {_limits(each) for each in boxed.values()}
    return (
        WarningStatus(
            reason=Reason.ACCOUNT_IN_SANDBOX,
            message=f"The AWS account of SesAccount {name} has no production access to SES in {', '.join(sorted(boxed))} (AWS "
            "calls this the SES sandbox): mail to an address or domain that is not verified there is rejected"
            f"{', and quotas are low' if limits != {''} else ''}{''.join(sorted(limits)) if len(limits) == 1 else ''}. The owner "
            "of the AWS account requests production access in the SES console, for each region",
        ),
    )


def _limits(standing: AccountStanding) -> str:
    if standing.daily_quota is None or standing.rate_quota is None:
        return ""
    return f" ({standing.daily_quota:g} messages in 24 hours, {standing.rate_quota:g} a second)"

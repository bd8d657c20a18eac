"""The differences between an identity and what is wanted, and the steps that correct them: settings, tags, policies, creation."""

from __future__ import annotations

from collections.abc import Iterable

from ses_operator.api.base.reasons import Reason
from ses_operator.core.features.configuration_set import CONFIGURATION_SET
from ses_operator.core.features.marks import first_marks, surplus_marks, wanted_marks
from ses_operator.core.features.sending_policy import grants
from ses_operator.core.features.settings import differing_settings
from ses_operator.core.model.dkim_source import GivenDkim
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import DkimFacts, IdentityFacts, VerificationStatus
from ses_operator.core.planning.expected import created, unverified_address
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.steps import CreateIdentity, SendVerificationEmail, SesStep, TagIdentity, UntagIdentity


def tags(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> Iterable[SesStep]:
    """Set the wanted tags; of the others, remove those that the operator set earlier and that are no longer wanted."""
    found = facts.tags or {}
    wanted = {**desired.tags, **wanted_marks(desired, region, facts)}
    missing = {key: value for key, value in wanted.items() if found.get(key) != value}
    if missing:
        yield TagIdentity(region, desired.identity, missing)
    left = (inventory.tag_keys & found.keys()) - desired.tags.keys()
    surplus = (*sorted(left), *surplus_marks(desired, region, facts))
    if surplus:
        yield UntagIdentity(region, desired.identity, surplus)


def creation(desired: Desired, region: str, dkim: GivenDkim, refused: Iterable[str] = ()) -> tuple[SesStep, ...]:
    """Return CreateEmailIdentity with all that one call can carry and that was not ``refused``, then what it cannot."""
    carried = None if CONFIGURATION_SET.key in refused else desired.configuration_set(region)
    unread = DkimFacts(VerificationStatus.PENDING, signing_enabled=True, tokens=(), signing_hosted_zone="")
    tagged = {**desired.tags, **first_marks(desired, region)}
    create = CreateIdentity(region, desired.identity, dkim, tagged, carried)
    return (create, *_afterwards(desired, region, created(create, unread)))


def refused_key(step: SesStep, problem: Problem) -> str:
    """Return the key of what was refused: of a creation, the one setting that it carries may be all that is wrong."""
    blames_the_set = problem.reason is Reason.CONFIGURATION_SET_NOT_FOUND
    return CONFIGURATION_SET.key if isinstance(step, CreateIdentity) and blames_the_set else step.key


def creation_by_email(desired: Desired, region: str) -> tuple[SesStep, ...]:
    """Return the email of a template, by which the address becomes an identity, then the rest: SES's own email is never sent."""
    email = SendVerificationEmail(region, desired.identity, desired.verification_template)
    return (email, *_afterwards(desired, region, unverified_address()))


def _afterwards(desired: Desired, region: str, fresh: IdentityFacts) -> Iterable[SesStep]:
    nothing = Inventory()
    yield from tags(desired, region, fresh, nothing)
    yield from differing_settings(desired, region, fresh, nothing)
    yield from grants(desired, region, fresh, nothing).steps

"""What differs between an identity and what is wanted, setting by setting, and the step that puts it right.

A new setting is one rule more in ``REPAIRS``: it is then set after creation, repaired when it drifts, and described by a dry
run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ses_operator.core.features.feedback import feedback_forwarding, topics
from ses_operator.core.features.mail_from import mail_from
from ses_operator.core.features.sending_policy import policies
from ses_operator.core.model.dkim_source import GivenDkim
from ses_operator.core.model.ses import DkimFacts, IdentityFacts, VerificationStatus
from ses_operator.core.planning.expected import unverified_address
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.steps import (
    CreateIdentity,
    SendVerificationEmail,
    SesStep,
    SetConfigurationSet,
    SetSigningEnabled,
    TagIdentity,
    UntagIdentity,
)

Repair = Callable[[Desired, str, IdentityFacts, Inventory], Iterable[SesStep]]
"""Of one setting in one region. The inventory tells what we set there earlier."""


def tags(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> Iterable[SesStep]:
    """Ours are set; of the others, those that we set earlier and that are no longer wanted go."""
    found = facts.tags or {}
    missing = {key: value for key, value in desired.tags.items() if found.get(key) != value}
    if missing:
        yield TagIdentity(region, desired.identity, missing)
    surplus = tuple(sorted((inventory.tag_keys & found.keys()) - desired.tags.keys()))
    if surplus:
        yield UntagIdentity(region, desired.identity, surplus)


def signing(desired: Desired, region: str, facts: IdentityFacts, _: Inventory) -> Iterable[SesStep]:
    """DKIM signing is on or off as asked. SES refuses to hear of it for an address."""
    if not desired.is_address and facts.dkim.signing_enabled != desired.signing_enabled:
        yield SetSigningEnabled(region, desired.identity, desired.signing_enabled)


def configuration_set(desired: Desired, region: str, facts: IdentityFacts, _: Inventory) -> Iterable[SesStep]:
    """The default configuration set."""
    wanted = desired.configuration_set(region)
    if facts.configuration_set_name != wanted:
        yield SetConfigurationSet(region, desired.identity, wanted)


REPAIRS: tuple[Repair, ...] = (tags, signing, mail_from, configuration_set, topics, feedback_forwarding)

LAST_REPAIRS: tuple[Repair, ...] = (policies,)
"""What SES may refuse until the identity is verified. All else comes before, for a step that is refused ends the run."""


def repairs(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> tuple[SesStep, ...]:
    """All steps that put the identity right in this region, in the order of ``REPAIRS``."""
    return tuple(step for repair in REPAIRS for step in repair(desired, region, facts, inventory))


def last_repairs(desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory) -> tuple[SesStep, ...]:
    """The steps that come after everything else in this region, in the order of ``LAST_REPAIRS``."""
    return tuple(step for repair in LAST_REPAIRS for step in repair(desired, region, facts, inventory))


def creation(desired: Desired, region: str, dkim: GivenDkim) -> tuple[SesStep, ...]:
    """CreateEmailIdentity with all that one call can carry, then what it cannot."""
    create = CreateIdentity(region, desired.identity, dkim, desired.tags, desired.configuration_set(region))
    return (create, *_afterwards(desired, region, _fresh(create)))


def creation_by_email(desired: Desired, region: str) -> tuple[SesStep, ...]:
    """The email of a template, by which the address becomes an identity, then everything else: SES's own is never sent."""
    email = SendVerificationEmail(region, desired.identity, desired.verification_template)
    return (email, *_afterwards(desired, region, unverified_address()))


def _afterwards(desired: Desired, region: str, fresh: IdentityFacts) -> Iterable[SesStep]:
    return (step for rule in (repairs, last_repairs) for step in rule(desired, region, fresh, Inventory()))


def _fresh(create: CreateIdentity) -> IdentityFacts:
    """What stands right after the call, as far as repairs look at it (API reference, CreateEmailIdentity)."""
    return IdentityFacts(
        verification_status=VerificationStatus.PENDING,
        dkim=DkimFacts(VerificationStatus.PENDING, signing_enabled=True, tokens=(), signing_hosted_zone=""),
        configuration_set_name=create.configuration_set_name,
        tags=create.tags,
        topics={},
    )

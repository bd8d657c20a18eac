"""The settings of an identity, and what the rest of the operator reads of all of them. Pure.

A setting more is one entry more in ``SETTINGS``: it is then set after creation, corrected when it drifts, reset when
it leaves the spec, described by a dry run, counted when another client changes it back, and permitted by the printed
IAM policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ses_operator.core.features.configuration_set import CONFIGURATION_SET
from ses_operator.core.features.feedback import FEEDBACK
from ses_operator.core.features.mail_from import MAIL_FROM
from ses_operator.core.features.signing import KEY_LENGTH, SIGNING
from ses_operator.core.features.topics import TOPIC_SETTINGS
from ses_operator.core.model.iam_actions import Action, Feature
from ses_operator.core.model.problems import Problem
from ses_operator.core.model.ses import IdentityFacts
from ses_operator.core.state.desired import Desired
from ses_operator.core.state.inventory import Inventory
from ses_operator.core.state.observed import Observed
from ses_operator.core.state.setting import UNKNOWN, UNMANAGED, Answer, NoValue, Setting, SupplementaryRead
from ses_operator.core.state.steps import PutSetting
from ses_operator.core.state.todo import Todo

SETTINGS: tuple[Setting[Any], ...] = (
    SIGNING,
    KEY_LENGTH,
    MAIL_FROM,
    CONFIGURATION_SET,
    FEEDBACK,
    *TOPIC_SETTINGS,
)
"""All settings, in the order in which they are set."""


def differing_settings(
    desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory
) -> Iterator[PutSetting]:
    """Yield a step for each setting that is managed in the region and known to differ from the wanted value."""
    for setting in SETTINGS:
        value, found = _target(setting, desired, region, inventory), setting.found(facts)
        if not isinstance(value, NoValue) and not isinstance(found, NoValue) and value != found:
            yield PutSetting(region, desired.identity, setting, value)


def due_settings(
    desired: Desired, region: str, facts: IdentityFacts, observed: Observed, inventory: Inventory, now: datetime
) -> Todo:
    """Return the same for those that can be set now, and what the others wait for."""
    steps, waits = list[PutSetting](), dict[str, Problem]()
    for step in differing_settings(desired, region, facts, inventory):
        if (problem := step.setting.wait(desired, region, facts, observed, now)) is None:
            steps.append(step)
        else:
            waits[step.key] = problem
    return Todo(tuple(steps), waits)


def needed_reads(
    desired: Desired, region: str, facts: IdentityFacts, inventory: Inventory
) -> tuple[SupplementaryRead, ...]:
    """Return the reads without which nothing is known of a setting that is managed in the region."""
    reads = (
        setting.read
        for setting in SETTINGS
        if setting.read is not None
        and setting.found(facts) is UNKNOWN
        and _target(setting, desired, region, inventory) is not UNMANAGED
    )
    return tuple({read.key: read for read in reads}.values())


def remembered_settings(desired: Desired) -> frozenset[str]:
    """Return the settings that the spec names and need not have, as the inventory remembers them."""
    return frozenset(
        setting.entry(region)
        for setting in SETTINGS
        for region in desired.regions
        if setting.memory and setting.wanted(desired, region) is not UNMANAGED
    )


def parsed_settings(answer: Answer) -> Mapping[str, Any]:
    """Return ``IdentityFacts.settings`` as GetEmailIdentity has them."""
    return {setting.key: setting.parse(answer) for setting in SETTINGS if setting.parse is not None}


def first_settings() -> Mapping[str, Any]:
    """Return the same for an identity that was just created."""
    return {setting.key: setting.reset_to for setting in SETTINGS if setting.parse is not None}


def actions_of_settings() -> tuple[Action, ...]:
    """Return the IAM actions that reading and setting all of them takes."""
    return tuple({action.name: action for setting in SETTINGS for action in setting.iam_actions}.values())


def features_of_settings(desired: Desired) -> frozenset[Feature]:
    """Return the features whose permissions the settings take that the spec asks for in any region."""
    return frozenset(
        action.feature
        for setting in SETTINGS
        if any(setting.is_asked_for(desired, region) for region in desired.regions)
        for action in setting.iam_actions
    )


def _target(setting: Setting[Any], desired: Desired, region: str, inventory: Inventory) -> Any:
    """Return the value that it is to have: the SES default if the spec no longer asks for what it asked for."""
    wanted = setting.wanted(desired, region)
    if wanted is UNMANAGED and setting.memory and setting.entry(region) in inventory.settings:
        return setting.reset_to
    return wanted

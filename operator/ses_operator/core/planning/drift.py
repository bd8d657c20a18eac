"""The current values where a step would set others, in words: the other half of "it is to be ...". Pure."""

from __future__ import annotations

from typing import assert_never

from ses_operator.core.features.keys.key_identity import own_selector
from ses_operator.core.model.dkim_source import OwnKey
from ses_operator.core.model.ses import IdentityFacts
from ses_operator.core.state.observed import Present, RegionView
from ses_operator.core.state.setting import NoValue
from ses_operator.core.state.steps import (
    CreateIdentity,
    CreatePolicy,
    DeleteIdentity,
    DeletePolicy,
    PutSetting,
    RestartVerification,
    SendVerificationEmail,
    SesStep,
    SetDkimSource,
    TagIdentity,
    UntagIdentity,
    UpdatePolicy,
    WithdrawRights,
)


def is_drift(step: SesStep, view: RegionView) -> bool:
    """Return True if the step corrects what another client has changed.

    Not one that only sets the current value again, or starts a verification again.
    """
    facts = view.facts if isinstance(view, Present) else None
    match step:
        case PutSetting(setting=setting, value=value):
            return facts is None or setting.found(facts) != value
        case SetDkimSource(dkim=dkim):
            # Another key under the current selector is a rotation, or sent once more: SES does not tell keys apart.
            return facts is None or own_selector(facts) != (dkim.selector if isinstance(dkim, OwnKey) else None)
        case CreateIdentity() | TagIdentity() | CreatePolicy() | UpdatePolicy() | DeletePolicy():
            return True
        case UntagIdentity() | RestartVerification() | SendVerificationEmail() | WithdrawRights() | DeleteIdentity():
            return False
        case _:
            assert_never(step)


def current_value(step: SesStep, view: RegionView) -> str:
    """Return the value that the step would change, such as "none"; empty if the step itself says all there is to say."""
    if not isinstance(view, Present):
        return "it did not exist" if isinstance(step, CreateIdentity) else ""
    match step:
        case PutSetting(setting=setting, value=value):
            found = setting.found(view.facts)
            return "" if isinstance(found, NoValue) else setting.current(found, value)
        case SetDkimSource():
            return "Easy DKIM" if (selector := own_selector(view.facts)) is None else f"the selector {selector}"
        case TagIdentity():
            return _tags(step, view.facts)
        case UpdatePolicy():
            return "another document"
        case CreateIdentity() | WithdrawRights() | CreatePolicy() | DeletePolicy():
            return ""
        case UntagIdentity() | RestartVerification() | SendVerificationEmail() | DeleteIdentity():
            return ""
        case _:
            assert_never(step)


def _tags(step: TagIdentity, facts: IdentityFacts) -> str:
    """Return the values that others gave; tags that are missing need no words."""
    found = facts.tags or {}
    return ", ".join(f"{key}={found[key]}" for key in sorted(step.tags) if key in found)

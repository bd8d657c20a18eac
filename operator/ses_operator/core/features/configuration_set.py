"""The default configuration set of an identity: a setting. Pure."""

from __future__ import annotations

from dataclasses import replace

from ses_operator.core.model.iam_actions import Action, Feature, On
from ses_operator.core.state.setting import UNMANAGED, Call, Setting


def _call(identity: str, name: str | None) -> Call:
    """Return the request; without ConfigurationSetName it removes the configuration set.

    Source: API reference, PutEmailIdentityConfigurationSetAttributes.
    """
    chosen = {"ConfigurationSetName": name} if name else {}
    return Call("PutEmailIdentityConfigurationSetAttributes", {"EmailIdentity": identity, **chosen})


CONFIGURATION_SET: Setting[str | None] = Setting(
    key="configuration-set",
    spec_field="spec.configurationSetName",
    wanted=lambda desired, region: desired.configuration_set(region) or UNMANAGED,
    found=lambda facts: facts.configuration_set_name,
    expected=lambda facts, name: replace(facts, configuration_set_name=name),
    reset_to=None,
    call=_call,
    words=lambda name: f"set the default configuration set {name}" if name else "remove the default configuration set",
    iam_action=Action(
        "ses:PutEmailIdentityConfigurationSetAttributes",
        Feature.CONFIGURATION_SETS,
        On.IDENTITY_AND_CONFIGURATION_SET,
        "`spec.configurationSetName` or that of `spec.regionOverrides` changed after creation",
    ),
    memory="configurationSet",
)

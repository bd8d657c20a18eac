"""Forwarding of bounces and complaints by email: a setting. Not managed unless the spec sets it. Pure."""

from __future__ import annotations

from dataclasses import replace

from ses_operator.core.model.iam_actions import Action, Feature, On
from ses_operator.core.state.setting import UNMANAGED, Call, Setting

_KEY, _AT_FIRST = "feedback-forwarding", True

FEEDBACK = Setting(
    key=_KEY,
    spec_field="spec.feedback.emailForwardingEnabled",
    wanted=lambda desired, _: UNMANAGED if desired.feedback_forwarding is None else desired.feedback_forwarding,
    found=lambda facts: bool(facts.settings.get(_KEY, _AT_FIRST)),
    expected=lambda facts, enabled: replace(facts, settings={**facts.settings, _KEY: enabled}),
    reset_to=_AT_FIRST,
    call=lambda identity, enabled: Call(
        "PutEmailIdentityFeedbackAttributes", {"EmailIdentity": identity, "EmailForwardingEnabled": enabled}
    ),
    words=lambda enabled: f"switch the forwarding of bounces and complaints {'on' if enabled else 'off'}",
    iam_action=Action("ses:PutEmailIdentityFeedbackAttributes", Feature.FEEDBACK, On.IDENTITY, "`spec.feedback`"),
    memory="feedbackForwarding",
    parse=lambda answer: bool(answer.get("FeedbackForwardingStatus", _AT_FIRST)),
)

"""The settings of an identity that are one value: put by one operation, read as one member of GetEmailIdentity.

An entry in ``SETTINGS`` is all that one more needs: the operations of both versions, what an identity stores, what
GetEmailIdentity returns and the tests are made from it. What version 1 returns of it is written in ``operations.v1``.
A setting of several values, or with a progress of its own (DKIM, MAIL FROM), is no entry: it has its operations in
``operations``.

Source: Amazon SES API v2 reference, PutEmailIdentity*; API reference (version 2010-12-01), SetIdentity*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ses_sandbox.errors import bad_request
from ses_sandbox.ses.context import Context
from ses_sandbox.ses.state.models import Identity

T = TypeVar("T")


def _as_given(value: T) -> T:
    """Keep a value as it is."""
    return value


def _accept(*_: object) -> None:
    """Accept every value that the service model does."""


@dataclass(frozen=True, slots=True)
class V1Twin(Generic[T]):
    """The operation of SESv1 that puts the same setting. ``check`` raises what only this version refuses."""

    operation: str
    parameter: str
    check: Callable[[Identity, T], None] = _accept


@dataclass(frozen=True, slots=True)
class IdentitySetting(Generic[T]):
    """A setting that is one value.

    ``operation``, ``parameter``: what puts it in SESv2.
    ``member``: the member of GetEmailIdentity that shows it; left out while the value is None.
    ``default``: the value of a new identity.
    ``omitted``: the value that a request without the parameter puts.
    ``kept``: returns the value that is kept of the one in a request.
    ``find``: returns the identity by name, or raises what the operation answers for a missing one.
    ``check``: raises what SES answers for a value that the service model allows and SES refuses.
    ``v1``: the same setting in SESv1, if that has it.
    """

    operation: str
    parameter: str
    member: str
    default: T
    omitted: T
    kept: Callable[[T], T] = _as_given
    find: Callable[[Context, str], Identity] = Context.identity_to_change
    check: Callable[[Context, T], None] = _accept
    v1: V1Twin[T] | None = None

    def value(self, identity: Identity) -> T:
        """Return the value that an identity has."""
        found: T = identity.settings.get(self.member, self.default)
        return found

    def put(self, identity: Identity, value: T) -> None:
        """Give an identity a value, already checked."""
        identity.settings[self.member] = value


def _configuration_set_exists(ctx: Context, name: str | None) -> None:
    if name is not None:
        ctx.configuration_set(name)


def _topics_replace_forwarding(identity: Identity, enabled: bool) -> None:
    if not enabled and not {"Bounce", "Complaint"} <= identity.notifications.topics.keys():
        raise bad_request("Forwarding can be disabled only with SNS topics for both bounces and complaints.")


CONFIGURATION_SET: IdentitySetting[str | None] = IdentitySetting(
    operation="PutEmailIdentityConfigurationSetAttributes",
    parameter="ConfigurationSetName",
    member="ConfigurationSetName",
    default=None,
    omitted=None,
    kept=lambda name: name or None,  # an empty name clears it, as a missing one does
    find=Context.identity,
    check=_configuration_set_exists,
)
FEEDBACK_FORWARDING: IdentitySetting[bool] = IdentitySetting(
    operation="PutEmailIdentityFeedbackAttributes",
    parameter="EmailForwardingEnabled",
    member="FeedbackForwardingStatus",
    default=True,
    omitted=False,
    v1=V1Twin("SetIdentityFeedbackForwardingEnabled", "ForwardingEnabled", _topics_replace_forwarding),
)
SETTINGS: tuple[IdentitySetting[Any], ...] = (CONFIGURATION_SET, FEEDBACK_FORWARDING)


def settings_view(identity: Identity) -> dict[str, Any]:
    """Return the members of GetEmailIdentity that show the settings."""
    values = {setting.member: setting.value(identity) for setting in SETTINGS}
    return {member: value for member, value in values.items() if value is not None}
